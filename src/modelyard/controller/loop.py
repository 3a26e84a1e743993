"""The controller's loop."""

from __future__ import annotations

from modelyard.services.yard import Yard


class Controller:
    def __init__(self, yard: Yard) -> None:
        self.yard = yard

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError

    def wake(self) -> None:
        raise NotImplementedError

    def tick(self) -> None:
        raise NotImplementedError
