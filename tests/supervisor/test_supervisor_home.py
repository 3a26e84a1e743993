from __future__ import annotations

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from modelyard.processes.identity import identify
from modelyard.supervisor.ending import end_environments
from modelyard.supervisor.home import open_home
from modelyard.supervisor.login_links import make_login_token, redeem_login_token
from modelyard.supervisor.ports import choose_ports
from modelyard.supervisor.record import holder, take_lock
from modelyard.supervisor.server_process import ServerProcess, read_server, write_server


def test_a_login_link_works_once(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    token = make_login_token(home, "ada")
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: redeem_login_token(home, token), range(8)))
    assert sorted(filter(None, answers)) == ["ada"]


def test_a_login_link_ends_by_itself(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    assert redeem_login_token(home, make_login_token(home, "ada", seconds=-1)) is None


def test_no_token_lies_on_disk_in_the_clear(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    token = make_login_token(home, "ada")
    files = [file for file in home.path.rglob("*") if file.is_file()]
    assert not any(token in file.name or token in file.read_text() for file in files)


def test_a_made_up_token_is_refused_whatever_it_holds(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    make_login_token(home, "ada")
    for token in ("", "../service-token", "x" * 100_000, "\0", "😀"):
        assert redeem_login_token(home, token) is None


def test_only_their_owner_reads_the_secrets_and_they_stay(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    before = {file.name: file.read_text() for file in home.secrets.iterdir()}
    assert before
    assert stat.S_IMODE(home.secrets.stat().st_mode) == 0o700
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in home.secrets.iterdir())
    assert {file.name: file.read_text() for file in open_home(tmp_path).secrets.iterdir()} == before


def test_the_inner_ports_stay_the_same_from_one_start_to_the_next(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    assert choose_ports(home) == choose_ports(home)


def test_the_lock_is_held_by_one_and_freed_by_closing_it(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    lock = take_lock(home)
    assert lock is not None
    assert take_lock(home) is None
    assert holder(home) == os.getpid()
    os.close(lock)
    assert holder(home) is None


def test_ending_environments_leaves_a_process_that_only_got_their_pid(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    folder = home.environments / "ada" / "one"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        mine = identify(other.pid)
        assert mine is not None
        earlier = type(mine)(mine.pid, mine.start - 1, mine.boot)
        write_server(folder, ServerProcess(earlier, 1))
        assert end_environments(home) == 0
        assert other.poll() is None
        write_server(folder, ServerProcess(mine, 1))
        assert end_environments(home) == 1
        assert other.wait(5) != 0
    assert read_server(folder) is None
