"""The pages: server-rendered, readable without JavaScript, calling the same services as the API.

`create_dashboard` in `router.py` is the way in. `pages/` has one module per noun, `templates/` one folder per noun,
`static/` one custom element per file. Nothing is inline, so that the content security policy can be `default-src
'self'`: a name, a log line or a metric's key that a user made up can never become script.
"""

from .router import create_dashboard

__all__ = ["create_dashboard"]
