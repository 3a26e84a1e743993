"""The shell of an environment's terminals."""

from __future__ import annotations

from collections.abc import Mapping

ADDRESS_SPACE = "MODELYARD_ADDRESS_SPACE_MB"  # set where no control group limits the whole tree


def shell_command(environ: Mapping[str, str]) -> list[str]:
    """An interactive shell that is no login shell: those begin with a PATH of their own, without the environment's."""
    shell = [environ.get("SHELL") or "/bin/sh", "-i"]
    megabytes = environ.get(ADDRESS_SPACE, "")
    if not megabytes:
        return shell
    return ["/bin/sh", "-c", 'ulimit -v "$1"; shift; exec "$@"', "sh", str(int(megabytes) * 1024), *shell]
