"""JupyterHub with its simple spawner, as its documentation sets it up: the peer of the cold start."""

from __future__ import annotations

import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from first_reply import HubUnderTest
from peers import install, install_proxy
from ports import free_port

CONFIG = """
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_port = {hub_port}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api_port}"
c.ConfigurableHTTPProxy.command = {command!r}
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.allow_named_servers = True
c.Spawner.args = ["--allow-root"]
c.Spawner.environment = {{"JUPYTER_CONFIG_DIR": "{folder}/config", "JUPYTER_DATA_DIR": "{folder}/data"}}
c.SimpleLocalProcessSpawner.home_dir_template = "{folder}/home/{{username}}"
c.JupyterHub.services = [{{"name": "bench", "api_token": "{token}"}}]
c.JupyterHub.load_roles = [
    {{"name": "bench", "services": ["bench"], "scopes": ["admin:servers", "admin:users", "access:servers"]}}
]
"""


@contextmanager
def running_peer_hub(folder: Path) -> Iterator[HubUnderTest]:
    """A started hub with one user, stopped on leaving."""
    binaries, proxy = install("jupyterhub"), install_proxy()
    folder.mkdir(parents=True, exist_ok=True)
    token, port = secrets.token_hex(16), free_port()
    values = {
        "port": port,
        "hub_port": free_port(),
        "api_port": free_port(),
        "command": ["node", str(proxy)],
        "folder": folder,
        "token": token,
    }
    (folder / "jupyterhub_config.py").write_text(CONFIG.format(**values))
    environ = {"PATH": f"{binaries}:/usr/local/bin:/usr/bin:/bin", "HOME": str(folder)}
    with (folder / "hub.log").open("wb") as log:
        process = subprocess.Popen(
            [str(binaries / "jupyterhub"), "-f", "jupyterhub_config.py"],
            cwd=folder,
            env=environ,
            stdout=log,
            stderr=log,
        )
    address, headers = f"http://127.0.0.1:{port}", {"Authorization": f"token {token}"}
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                if httpx.get(f"{address}/hub/api/", headers=headers).status_code == 200:
                    break
            except httpx.HTTPError:
                pass
            if time.monotonic() > deadline or process.poll() is not None:
                raise RuntimeError(f"The peer hub did not start: see {folder}/hub.log")
            time.sleep(0.2)
        httpx.post(f"{address}/hub/api/users/bench", headers=headers).raise_for_status()
        yield HubUnderTest(address, token, "bench")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
