"""What may be a name. Names become path parts, tags and URLs, so the rules are narrow and checked at the edge."""

from __future__ import annotations

import re

from .errors import Invalid

# The name of a model, base image, hardware or environment: also a path component of an OCI repository.
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9]|-(?=[a-z0-9])){0,62}")
# A version label: an OCI tag (distribution-spec §"Pulling manifests").
_LABEL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,127}")
# JupyterHub 6 wants named servers of 1-30 of these (jupyterhub.slugs.is_valid_safe_slug).
_ENVIRONMENT = re.compile(r"[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,29}")
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


def check_name(text: str, what: str = "name") -> str:
    """Return `text` when it is a valid name of a `what`, else raise Invalid with the rule."""
    rule = "Use 1 to 63 lower-case letters, digits and single hyphens, with a letter or digit at both ends."
    return _check(_NAME, text, what, rule)


def check_environment_name(text: str) -> str:
    rule = "Use 1 to 30 lower-case letters, digits and single hyphens, beginning with a letter."
    return _check(_ENVIRONMENT, text, "environment name", rule)


def check_label(text: str) -> str:
    rule = "Use 1 to 128 letters, digits, '.', '_', '-' and '+', not beginning with '.', '-' or '+'."
    _check(_LABEL, text, "version label", rule, code="invalid_label")
    if text.isdigit():
        raise Invalid(
            f"{_shown(text)} is a plain number, which already names a version by its number.",
            hint="Put a letter in the label, for example 'v3'.",
            code="invalid_label",
        )
    return text


def check_parameter_name(text: str) -> str:
    rule = "Use letters, digits and '_', beginning with a letter or '_'."
    return _check(_PARAMETER, text, "parameter name", rule)


def _check(pattern: re.Pattern[str], text: str, what: str, rule: str, code: str = "invalid_name") -> str:
    if not pattern.fullmatch(text):
        wrong = f"{_shown(text)} is not a valid {what}." if text else f"The {what} is empty."
        raise Invalid(wrong, hint=rule, code=code)
    return text


def to_name(text: str, fallback: str) -> str:
    """The nearest valid name to a text that a person typed, for prefilling a form."""
    name = re.sub(r"-{2,}", "-", re.sub(r"[^a-z0-9]+", "-", text.lower())).strip("-")[:63].strip("-")
    return name or fallback
