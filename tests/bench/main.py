"""`make bench`: ours against a peer, alternating in one run, as ratios.

Times on a shared machine move with the neighbours; quote the ratios. `--quick` takes fewer samples, names of benches
choose some of them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from measure import CACHE, Result, alternate, compare, cpu_seconds, memory_mb
from peer_hub import running_peer_hub
from peer_metaflow import metaflow_rate
from peer_scheduler import running_scheduler
from platform_under_test import MODELYARD, PlatformUnderTest, running_platform

from modelyard.core.catalog import Hardware

BENCHES = ("idle", "cold-start", "submit", "accept", "sweep")  # idle first: later ones leave their memory behind


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("benches", nargs="*", default=BENCHES, metavar="BENCH", help=f"of {', '.join(BENCHES)}")
    parser.add_argument("--quick", action="store_true", help="fewer samples")
    given = parser.parse_args()
    if unknown := set(given.benches) - set(BENCHES):
        parser.error(f"no such bench: {', '.join(sorted(unknown))}")
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="modelyard-bench-") as name, running_platform(Path(name)) as ours:
        folder, quick = Path(name), given.quick
        measure: dict[str, Callable[[], list[Result]]] = {
            "idle": lambda: bench_idle(ours, 10 if quick else 60),
            "cold-start": lambda: [bench_cold_start(ours, folder, 3 if quick else 7)],
            "submit": lambda: [bench_submit(ours, folder, 3 if quick else 9)],
            "accept": lambda: [bench_accept(ours)],
            "sweep": lambda: [bench_sweep(ours, folder, *((100, 20) if quick else (1000, 150)))],
        }
        for bench in [bench for bench in BENCHES if bench in given.benches]:
            print(f"{bench} ...", flush=True)
            results += measure[bench]()
    if set(given.benches) == set(BENCHES):  # else it would be a mixture of runs, or have holes
        CACHE.mkdir(exist_ok=True)
        (CACHE / "bench.json").write_text(json.dumps([result.as_json() for result in results], indent=2) + "\n")
    show(results)
    return 0


def bench_idle(ours: PlatformUnderTest, seconds: float) -> list[Result]:
    """Memory of the platform process, its CPU over a minute in which all of its chores are due, and the start."""
    time.sleep(5)  # the end of the base's build and of the save
    before, begun = cpu_seconds(ours.platform_pid), time.monotonic()
    time.sleep(seconds)
    share = (cpu_seconds(ours.platform_pid) - before) / (time.monotonic() - begun) * 100
    megabytes = memory_mb(ours.platform_pid)
    return [
        Result(
            "idle-memory", "MB", megabytes, None, "", None, 120, {"ours": [megabytes]}, f"{share:.2f} % CPU while idle"
        ),
        Result(
            "start",
            "s",
            ours.start_seconds,
            None,
            "",
            None,
            6,
            {"ours": [ours.start_seconds]},
            "modelyard up, fresh home",
        ),
    ]


def bench_cold_start(ours: PlatformUnderTest, folder: Path, rounds: int) -> Result:
    with running_peer_hub(folder / "peer-hub") as peer:
        hub = ours.hub(_server_token(ours))
        hub.cold_start()  # the first of each fills the file cache
        peer.cold_start()
        left, right = alternate(hub.cold_start, peer.cold_start, rounds)
    return compare(
        "cold-start", "s", left, right, "JupyterHub simple spawner", 2, rate=False, note="POST to execute_reply"
    )


def _server_token(ours: PlatformUnderTest) -> str:
    """A token that may start and use the user's servers, made through a login link as a browser would."""
    command = [str(MODELYARD), "login-link", "--home", str(ours.home)]
    link = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    address = ours.yard["url"]
    with httpx.Client(follow_redirects=True, timeout=30) as http:
        http.get(link).raise_for_status()
        headers = {"X-XSRFToken": http.cookies.get("_xsrf", path="/hub/") or "", "Referer": f"{address}/hub/home"}
        body = {"note": "bench", "expires_in": 3600}
        user = ours.client.me().name
        answer = http.post(f"{address}/hub/api/users/{user}/tokens", json=body, headers=headers).raise_for_status()
    return str(answer.json()["token"])


def bench_submit(ours: PlatformUnderTest, folder: Path, rounds: int) -> Result:
    """From submitting a run to its first line of log through the API."""

    def submit_and_read() -> float:
        begun = time.perf_counter()
        run = ours.client.submit_run("noop", 1, {}, hardware="small")
        for text in ours.client.follow_log(run.id):
            if "hello" in text:
                return time.perf_counter() - begun
        raise RuntimeError(f"run {run.id} ended without its line")

    with running_scheduler(folder / "scheduler") as peer:
        submit_and_read()
        left, right = alternate(submit_and_read, peer.submit_and_read, rounds)
    return compare("submit-to-first-log", "s", left, right, "jupyter-scheduler", 10, rate=False)


def bench_accept(ours: PlatformUnderTest, count: int = 10_000) -> Result:
    """Parameter sets accepted durably in one call; the sweep is cancelled at once."""
    rates = []
    for _ in range(3):
        begun = time.perf_counter()
        sweep = ours.client.sweep("noop", 1, {"index": list(range(count))}, hardware="large", parallelism=1)
        rates.append(count / (time.perf_counter() - begun))
        ours.client.cancel_sweep(sweep.id)
        ours.client.wait_sweep(sweep.id, timeout=60)  # else its end would be part of the next sample
    rate = statistics.median(rates)
    goal_as_ratio = rate / 5000
    return Result(
        "accept", "sets/s", rate, 5000, "this issue's floor", goal_as_ratio, 1, {"ours": rates}, "one POST of 10,000"
    )


def bench_sweep(ours: PlatformUnderTest, folder: Path, count: int, peer_count: int) -> Result:
    """No-op runs per second, from submission to the last recorded end, with two at once for each core."""
    workers = 2 * (os.cpu_count() or 1)
    ours.client.put_hardware(Hardware("half", "Half a core", 0.5, 512))

    def our_rate() -> float:
        begun = time.perf_counter()
        sweep = ours.client.sweep("noop", 1, {"index": list(range(count))}, hardware="half", parallelism=workers)
        while not (ended := ours.client.get_sweep(sweep.id)).ended:
            time.sleep(0.5)  # the client's own wait looks five times a second, at the cost of some of the runs
        seconds = time.perf_counter() - begun
        if ended.counts.get("succeeded") != count:
            raise RuntimeError(f"the sweep ended with {ended.counts}")
        return count / seconds

    left, right = alternate(our_rate, lambda: metaflow_rate(folder / "metaflow", peer_count, workers), 2)
    return compare("sweep", "runs/s", left, right, "Metaflow foreach", 10, rate=True, note=f"{count} no-op Python runs")


def show(results: list[Result]) -> None:
    print(f"\n{platform.processor() or platform.machine()}, {len(results)} benches, Python {sys.version.split()[0]}\n")
    print(f"{'bench':<22}{'ours':>12}{'peer':>12}{'ratio':>9}{'goal':>8}  peer")
    for r in results:
        peer = f"{r.peer:.3f}" if r.peer is not None else "-"
        ratio = f"{r.ratio:.1f}x" if r.ratio is not None else "-"
        goal = f"{r.goal:g}x" if r.ratio is not None else f"<{r.goal:g}"
        mark = "" if r.reached else "  NOT REACHED"
        ours = f"{r.ours:.3f} {r.unit}"
        print(f"{r.bench:<22}{ours:>12}{peer:>12}{ratio:>9}{goal:>8}  {r.peer_name} {r.note}{mark}")


if __name__ == "__main__":
    sys.exit(main())
