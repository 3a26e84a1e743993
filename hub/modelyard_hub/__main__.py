"""The hub: `python -m modelyard_hub`, with its settings in the environment."""

from __future__ import annotations

import sys
from pathlib import Path

from . import lean  # noqa: F401  (before all else)
from jupyterhub.app import main  # noqa: E402, I001

CONFIG = Path(__file__).with_name("jupyterhub_config.py")

if __name__ == "__main__":
    main(["-f", str(CONFIG), *sys.argv[1:]])
