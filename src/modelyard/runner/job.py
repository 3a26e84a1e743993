"""One job: what a kind of entrypoint needs to know to run it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from modelyard.core.contract import Entrypoint
from modelyard.core.errors import Invalid
from modelyard.core.parameters import Parameter, Value


@dataclass(frozen=True)
class Job:
    """`code` is the folder of the code and the working folder; `library` holds the image's modelyard."""

    purpose: str
    entrypoint: Entrypoint
    declared: Sequence[Parameter]
    parameters: dict[str, Value]
    code: Path
    library: Path
    output: Path

    @property
    def file(self) -> Path:
        """The entrypoint's file. Raises Invalid when it is not there or leads out of the code folder."""
        path = self.code / self.entrypoint.path
        if not self.entrypoint.path or not path.is_file():
            raise Invalid(f"The entrypoint {self.entrypoint.path!r} is not in this image's code.")
        if not path.resolve().is_relative_to(self.code.resolve()):
            raise Invalid(f"The entrypoint {self.entrypoint.path!r} leads out of the code folder.")
        return path

    @property
    def artifacts(self) -> Path:
        return self.output / "artifacts"


def extend_python_path(library: Path) -> None:
    """Let every Python that this process starts import the image's modelyard."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([before, str(library)] if before else [str(library)])
