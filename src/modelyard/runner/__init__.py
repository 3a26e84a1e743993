"""What starts inside a saved image, in the image's own Python: the standard library and `core` only.

    run train ─► main: merge and check parameters ─fork─► child: the kind of entrypoint ─► user code
                  │ forwards SIGTERM                          └─► output/metrics.jsonl, output/artifacts/
                  └─ ships outputs to the platform, when there is one

One file per kind of entrypoint, loaded by name, so that a script never pays for a notebook's imports.
"""
