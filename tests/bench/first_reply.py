"""Cold start of an environment: from asking the hub for a server to the kernel's first answer, through the proxy."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect


@dataclass(frozen=True)
class HubUnderTest:
    """A running hub: its public address, a token that may start and use servers, and what a start is asked with."""

    address: str
    token: str
    user: str
    options: dict[str, Any] = field(default_factory=dict)

    def cold_start(self) -> float:
        """Seconds from POST of a new named server to execute_reply of `1+1`; the server is removed afterwards."""
        return asyncio.run(self._cold_start(f"b{uuid.uuid4().hex[:8]}"))

    async def _cold_start(self, name: str) -> float:
        headers = {"Authorization": f"token {self.token}"}
        api = f"{self.address}/hub/api/users/{self.user}/servers/{name}"
        server = f"{self.address}/user/{self.user}/{name}"
        async with httpx.AsyncClient(headers=headers, timeout=60, follow_redirects=True) as http:
            begun = time.perf_counter()
            answer = await http.post(api, json={"user_options": self.options} if self.options else None)
            answer.raise_for_status()
            while not await self._ready(http, name):
                await asyncio.sleep(0.02)
            kernel = (
                (await http.post(f"{server}/api/kernels", json={"name": "python3"})).raise_for_status().json()["id"]
            )
            await self._first_reply(f"ws{server[4:]}/api/kernels/{kernel}/channels")
            seconds = time.perf_counter() - begun
            await http.request("DELETE", api, json={"remove": True})
            while (await http.get(api)).status_code == 200:
                await asyncio.sleep(0.1)
        return seconds

    async def _ready(self, http: httpx.AsyncClient, name: str) -> bool:
        servers = (await http.get(f"{self.address}/hub/api/users/{self.user}")).raise_for_status().json()["servers"]
        return bool(servers.get(name, {}).get("ready"))

    async def _first_reply(self, url: str) -> None:
        socket = await websocket_connect(HTTPRequest(url, headers={"Authorization": f"token {self.token}"}))
        header = {
            "msg_id": uuid.uuid4().hex,
            "session": uuid.uuid4().hex,
            "username": "",
            "msg_type": "execute_request",
            "version": "5.3",
        }
        content = {"code": "1+1", "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
        message = {
            "header": header,
            "parent_header": {},
            "metadata": {},
            "content": content,
            "channel": "shell",
            "buffers": [],
        }
        await socket.write_message(json.dumps(message))
        while True:
            text = await socket.read_message()
            assert isinstance(text, str)
            if json.loads(text)["msg_type"] == "execute_reply":
                socket.close()
                return
