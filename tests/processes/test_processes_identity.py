"""Which process a pid means, and ending trees."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace

from modelyard.processes.identity import identify, process_from_json

STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for depth in range(2):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(600)
        os._exit(0)
os.write(1, b"up")
time.sleep(600)
"""

KEEPER = """
import os, signal, subprocess, sys
from modelyard.processes.tree import adopt_orphans, end_children, list_descendants
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
adopt_orphans()
child = subprocess.Popen([sys.executable, "-S", "-c", sys.argv[1]], stdout=subprocess.PIPE)
child.stdout.read(2)
below = list_descendants(os.getpid())
left = end_children()
print(len(below), left, [pid for pid in below if os.path.exists(f"/proc/{pid}")])
"""


def test_a_process_is_recognised_from_its_record() -> None:
    me = identify(os.getpid())
    assert me is not None
    assert process_from_json(me.as_json()) == me
    assert me.alive()


def test_a_reused_pid_is_not_the_same_process() -> None:
    me = identify(os.getpid())
    assert me is not None
    for other in (replace(me, start=me.start - 1), replace(me, boot="another")):
        assert not other.alive()
        assert other.open() is None
        assert not other.send_signal(signal.SIGTERM)
        assert other.wait(0)


def test_a_process_that_never_was_has_no_identity() -> None:
    assert identify(2**22 + 1) is None


def test_the_end_of_a_process_is_waited_for() -> None:
    process = subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE)
    identity = identify(process.pid)
    assert identity is not None
    assert not identity.wait(0.01)
    assert identity.send_signal(signal.SIGKILL)
    assert identity.wait(10)
    assert not identity.alive()  # although it is a zombie still
    process.wait()
    assert not identity.send_signal(signal.SIGKILL)


def test_a_name_with_brackets_and_spaces_does_not_confuse() -> None:
    code = "import ctypes; ctypes.CDLL(None).prctl(15, b') R 1 (x', 0, 0, 0); print('up', flush=True); input()"
    process = subprocess.Popen([sys.executable, "-S", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    identity = identify(process.pid)
    assert identity is not None
    assert identity.alive()
    process.kill()
    process.communicate()


def test_a_tree_that_forked_away_is_ended_whole() -> None:
    done = subprocess.run([sys.executable, "-c", KEEPER, STUBBORN], capture_output=True, text=True, timeout=30)
    count, rest = done.stdout.split(" ", 1)
    assert int(count) >= 3, done.stderr
    assert rest == "[] []\n"
