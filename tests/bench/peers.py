"""The peers, each installed in a folder of its own below .cache/peers and never into the product's environment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from measure import CACHE, ROOT

# The same releases of Jupyter as the product's lock file has.
PEERS = {
    "jupyterhub": ["jupyterhub==6.1.1", "jupyterlab==4.6.6", "ipykernel==7.4.0"],
    "jupyter-scheduler": ["jupyter-scheduler==2.12.1", "jupyterlab==4.6.6", "ipykernel==7.4.0"],
    "metaflow": ["metaflow==2.19.39"],
    "fasttrackml": ["fasttrackml==0.6.0"],
}


def install(name: str) -> Path:
    """The bin folder of the peer's environment, made on first use."""
    folder = CACHE / "peers" / name
    marker = folder / ".installed"
    wanted = "\n".join(PEERS[name])
    if not marker.is_file() or marker.read_text() != wanted:
        print(f"Installing {name} into {folder.relative_to(ROOT)} ...", flush=True)
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "-q", "--clear", "--python", sys.executable, str(folder)], check=True)
        subprocess.run(
            [*uv, "pip", "install", "-q", "--compile-bytecode", "--python", str(folder / "bin/python"), *PEERS[name]],
            check=True,
        )
        marker.write_text(wanted)
    return folder / "bin"


def install_proxy() -> Path:
    """configurable-http-proxy's start script, from npm."""
    folder = CACHE / "peers" / "configurable-http-proxy"
    script = folder / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"
    if not script.exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text("{}")
        subprocess.run(
            [
                sys.executable,
                str(ROOT / "tools/node.py"),
                "npm",
                "install",
                "--no-audit",
                "--no-fund",
                "configurable-http-proxy@5.3.0",
            ],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return script
