"""The hub: `python -m modelyard_hub`, with its settings in the environment."""

from __future__ import annotations

import sys
from pathlib import Path

from jupyterhub.app import main

from . import lean  # noqa: F401  (before all else)

CONFIG = Path(__file__).with_name("jupyterhub_config.py")

if __name__ == "__main__":
    main(["-f", str(CONFIG), *sys.argv[1:]])
