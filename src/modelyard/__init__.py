"""modelyard: from a notebook to a versioned container to a fleet of training runs.

In training code: `modelyard.params()`, `log_metric`, `log_metrics`, `log_artifact` and `output_dir()`.
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False  # type checkers take it for true; importing it from typing would take longer than all else here
if TYPE_CHECKING:
    from .runner.report import log_artifact, log_metric, log_metrics, output_dir, params

__version__ = "0.1.0"
__all__ = ["log_artifact", "log_metric", "log_metrics", "output_dir", "params"]


def __getattr__(name: str) -> object:
    """Loaded when first used: the command line and the launchers import this package too, and have to be fast."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(".runner.report", __name__), name)
    globals()[name] = value
    return value
