"""Runs as process trees on this machine.

    platform ── LocalEngine ── launcher ──fork──► keeper ──fork──► the image's runner ──► user code
                                   (one per image, ends when idle)

`LocalEngine.start` writes `runs/HANDLE/spec.json` and returns: from then on the attempt is found again, whoever dies.
A launcher forks a keeper for each attempt. The keeper lives in a session of its own, needs nobody, and writes
`exit.json` when the whole tree below it has ended. So the engine has no state but the folders.

A launcher runs in the image's own Python with the image's runner imported already, so that a run starts by a fork
instead of an interpreter's start-up; where that doesn't work, it runs in the platform's Python and its keepers exec.
The files that launchers and keepers need (`launcher*`, `keeper`, `command`, `folder`) import the standard library and
`processes` only, and this file imports nothing, because images' interpreters read it too.
"""
