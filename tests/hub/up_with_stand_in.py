"""`modelyard up` with the stand-in for the platform: HOME PORT. Prints one line of JSON when it is ready."""

from __future__ import annotations

import dataclasses
import json
import logging
import sys
from pathlib import Path

from modelyard.core.errors import YardError
from modelyard.supervisor.home import Home
from modelyard.supervisor.part import Part
from modelyard.supervisor.parts import Addresses, make_parts
from modelyard.supervisor.record import Yard
from modelyard.supervisor.yard import run_yard

STAND_IN = Path(__file__).with_name("platform_stand_in.py")


def parts(home: Home, at: Addresses) -> list[Part]:
    return [
        dataclasses.replace(part, argv=[sys.executable, str(STAND_IN)], before=[]) if part.name == "platform" else part
        for part in make_parts(home, at)
    ]


def ready(yard: Yard, link: str) -> None:
    print(json.dumps({"url": yard.url, "pid": yard.pid, "link": link}), flush=True)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    try:
        run_yard(Path(sys.argv[1]), int(sys.argv[2]), ready, parts)
    except YardError as error:
        sys.exit(f"{error.message} {error.hint}")
