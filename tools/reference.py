"""Write the generated reference: settings, CLI and API, to docs/reference or the folder that is given.

`make docs` runs it; a test fails when what is committed differs.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

from modelyard.settings import Settings

ROOT = Path(__file__).parents[1]


def settings_page() -> str:
    lines = [
        "# Settings",
        "",
        "Set them in `modelyard.toml` in the home, or as the environment variable `MODELYARD_` + the name in capitals,",
        "which wins. `modelyard up` sets the first seven itself.",
        "",
        "| name | type | default | what |",
        "|---|---|---|---|",
    ]
    for field in dataclasses.fields(Settings):
        kind = str(field.type).removeprefix("pathlib.")
        lines.append(f"| `{field.name}` | {kind} | `{field.default!s}` | {field.metadata['help']} |")
    return "\n".join(lines) + "\n"


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "settings.md").write_text(settings_page())
    for module in ("modelyard.cli.reference", "modelyard.api.export"):
        subprocess.run([sys.executable, "-m", module, str(folder)], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "reference")
