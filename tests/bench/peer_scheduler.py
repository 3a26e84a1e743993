"""jupyter-scheduler in a plain JupyterLab: the peer of submitting a run and reading its first line."""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from peers import install
from ports import free_port

NOTEBOOK = {
    "cells": [
        {
            "cell_type": "code",
            "id": "a",
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": "print('hello')",
        }
    ],
    "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


@dataclass(frozen=True)
class SchedulerUnderTest:
    address: str
    token: str

    def submit_and_read(self) -> float:
        """Seconds from submitting a notebook job to its outputs being there; it has no log to read before that."""
        with httpx.Client(base_url=self.address, headers={"Authorization": f"token {self.token}"}, timeout=60) as http:
            begun = time.perf_counter()
            body = {
                "name": "bench",
                "input_uri": "hello.ipynb",
                "runtime_environment_name": "jupyter-scheduler",
                "output_formats": ["ipynb"],
            }
            job = http.post("/scheduler/jobs", json=body).raise_for_status().json()["job_id"]
            deadline = time.monotonic() + 120
            while True:
                state = http.get(f"/scheduler/jobs/{job}").json()["status"]
                if state == "COMPLETED":
                    return time.perf_counter() - begun
                if state == "FAILED" or time.monotonic() > deadline:
                    raise RuntimeError(f"The peer's job ended as {state}")
                time.sleep(0.02)


@contextmanager
def running_scheduler(folder: Path) -> Iterator[SchedulerUnderTest]:
    binaries = install("jupyter-scheduler")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hello.ipynb").write_text(json.dumps(NOTEBOOK))
    token, port = secrets.token_hex(16), free_port()
    environ = {
        "PATH": f"{binaries}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
    }
    command = ["jupyter-lab", "--allow-root", "--no-browser", f"--port={port}", f"--IdentityProvider.token={token}"]
    command += [f"--ServerApp.root_dir={folder}"]
    with (folder / "lab.log").open("wb") as log:
        process = subprocess.Popen(
            [str(binaries / command[0]), *command[1:]], cwd=folder, env=environ, stdout=log, stderr=log
        )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        headers = {"Authorization": f"token {token}"}
        while True:
            try:
                if httpx.get(f"{address}/scheduler/runtime_environments", headers=headers).status_code == 200:
                    break
            except httpx.HTTPError:
                pass
            if time.monotonic() > deadline or process.poll() is not None:
                raise RuntimeError(f"jupyter-scheduler did not start: see {folder}/lab.log")
            time.sleep(0.2)
        yield SchedulerUnderTest(address, token)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
