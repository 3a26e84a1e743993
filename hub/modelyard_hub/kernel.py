"""Kernels with a limit of their own, where no control group limits the whole environment.

The notebook server stays without one, so that a kernel that takes too much memory can't take the editor with it.
"""

from __future__ import annotations

import os
import resource
from typing import Any

from jupyter_server.services.kernels.kernelmanager import ServerKernelManager

from .terminal import ADDRESS_SPACE


class LimitedKernelManager(ServerKernelManager):  # type: ignore[misc]
    async def _async_pre_start_kernel(self, **options: Any) -> tuple[list[str], dict[str, Any]]:
        command, options = await super()._async_pre_start_kernel(**options)
        if megabytes := os.environ.get(ADDRESS_SPACE):
            size = int(megabytes) << 20
            options["preexec_fn"] = lambda: resource.setrlimit(resource.RLIMIT_AS, (size, size))
        return command, options
