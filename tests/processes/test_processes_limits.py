"""Limits, with and without control groups."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace

import pytest

from modelyard.processes.cgroup import make_cgroup
from modelyard.processes.limits import Limits, find_limits, prepare_limits

NAME = f"test-limits-{os.getpid()}"


def in_child(work: Callable[[], object]) -> int:
    """The exit code of `work` in a forked child, negative for a signal; 7 for a MemoryError."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except MemoryError:
            code = 7
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.fixture
def group() -> Limits:
    limits = prepare_limits(NAME, cpu=1, memory_mb=64)
    if limits.cgroup is None:
        pytest.skip("this user may make no control groups here")
    return limits


def allocate(limits: Limits, megabytes: int) -> Callable[[], None]:
    def work() -> None:
        limits.enter()
        held = bytearray(megabytes << 20)
        held[:: 1 << 12] = b"x" * len(held[:: 1 << 12])

    return work


def test_a_control_group_ends_what_takes_too_much(group: Limits) -> None:
    assert group.description == "cgroup: 1 cpu, 64 MB"
    assert in_child(allocate(group, 8)) == 0
    assert not group.oom_killed()
    assert in_child(allocate(group, 200)) == -signal.SIGKILL
    assert group.oom_killed()
    group.remove()
    assert find_limits(NAME, cpu=1, memory_mb=64).cgroup is None


def test_the_members_of_a_group_are_killed(group: Limits) -> None:
    def wait_for_ever() -> None:
        group.enter()
        os.write(writer, b"in")
        signal.pause()

    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        wait_for_ever()
    os.read(reader, 2)
    found = find_limits(NAME, cpu=1, memory_mb=64)
    assert found.cgroup is not None
    assert found.cgroup.processes() == [child]
    found.kill()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    found.remove()


def test_a_group_may_be_prepared_and_removed_again(group: Limits) -> None:
    again = prepare_limits(NAME, cpu=2, memory_mb=128)
    assert again.cgroup == group.cgroup
    again.remove()
    again.remove()


def test_without_control_groups_the_data_of_a_process_is_limited() -> None:
    limits = Limits("none", 1.5, 400)
    assert limits.description == "rlimit: 400 MB a process; 2 threads"
    assert in_child(allocate(limits, 8)) == 0
    assert in_child(allocate(limits, 600)) == 7
    assert not limits.oom_killed()
    limits.kill()
    limits.remove()


def test_a_group_that_was_taken_away_does_not_fail_the_start(group: Limits) -> None:
    group.remove()
    roomy = replace(group, memory_mb=4000)  # the child of a large test process
    assert in_child(allocate(roomy, 8)) == 0


def test_libraries_are_told_how_many_threads_to_start() -> None:
    environment = Limits("none", 0.5, 100).environment
    assert environment["OMP_NUM_THREADS"] == "1"
    assert environment["MODELYARD_CPUS"] == "0.5"
    assert set(Limits("none", 4, 100).environment.values()) == {"4", "100"}


def test_a_name_that_cannot_be_made_gives_no_group() -> None:
    assert make_cgroup("two\nlines", cpu=1, memory_mb=64) is None
    assert prepare_limits("two\nlines", cpu=1, memory_mb=64).description.startswith("rlimit")


def test_a_name_that_leads_elsewhere_is_refused() -> None:
    with pytest.raises(ValueError, match="not the name"):
        make_cgroup("../up", cpu=1, memory_mb=64)
