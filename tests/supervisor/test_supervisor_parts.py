"""The supervisor with small parts of its own: real processes, real signals."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from free_ports import find_free_port

from modelyard.supervisor.home import Home
from modelyard.supervisor.yard import stop_yard

Eventually = Callable[..., Any]
SERVER = (
    "import http.server as h, sys;"
    "h.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), h.SimpleHTTPRequestHandler).serve_forever()"
)
PROGRAM = """
import json, os, sys
from pathlib import Path
from modelyard.core.errors import YardError
from modelyard.supervisor.part import Part
from modelyard.supervisor.yard import run_yard
made = json.loads(sys.argv[3])
def parts(home, at):
    return [Part(p["name"], p["argv"], dict(os.environ), home.logs / (p["name"] + ".log"), p["port"], "/",
                 before=p.get("before", [])) for p in made]
try:
    found = run_yard(Path(sys.argv[1]), int(sys.argv[2]), lambda yard, link: print(link, flush=True), parts)
    if found: print("already", found.url, flush=True)
except YardError as error:
    print(error.message, error.hint, file=sys.stderr)
    sys.exit(error.exit_code)
"""
START_AND_STOP = """
import json, os, sys
from pathlib import Path
from modelyard.supervisor.part import Part
from modelyard.supervisor.supervisor import Supervisor
made = json.loads(sys.argv[1])
supervisor = Supervisor([Part("web", made["argv"], dict(os.environ), Path(made["log"]), made["port"], "/")], 0.3)
supervisor.start()
pid = supervisor.pids["web"]
supervisor.stop()
print(Path(f"/proc/{pid}").exists())  # asked here: with this process it would end anyway
"""


class Up:
    def __init__(self) -> None:
        self.started: list[subprocess.Popen[str]] = []

    def __call__(self, home: Path, port: int, *parts: dict[str, Any]) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", PROGRAM, str(home), str(port), json.dumps(parts)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.started.append(process)
        return process


@pytest.fixture
def up() -> Iterator[Up]:
    made = Up()
    yield made
    for process in made.started:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=20)


def server_part(name: str = "web", port: int = 0) -> dict[str, Any]:
    port = port or find_free_port()
    return {"name": name, "argv": [sys.executable, "-c", SERVER, str(port)], "port": port}


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def pid_of(home: Path, part: str) -> int:
    try:
        return int(json.loads((home / "yard.json").read_text())["parts"][part]["pid"])
    except FileNotFoundError:
        return 0


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_it_is_ready_when_every_part_answers_and_prints_one_link(up: Up, tmp_path: Path) -> None:
    port = find_free_port()
    process = up(tmp_path / "home", port, server_part("web"), server_part("other"))
    assert line_of(process).startswith(f"http://127.0.0.1:{port}/hub/once?token=")
    record = json.loads((tmp_path / "home" / "yard.json").read_text())
    assert record["pid"] == process.pid
    assert record["url"] == f"http://127.0.0.1:{port}"
    assert set(record["parts"]) == {"web", "other"}


def test_a_second_up_on_the_same_home_says_where_it_runs(up: Up, tmp_path: Path) -> None:
    port = find_free_port()
    line_of(up(tmp_path / "home", port, server_part()))
    second = up(tmp_path / "home", find_free_port(), server_part())
    assert line_of(second) == f"already http://127.0.0.1:{port}"
    assert second.wait(10) == 0


def test_a_part_that_dies_is_started_again(up: Up, tmp_path: Path, eventually: Eventually) -> None:
    home = tmp_path / "home"
    process = up(home, find_free_port(), server_part())
    line_of(process)
    first = pid_of(home, "web")
    os.kill(first, signal.SIGKILL)
    eventually(lambda: pid_of(home, "web") not in (0, first))
    assert process.poll() is None


def test_parts_end_with_a_supervisor_that_is_killed(up: Up, tmp_path: Path, eventually: Eventually) -> None:
    home = tmp_path / "home"
    process = up(home, find_free_port(), server_part())
    line_of(process)
    part = pid_of(home, "web")
    process.kill()
    eventually(lambda: not runs(part))


def test_sigterm_and_ctrl_c_stop_every_part(up: Up, tmp_path: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        home = tmp_path / number.name
        process = up(home, find_free_port(), server_part())
        line_of(process)
        part = pid_of(home, "web")
        process.send_signal(number)
        assert process.wait(20) == 0
        assert not runs(part)
        assert not (home / "yard.json").exists()


def test_down_is_done_when_the_yard_has_ended_though_nobody_waits_for_its_process(up: Up, tmp_path: Path) -> None:
    process = up(tmp_path / "home", find_free_port(), server_part())
    line_of(process)
    began = time.monotonic()
    assert stop_yard(Home(tmp_path / "home"))
    assert time.monotonic() - began < 15
    assert process.wait(5) == 0


def test_a_part_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    port = find_free_port()
    stubborn = "import signal;signal.signal(signal.SIGTERM, signal.SIG_IGN);" + SERVER
    part = {"argv": [sys.executable, "-c", stubborn, str(port)], "port": port, "log": str(tmp_path / "web.log")}
    done = subprocess.run(
        [sys.executable, "-c", START_AND_STOP, json.dumps(part)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "False\n"


def test_a_taken_port_is_one_sentence(up: Up, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = up(tmp_path / "home", taken.getsockname()[1], server_part())
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 5
    assert "is taken by another program. Choose another with --port" in errors


def test_a_home_that_cannot_be_written_is_one_sentence(up: Up, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    process = up(tmp_path / "file" / "home", find_free_port(), server_part())
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 2
    assert "can't be written" in errors
    assert "--home" in errors


def test_what_must_run_before_a_part_fails_the_start_with_its_own_sentence(up: Up, tmp_path: Path) -> None:
    newer = "import sys; sys.stderr.write('The schema is newer than this modelyard. Update it.'); sys.exit(5)"
    process = up(
        tmp_path / "home",
        find_free_port(),
        {**server_part(), "before": [sys.executable, "-c", newer]},
        server_part("b"),
    )
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 5
    assert errors.strip() == "The schema is newer than this modelyard. Update it."


def test_a_part_that_cannot_start_fails_the_start_with_the_end_of_its_log(up: Up, tmp_path: Path) -> None:
    broken = {
        "name": "web",
        "argv": [sys.executable, "-c", "raise SystemExit('no such hub')"],
        "port": find_free_port(),
    }
    process = up(tmp_path / "home", find_free_port(), broken, server_part("b"))
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 6
    assert "The web did not start." in errors
    assert "no such hub" in errors
