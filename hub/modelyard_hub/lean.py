"""What must not be imported, since it costs much and gives nothing here. Import this before anything of Jupyter's.

`rfc3987_syntax` builds a grammar when it is imported: 0.9 s of the 1.3 s that `jupyter_server` takes. jsonschema, which
jupyter-events brings, does without it when it is not there.
"""

import sys

sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
