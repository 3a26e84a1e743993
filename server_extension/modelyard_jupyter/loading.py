"""The one place that loads the heavy half, `work.py`, and the reason for it.

`work` imports capture, the OCI writer and the HTTP client: ~150 ms of imports that nearly every start of an
environment would pay for nothing. So it is imported by the first request that needs it, in a worker thread, and once.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

from .context import Context
from .records import Records

if TYPE_CHECKING:
    from .work import Work

CONTEXT = "modelyard_context"  # keys of the tornado application's settings
WORK = "modelyard_work"
_loading = threading.Lock()


def load_work(settings: MutableMapping[str, Any]) -> Work:
    """The one `Work` of this server. Blocks for the import the first time: call it in a thread."""
    with _loading:
        if WORK not in settings:
            module = importlib.import_module("modelyard_jupyter.work")
            settings[WORK] = module.Work(settings[CONTEXT])
        work: Work = settings[WORK]
        return work


def start_recovery(settings: MutableMapping[str, Any], context: Context) -> None:
    """Tell the platform of saves that a kill of the last notebook server cut off; rarely anything to do."""
    if context.folder is not None and Records(context.folder).unsettled():
        threading.Thread(target=load_work, args=(settings,), name="modelyard-recovery", daemon=True).start()
