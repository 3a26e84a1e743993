"""What has to be there before a notebook server can start: the base unpacked, and the environment's folder."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from modelyard.capture.environment import EnvironmentDir, create_environment
from modelyard.core.catalog import BaseImage
from modelyard.core.contract import PYTHON
from modelyard.core.errors import Invalid
from modelyard.core.names import check_environment_name, check_name
from modelyard.oci.layout import Layout
from modelyard.oci.unpack import unpack
from modelyard.supervisor.home import Home


def environment_folder(home: Home, owner: str, name: str) -> Path:
    """Raises Invalid for names that are no single, plain path component."""
    return home.environments / check_name(owner, "user name") / check_environment_name(name)


def group_name(folder: Path) -> str:
    """The control group of the environment in `folder`. Groups are the machine's, and all in one ends with it: so two
    homes, or owners and names that read alike when they are joined, must never share one."""
    return f"env-{folder.name}-{hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]}"


def prepare_environment(home: Home, owner: str, name: str, image: BaseImage) -> EnvironmentDir:
    """Blocks for seconds when the base was never used here, else for milliseconds. Every step may be repeated."""
    if not image.digest:
        raise Invalid(f"The base image {image.name} was not built.", hint="Build it: modelyard images build.")
    rootfs = unpack(Layout(home.images), image.digest, home.rootfs_cache)
    environment = create_environment(
        environment_folder(home, owner, name),
        owner=owner,
        name=name,
        base_name=image.name,
        base_digest=image.digest,
        rootfs=rootfs,
        python=rootfs / PYTHON.lstrip("/"),
    )
    _write_page_config(environment)
    return environment


def jupyter_config(environment: EnvironmentDir) -> Path:
    return environment.state / "jupyter" / "config"


def _write_page_config(environment: EnvironmentDir) -> None:
    """JupyterLab asks nobody here about news; a user's own choice in that file is kept."""
    file = jupyter_config(environment) / "labconfig" / "page_config.json"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}))
