"""What a browser does with a hub and a notebook server, over the same routes and with the same login."""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect


class CellFailed(Exception):
    """A cell raised; the message is the kernel's."""


@dataclass(frozen=True)
class BrowserSession:
    """A logged-in user: the hub's public address and a token of theirs for notebook servers."""

    address: str
    user: str
    token: str

    def open_notebook_server(self, environment: str) -> NotebookSession:
        return NotebookSession(f"{self.address}/user/{self.user}/{environment}/", self.token)


def open_browser_session(login_link: str) -> BrowserSession:
    """Follow a login link, which works once, and make a token for the servers of that user."""
    parts = urlsplit(login_link)
    address = f"{parts.scheme}://{parts.netloc}"
    with httpx.Client(follow_redirects=True, timeout=30) as http:
        http.get(login_link).raise_for_status()
        xsrf = http.cookies.get("_xsrf", path="/hub/")
        headers = {"X-XSRFToken": xsrf or "", "Referer": f"{address}/hub/home"}
        user = http.get(f"{address}/hub/api/user", headers=headers).raise_for_status().json()["name"]
        body = {"note": "demo", "expires_in": 3600, "scopes": ["access:servers!user", "read:users!user"]}
        answer = http.post(f"{address}/hub/api/users/{user}/tokens", json=body, headers=headers).raise_for_status()
    return BrowserSession(address, user, answer.json()["token"])


class NotebookSession:
    """One environment's notebook server and one kernel in it."""

    def __init__(self, url: str, token: str):
        self.url = url
        self.headers = {"Authorization": f"token {token}"}
        self.http = httpx.Client(base_url=url, headers=self.headers, timeout=120, follow_redirects=True)
        self.loop = asyncio.new_event_loop()
        self.kernel = self.post("api/kernels", {"name": "python3"})["id"]
        self.socket: WebSocketClientConnection = self.loop.run_until_complete(self._connect())

    def get(self, path: str) -> Any:
        return self._answer(self.http.get(path))

    def post(self, path: str, body: Any) -> Any:
        return self._answer(self.http.post(path, json=body))

    def _answer(self, response: httpx.Response) -> Any:
        if response.is_error:
            raise RuntimeError(
                f"{response.request.method} {response.request.url.path}: {response.status_code} {response.text[:500]}"
            )
        return response.json()

    def upload(self, name: str, notebook: dict[str, Any]) -> None:
        self.http.put(f"api/contents/{name}", json={"type": "notebook", "content": notebook}).raise_for_status()

    def execute(self, code: str) -> str:
        """Run one cell and return what it printed. Raises CellFailed with the kernel's error."""
        return self.loop.run_until_complete(self._execute(code))

    def close(self) -> None:
        self.loop.run_until_complete(self._disconnect())
        self.http.delete(f"api/kernels/{self.kernel}")
        self.http.close()
        self.loop.close()

    async def _connect(self) -> WebSocketClientConnection:
        url = f"ws{self.url[4:]}api/kernels/{self.kernel}/channels"
        return await websocket_connect(HTTPRequest(url, headers=self.headers), max_message_size=64 << 20)

    async def _disconnect(self) -> None:
        self.socket.close()  # to say so to the server, it must run in the loop

    async def _execute(self, code: str) -> str:
        message_id = uuid.uuid4().hex
        header = {
            "msg_id": message_id,
            "session": self.kernel,
            "username": "",
            "msg_type": "execute_request",
            "version": "5.3",
        }
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        await self.socket.write_message(json.dumps(message))
        printed, replied, idle = [], None, False
        while replied is None or not idle:
            text = await asyncio.wait_for(self.socket.read_message(), 600)
            if text is None:
                raise CellFailed("The notebook server closed the connection to the kernel.")
            answer = json.loads(text)
            if answer["parent_header"].get("msg_id") != message_id:
                continue
            match answer["msg_type"], answer["content"]:
                case "stream", {"text": chunk}:
                    printed.append(chunk)
                case "execute_reply", reply:
                    replied = reply
                case "status", {"execution_state": "idle"}:
                    idle = True
        if replied["status"] == "error":
            raise CellFailed(f"{replied['ename']}: {replied['evalue']}")
        return "".join(printed)
