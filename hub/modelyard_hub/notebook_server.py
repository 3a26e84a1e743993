"""The process of a notebook server: JupyterLab in the product's own Python, guarded by the hub's login.

`python -m modelyard_hub.notebook_server` starts one by itself; the nursery calls `run_notebook_server` after a fork.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from . import lean  # noqa: F401  (before all else)

CONFIG = Path(__file__).with_name("notebook_config.py")


def run_notebook_server() -> None:
    """Does not return before the server was told to stop."""
    from jupyterhub.singleuser.extension import JupyterHubSingleUser

    arguments = [f"--config={CONFIG}"]
    if os.geteuid() == 0:
        arguments.append("--allow-root")
    sys.argv = ["modelyard-environment", *arguments]
    JupyterHubSingleUser.launch_instance(arguments)


if __name__ == "__main__":
    run_notebook_server()
