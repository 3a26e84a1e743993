"""A notebook: a cell with the parameters is put in, its output goes to the log as it comes, and the executed notebook
is kept as an artifact, also when a cell fails. Its kernel is the image's own Python."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import nbformat
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

from modelyard.core.errors import Invalid

from .job import Job

_ANSI = re.compile(r"\x1b\[[0-9;]*m")


class OwnPython(KernelSpecManager):
    """The kernel is the interpreter that runs this, whatever kernels are installed where."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=command, display_name="Python 3", language="python")


class LoggedNotebook(NotebookClient):  # type: ignore[misc]
    """Writes what cells print to our own output, as it comes."""

    def output(self, outs: list[Any], msg: Any, display_id: str, cell_index: int) -> Any:
        content = msg["content"]
        if msg["msg_type"] == "stream":
            stream = sys.stderr if content["name"] == "stderr" else sys.stdout
            stream.write(content["text"])
            stream.flush()
        elif msg["msg_type"] in ("execute_result", "display_data"):
            sys.stdout.write(f"{content['data'].get('text/plain', '')}\n")
            sys.stdout.flush()
        return super().output(outs, msg, display_id, cell_index)


def run(job: Job) -> int:
    notebook = _read(job.file)
    inject_parameters(notebook, job.parameters)
    sockets = _use_private_folders()
    signal.signal(signal.SIGTERM, _end)
    client = LoggedNotebook(
        notebook,
        # Sockets in a folder of ours, not TCP: nobody else on the machine can talk to the kernel.
        km=AsyncKernelManager(
            kernel_name="python3",
            kernel_spec_manager=OwnPython(),
            transport="ipc",
            connection_file=f"{sockets}/kernel.json",
        ),
        timeout=None,
        resources={"metadata": {"path": str(job.file.parent)}},
    )
    try:
        client.execute()
    except CellExecutionError as error:
        _report_failure(notebook, error)
        return 1
    except DeadKernelError:
        sys.stderr.write("modelyard: the notebook's kernel died, which often means that it ran out of memory.\n")
        return 137
    finally:
        nbformat.write(notebook, job.artifacts / job.file.name)
        shutil.rmtree(sockets, ignore_errors=True)
    return 0


def inject_parameters(notebook: Any, parameters: dict[str, Any]) -> None:
    """Put the values after the cell tagged `parameters`, or first; an injected cell of an earlier run is dropped."""
    notebook.cells = [cell for cell in notebook.cells if "injected-parameters" not in _tags(cell)]
    if not parameters:
        return
    source = "# Parameters\n" + "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
    injected = nbformat.v4.new_code_cell(source, metadata={"tags": ["injected-parameters"]})
    place = next((i + 1 for i, cell in enumerate(notebook.cells) if "parameters" in _tags(cell)), 0)
    notebook.cells.insert(place, injected)


def _read(path: Path) -> Any:
    try:
        notebook = nbformat.read(path, as_version=4)
    except (ValueError, KeyError, TypeError, nbformat.ValidationError, nbformat.reader.NotJSONError) as error:
        raise Invalid(f"{path.name} is not a notebook: {str(error)[:200]}.") from None
    language = notebook.metadata.get("kernelspec", {}).get("language", "python")
    if language != "python":
        raise Invalid(f"{path.name} is a notebook in {language}; only Python notebooks can be run.")
    return notebook


def _tags(cell: Any) -> list[str]:
    return list(cell.metadata.get("tags", []))


def _report_failure(notebook: Any, error: CellExecutionError) -> None:
    """Name the cell as people count it: code cells from one, ours left out."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and "injected-parameters" not in _tags(cell)]
    failed = [i for i, cell in enumerate(cells, 1) if any(o.output_type == "error" for o in cell.get("outputs", []))]
    place = f"Code cell {failed[-1]} of {len(cells)}" if failed else "The cell with the parameters"
    sys.stderr.write(_ANSI.sub("", str(error.traceback)) + "\n")
    sys.stderr.write(f"modelyard: {place} failed: {error.ename}: {_ANSI.sub('', error.evalue)}\n")


def _use_private_folders() -> str:
    """Kernels write history and settings, and the HOME of a container may not be writable. The folder for sockets."""
    folder = tempfile.mkdtemp(prefix="modelyard-jupyter-")
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR"):
        os.environ[name] = str(Path(folder, name.lower()))
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    # A socket's path has at most 107 bytes, which a run's own folder may be longer than already.
    return tempfile.mkdtemp(prefix="modelyard-", dir="/tmp" if os.access("/tmp", os.W_OK) else folder)  # noqa: S108


def _end(number: int, _: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)  # so that the notebook is written as far as it came
