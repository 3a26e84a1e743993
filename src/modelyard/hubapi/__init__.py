"""JupyterHub's REST API as the platform uses it."""
