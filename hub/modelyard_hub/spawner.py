"""The spawner: an environment is a named server, started on this machine over the base image that was chosen.

JupyterHub waits for a server with a back-off that wastes a second or more; `start` here returns only once the server
answers, so that the hub's own first look succeeds. What is known of the process is recorded in the environment's
folder before anything waits: a hub that was killed in between finds it again.
"""

from __future__ import annotations

import asyncio
import http.client
import logging
import os
import shutil
import subprocess
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from jupyterhub.spawner import LocalProcessSpawner, SpawnException
from jupyterhub.utils import random_port

from modelyard.capture.environment import EnvironmentDir
from modelyard.core.catalog import BaseImage, Hardware
from modelyard.core.errors import Conflict, Invalid, Unavailable, YardError
from modelyard.processes.identity import identify
from modelyard.processes.limits import Limits, prepare_limits
from modelyard.supervisor.part import last_lines
from modelyard.supervisor.server_process import (
    ServerProcess,
    end_tree,
    forget_server,
    read_server,
    write_server,
)

from .birth import Birth
from .catalog import BUILD_SECONDS, Catalog
from .preparing import environment_folder, group_name, jupyter_config, prepare_environment
from .settings import HubSettings
from .starting import start_notebook_server
from .terminal import ADDRESS_SPACE

