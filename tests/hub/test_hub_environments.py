"""Environments from the outside: REST, pages and kernels, through the proxy, on a real hub."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

Eventually = Callable[..., Any]


def test_an_environment_runs_its_own_python_and_says_how_it_is_limited(yard: Any) -> None:
    yard.run_environment("one")
    assert re.search(r"cgroup|rlimit", yard.server("one")["state"]["limits"])
    code = "import sys, os; print(sys.prefix); print(os.environ['MODELYARD_ENVIRONMENT_DIR']); print(os.getcwd())"
    prefix, folder, here = yard.execute("one", code).split()
    assert prefix == f"{folder}/venv"
    assert folder == str(yard.home.environments / yard.user / "one")
    assert here == f"{folder}/work"


def test_packages_are_the_environments_own_and_survive_a_stop(yard: Any, tmp_path: Path) -> None:
    package = tmp_path / "rocket"
    package.mkdir()
    (package / "pyproject.toml").write_text(
        "[project]\nname = 'rocket'\nversion = '1.2'\n[build-system]\nrequires = []\n"
        "build-backend = 'backend'\nbackend-path = ['.']\n"
    )
    (package / "backend.py").write_text(WHEEL_WITHOUT_TOOLS)
    install = f"%pip install --no-index --no-build-isolation {package}"
    yard.run_environment("mine")
    assert "Successfully installed rocket-1.2" in yard.execute("mine", install)
    yard.run_environment("two")
    look = "import importlib.util; print(importlib.util.find_spec('rocket') is not None)"
    assert yard.execute("two", look).strip() == "False"
    yard.end("mine")
    yard.wait_for("mine", ready=False)
    yard.run_environment("mine")
    assert yard.execute("mine", look).strip() == "True"


def test_only_the_kernel_of_the_environment_is_offered(yard: Any) -> None:
    with yard.browser() as browser:
        base = f"/user/{yard.user}/one/"
        browser.get(base + "lab")
        specs = browser.get(base + "api/kernelspecs").json()
    assert list(specs["kernelspecs"]) == ["python3"]
    argv = specs["kernelspecs"]["python3"]["spec"]["argv"]
    assert argv[0].startswith(str(yard.home.environments / yard.user / "one" / "venv"))


def test_a_kernel_cannot_break_the_notebook_server(yard: Any) -> None:
    site = "import sysconfig, pathlib; p = pathlib.Path(sysconfig.get_path('purelib'))"
    broken = f"{site}; [(p / f'{{n}}.py').write_text('raise SystemExit(1)') for n in ('tornado', 'jupyter_server')]"
    yard.execute("two", broken)
    yard.end("two")
    yard.wait_for("two", ready=False)
    yard.run_environment("two")  # JupyterLab starts all the same
    assert yard.server("two")["ready"]


def test_a_stop_ends_every_process_of_the_environment(yard: Any, eventually: Eventually) -> None:
    marker = "import subprocess, os; p = subprocess.Popen(['sleep', '600'], start_new_session=False); print(p.pid)"
    yard.run_environment("three")
    left = int(yard.execute("three", marker + "; os.environ['X'] = '1'").split()[0])
    server = yard.process_of("three").pid
    yard.end("three")
    yard.wait_for("three", ready=False)
    eventually(lambda: not runs(left) and not runs(server))


def test_deleting_removes_the_folder(yard: Any, eventually: Eventually) -> None:
    folder = yard.home.environments / yard.user / "three"
    assert folder.is_dir()
    yard.end("three", remove=True)
    eventually(lambda: not folder.exists())
    assert yard.server("three").get("status") == 404


def test_an_environment_survives_the_hub_and_is_adopted(yard: Any, eventually: Eventually) -> None:
    before = yard.process_of("one")
    os.kill(yard.part("hub"), signal.SIGKILL)
    eventually(lambda: adopted(yard, "one"), seconds=40)
    assert yard.process_of("one") == before
    assert yard.execute("one", "print(6 * 7)").strip() == "42"


def test_an_environment_survives_the_nursery_and_the_proxy(yard: Any, eventually: Eventually) -> None:
    before = yard.process_of("one")
    old = {name: yard.part(name) for name in ("nursery", "proxy")}
    for pid in old.values():
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: all(yard.part(name) != pid for name, pid in old.items()), seconds=20)
    eventually(lambda: status_of(yard, f"/user/{yard.user}/one/api") == 200, seconds=20)
    assert yard.process_of("one") == before


def test_without_the_nursery_environments_start_all_the_same(yard: Any, eventually: Eventually) -> None:
    os.kill(yard.part("nursery"), signal.SIGSTOP)
    try:
        yard.home.nursery_socket.unlink(missing_ok=True)
        yard.run_environment("slow")
    finally:
        os.kill(yard.part("nursery"), signal.SIGKILL)
    yard.end("slow", remove=True)


def test_a_base_that_was_never_built_is_built_on_first_use(yard: Any) -> None:
    yard.begin("fresh", image="later")
    yard.wait_for("fresh")
    yard.end("fresh", remove=True)


def test_what_is_not_in_the_catalog_is_refused_with_a_sentence(yard: Any) -> None:
    for image, hardware, sentence in (
        ("fortran", "small", "There is no base image 'fortran' in the catalog."),
        ("python", "huge", "There is no hardware 'huge' in the catalog."),
    ):
        yard.begin("wrong", image, hardware)
        assert sentence in yard.wait_for("wrong", ready=False)["state"]["reason"]


def test_a_platform_that_is_away_is_said_so(yard: Any, eventually: Eventually) -> None:
    (yard.home.path / "SILENT").touch()
    hub = yard.part("hub")
    os.kill(hub, signal.SIGKILL)  # it remembers the catalog for some seconds
    try:
        eventually(lambda: yard.part("hub") != hub and adopted(yard, "one"), seconds=40)
        yard.begin("waits")
        assert "The platform is away." in yard.wait_for("waits", ready=False)["state"]["reason"]
    finally:
        (yard.home.path / "SILENT").unlink()


def test_another_users_environment_is_not_there(yard: Any) -> None:
    with yard.browser("bob") as bob:
        xsrf = bob.cookies.get("_xsrf", path="/hub/") or ""
        for path in (f"/hub/spawn-pending/{yard.user}/one", f"/hub/api/users/{yard.user}/servers/one"):
            assert bob.get(path).status_code == 404
        stop = bob.post("/hub/environments/one/stop", data={"_xsrf": xsrf})
        assert stop.status_code == 404
        assert bob.get(f"/user/{yard.user}/one/api/kernels").status_code in (403, 404)
    assert yard.server("one")["ready"]


def status_of(yard: Any, path: str) -> int:
    try:
        return httpx.get(yard.url + path, timeout=5).status_code
    except httpx.HTTPError:
        return 0


def adopted(yard: Any, name: str) -> bool:
    try:
        return bool(yard.server(name).get("ready"))
    except (httpx.HTTPError, ValueError):
        return False


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


WHEEL_WITHOUT_TOOLS = """
import zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "rocket-1.2-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        wheel.writestr("rocket.py", "SPEED = 1.2")
        wheel.writestr("rocket-1.2.dist-info/METADATA", "Metadata-Version: 2.1\\nName: rocket\\nVersion: 1.2\\n")
        wheel.writestr("rocket-1.2.dist-info/WHEEL",
            "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("rocket-1.2.dist-info/RECORD", "")
    return name
"""
