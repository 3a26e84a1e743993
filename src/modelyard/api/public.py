"""What can be asked for without being known. Everything else answers 401; a test goes through all routes."""

from __future__ import annotations

PUBLIC: frozenset[tuple[str, str]] = frozenset(
    {
        ("GET", "/api/v1/health"),  # the supervisor and load balancers
        ("GET", "/api/v1/openapi.json"),  # the same as in the documentation
        ("GET", "/login"),
        ("GET", "/oauth_callback"),
    }
)
"""(method, path below the service's prefix)."""
