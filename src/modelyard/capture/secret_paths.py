"""Paths that hold credentials by what they are called. They are never saved, whatever anybody wishes."""

from __future__ import annotations

import re

_NAMES = (
    rb"\.aws|\.azure|\.kube|\.ssh|\.gnupg|\.netrc|_netrc|\.git-credentials|\.pypirc|\.npmrc|\.Renviron|\.vault-token"
    rb"|\.(?:bash|zsh|python|psql|mysql|sqlite|R)_?history|\.Rhistory|history\.sqlite|nbsignatures\.db"
    rb"|\.env|\.env\.(?!example$|sample$|template$|dist$)[^/]+"
    rb"|id_(?:rsa|dsa|ecdsa|ed25519)|kubeconfig|credentials\.json|application_default_credentials\.json"
)
_ENDS = (
    rb"\.config/(?:gcloud|gh|github-copilot|rclone)|\.docker/config\.json|\.huggingface/token|\.kaggle/kaggle\.json"
    rb"|\.jupyter/[^/]+\.json|\.local/share/jupyter/runtime"
)
_SECRET = re.compile(rb"(?:^|/)(?:" + _NAMES + rb"|" + _ENDS + rb")(?:$|/)")


def is_secret_path(path: bytes) -> bool:
    """Whether the path, or a folder in it, is one that holds credentials. `.env.example` and its like are not."""
    return _SECRET.search(path) is not None
