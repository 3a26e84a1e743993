"""JupyterHub's configuration for a yard on one machine: see configuration.py."""

import os

from modelyard_hub.configuration import configure
from modelyard_hub.settings import read_settings

configure(get_config(), read_settings(os.environ))  # type: ignore[name-defined]  # noqa: F821
