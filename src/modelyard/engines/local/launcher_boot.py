"""Starts `launcher.py` in any Python: `python launcher_boot.py PLATFORM_PACKAGE [IMAGE_LIBRARY]`.

Two packages named modelyard meet in an image's interpreter: the image's own, of the release that saved it, with the
runner; and the platform's, with the launcher. The image's is imported, and is told to look in the platform's folder
for what it lacks. Without an image library the platform's is imported alone.
"""

import runpy
import sys
from pathlib import Path

platform, library = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None
sys.path[:] = [entry for entry in sys.path if entry != str(Path(__file__).parent)]
sys.path.append(library or str(platform.parent))

import modelyard  # noqa: E402  (found by the line above)

if library:
    modelyard.__path__.append(str(platform))
sys.argv[1:] = ["--preload"] if library else []
runpy.run_module("modelyard.engines.local.launcher", run_name="__main__")
