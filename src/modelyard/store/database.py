"""The database."""

from __future__ import annotations


class Database:
    def __init__(self, url: str) -> None:
        raise NotImplementedError