log = logging.getLogger(__name__)
_STOP_GRACE_SECONDS = 10.0
_PROBE_SECONDS = 0.025
_LOG_LIMIT = 5 << 20
# Of the hub's own variables: the language, and how this machine reaches its registries.
_KEPT = ("LANG", "LC_ALL", "TZ", "PATH", "HOME", "TERM", "TMPDIR", "SHELL", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
_KEPT_PREFIXES = ("PIP_", "UV_INDEX", "UV_DEFAULT_INDEX", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy")


class EnvironmentSpawner(LocalProcessSpawner):  # type: ignore[misc]
    def __init__(self, **options: Any):
        super().__init__(**options)
        self.reason = ""  # why the last start failed
        self.limits = ""  # how the hardware's limits were applied, in words
        self._child: subprocess.Popen[bytes] | None = None
        self._events: list[dict[str, Any]] = []
        self._said = asyncio.Event()

    @property
    def settings(self) -> HubSettings:
        found: HubSettings = self.user.settings["modelyard"]
        return found

    @property
    def catalog(self) -> Catalog:
        found: Catalog = self.user.settings["catalog"]
        return found

    @property
    def folder(self) -> Path:
        return environment_folder(self.settings.home, self.user.name, self.name)

    def apply_user_options(self, spawner: Any, user_options: dict[str, Any]) -> None:
        """They are resolved in `start`, against the catalog."""

    # Starting

    async def start(self) -> str:
        self._events, self.reason = [], ""
        try:
            return await self._start()
        except YardError as error:
            self.reason = f"{error.message} {error.hint}".strip()
            raise SpawnException(self.reason, reason=error.code, status_code=error.status) from None

    async def _start(self) -> str:
        if not self.name:
            raise Invalid("Every environment has a name.", hint="Make one on your home page.", code="no_name")
        self._say(5, "Looking up the base image and the hardware…")
        image, hardware = await self.catalog.choose(self._option("image"), self._option("hardware"))
        image = await self._built(image)
        await asyncio.to_thread(self._end_leftover)
        self._say(40, f"Preparing the environment over the base image {image.title or image.name}…")
        home, owner, name = self.settings.home, self.user.name, self.name
        environment = await asyncio.to_thread(prepare_environment, home, owner, name, image)
        group = group_name(environment_folder(home, owner, name))
        limits = prepare_limits(group, cpu=hardware.cpu, memory_mb=hardware.memory_mb)
        self._say(60, f"Starting JupyterLab on {hardware.title or hardware.name} ({limits.description})…")
        server = await self._launch(environment, image, hardware, limits)
        self._say(75, "Waiting for JupyterLab…")
        await self._wait_until_it_answers(server)
        self._say(95, "JupyterLab answers.")
        return f"http://127.0.0.1:{server.port}"

    def _option(self, name: str) -> str:
        """Programs send a text, forms a list of one."""
        value = self.user_options.get(name, "")
        return str(value[0] if isinstance(value, list) and value else value)

    async def _built(self, image: BaseImage) -> BaseImage:
        """`image` when it is ready, else ask the platform to build it and wait."""
        if image.state == "ready" and image.digest:
            return image
        self._say(10, f"Building the base image {image.title or image.name}; this happens on its first use only…")
        image = await self.catalog.start_build(image.name)
        began = asyncio.get_running_loop().time()
        while not (image.state == "ready" and image.digest):
            if image.state == "failed":
                raise Unavailable(
                    f"The base image {image.name} could not be built: {image.reason}",
                    hint="Look into the platform's log, or choose another base image.",
                    code="build_failed",
                )
            seconds = asyncio.get_running_loop().time() - began
            if seconds > BUILD_SECONDS:
                raise Unavailable(f"The base image {image.name} is still being built.", hint="Start again later.")
            self._say(min(35, 10 + int(seconds / 2)), f"Building the base image {image.name}… {seconds:.0f} s")
            await asyncio.sleep(0.5)
            image = await self.catalog.image(image.name)
        return image

    async def _launch(
        self, environment: EnvironmentDir, image: BaseImage, hardware: Hardware, limits: Limits
    ) -> ServerProcess:
        self.port = random_port()
        self.limits = limits.description
        log_file = environment.state / "server.log"
        if log_file.exists() and log_file.stat().st_size > _LOG_LIMIT:
            log_file.replace(log_file.with_suffix(".log.1"))
        birth = Birth(
            environment=self._variables(environment, image, hardware, limits),
            folder=str(environment.work),
            log=str(log_file),
            group=limits.name,
            cpu=hardware.cpu,
            memory_mb=hardware.memory_mb,
        )
        pid, self._child = await start_notebook_server(self.settings.home.nursery_socket, birth)
        process = identify(pid)
        if process is None:
            raise self._died()
        server = ServerProcess(process, self.port, limits.description, limits.name)
        write_server(environment.directory, server)
        self.pid = pid
        return server

    def _variables(
        self, environment: EnvironmentDir, image: BaseImage, hardware: Hardware, limits: Limits
    ) -> dict[str, str]:
        settings, state = self.settings, environment.state
        variables = {**self.get_env(), **limits.environment, **environment.variables()}
        variables |= {
            "PATH": f"{environment.venv / 'bin'}{os.pathsep}{variables.get('PATH', os.defpath)}",
            "JUPYTERHUB_ROOT_DIR": str(environment.work),
            # Nothing of the person's own Jupyter shows through, and nothing of this environment leaks out.
            "JUPYTER_PATH": str(environment.jupyter),
            "JUPYTER_CONFIG_DIR": str(jupyter_config(environment)),
            "JUPYTER_DATA_DIR": str(state / "jupyter" / "data"),
            "JUPYTER_RUNTIME_DIR": str(state / "jupyter" / "runtime"),
            "JUPYTERLAB_WORKSPACES_DIR": str(state / "jupyter" / "workspaces"),
            "JUPYTERLAB_SETTINGS_DIR": str(state / "jupyter" / "settings"),
            "IPYTHONDIR": str(state / "ipython"),
            "MODELYARD_URL": f"{settings.public_url}{settings.prefix}",
            "MODELYARD_ENVIRONMENT_DIR": str(environment.directory),
            "MODELYARD_ENVIRONMENT": self.name,
            "MODELYARD_IMAGE": image.name,
            "MODELYARD_HARDWARE": hardware.name,
            "MODELYARD_PRICE_PER_HOUR": str(hardware.price_per_hour),
            "MODELYARD_LIMITS": limits.description,
        }
        if limits.cgroup is None:
            variables[ADDRESS_SPACE] = str(limits.memory_mb)
        return variables

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        for name, value in os.environ.items():
            if name in _KEPT or name.startswith(_KEPT_PREFIXES):
                env.setdefault(name, value)
        env["USER"] = self.user.name
        env.setdefault("SHELL", "/bin/bash" if Path("/bin/bash").exists() else "/bin/sh")
        for name in ("VIRTUAL_ENV", "PYTHONPATH", "LD_LIBRARY_PATH", "JUPYTERHUB_SINGLEUSER_APP"):
            env.pop(name, None)  # the hub's own
        return env

    async def _wait_until_it_answers(self, server: ServerProcess) -> None:
        deadline = asyncio.get_running_loop().time() + self.http_timeout
        while not await asyncio.to_thread(answers_api, server.port, self.server.base_url):
            if not self._is_alive(server):
                raise self._died()
            if asyncio.get_running_loop().time() > deadline:
                raise Unavailable(
                    f"JupyterLab did not answer within {self.http_timeout} s.",
                    hint=f"Start it again. Its log is {self.folder / 'state' / 'server.log'}.",
                    code="no_answer",
                )
            await asyncio.sleep(_PROBE_SECONDS)

    def _died(self) -> YardError:
        file = self.folder / "state" / "server.log"
        last = last_lines(file, 1)
        return Unavailable(
            f"JupyterLab ended while it was starting: {last}" if last else "JupyterLab ended while it was starting.",
            hint=f"Its log is {file}.",
            code="server_died",
        )

    # What happens is told to whoever looks at the pending page

    def _say(self, progress: int, message: str) -> None:
        event = {"progress": progress, "message": message}
        if not self._events or self._events[-1] != event:
            self._events.append(event)
        self._said.set()
        self._said = asyncio.Event()

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        shown = 0
        while True:
            said = self._said
            while shown < len(self._events):
                yield self._events[shown]
                shown += 1
            await said.wait()

    # Running

    def _is_alive(self, server: ServerProcess) -> bool:
        if self._child is not None:
            self._child.poll()  # reaps it
        return server.alive

    def _end_leftover(self) -> None:
        """What a hub that was killed in the middle of a start left running."""
        self._end(0.5)

    async def poll(self) -> int | None:
        server = read_server(self.folder) if self.name else None
        if server is not None and self._is_alive(server):
            return None
        return 0

    async def stop(self, now: bool = False) -> None:
        await asyncio.to_thread(self._end, 0.0 if now else _STOP_GRACE_SECONDS)

    def _end(self, grace_seconds: float) -> None:
        if (server := read_server(self.folder)) is not None:
            end_tree(server, grace_seconds)
            forget_server(self.folder)
        if self._child is not None:
            self._child.poll()

    async def delete_forever(self) -> None:
        """Removes the environment's folder: at once from its place, then for good."""
        if not self.name or not self.folder.exists():
            return
        await self.stop(now=True)
        trash = self.settings.home.environments / ".trash"
        trash.mkdir(mode=0o700, exist_ok=True)
        gone = trash / uuid.uuid4().hex
        self.folder.rename(gone)
        await asyncio.to_thread(shutil.rmtree, gone, ignore_errors=True)

    async def rename(self, old_name: str, new_name: str) -> None:
        raise Conflict("An environment keeps its name.", hint="Change its title, or make a new one.")

    # `limits` and `reason` are read by the platform (hubapi), so they are part of the state

    def get_state(self) -> dict[str, Any]:
        state: dict[str, Any] = super().get_state()
        return state | {k: v for k, v in (("limits", self.limits), ("reason", self.reason)) if v}

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        self.limits, self.reason = state.get("limits", ""), state.get("reason", "")

    def clear_state(self) -> None:
        super().clear_state()
        self.limits = ""  # the reason stays until the next start


def answers_api(port: int, base_url: str) -> bool:
    """Whether the server's public route answers: it does so only when all of its extensions are loaded."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2.0)
    try:
        connection.request("GET", f"{base_url}api")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
