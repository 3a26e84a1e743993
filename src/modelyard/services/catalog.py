"""The catalog: hardware, its prices, and base images."""

from __future__ import annotations

from modelyard.core.caller import Caller
from modelyard.core.catalog import BaseImage, Hardware, Price

from .yard import Yard


def list_hardware(yard: Yard, caller: Caller) -> list[Hardware]:
    raise NotImplementedError


def get_hardware(yard: Yard, caller: Caller, name: str) -> Hardware:
    raise NotImplementedError


def put_hardware(yard: Yard, caller: Caller, hardware: Hardware) -> Hardware:
    raise NotImplementedError


def delete_hardware(yard: Yard, caller: Caller, name: str) -> None:
    raise NotImplementedError


def list_prices(yard: Yard, caller: Caller) -> list[Price]:
    raise NotImplementedError


def list_images(yard: Yard, caller: Caller) -> list[BaseImage]:
    raise NotImplementedError


def get_image(yard: Yard, caller: Caller, name: str) -> BaseImage:
    raise NotImplementedError


def put_image(yard: Yard, caller: Caller, image: BaseImage) -> BaseImage:
    raise NotImplementedError


def delete_image(yard: Yard, caller: Caller, name: str) -> None:
    raise NotImplementedError


def request_build(yard: Yard, caller: Caller, name: str) -> BaseImage:
    raise NotImplementedError
