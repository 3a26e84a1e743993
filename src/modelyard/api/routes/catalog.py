"""Hardware, prices and base images. Everybody reads, administrators change."""

from __future__ import annotations

from fastapi import APIRouter

from modelyard.api.body import GuardedRoute
from modelyard.api.depends import By, InYard, Name
from modelyard.api.schemas import HardwareBody, ImageBody
from modelyard.core.catalog import BaseImage, Hardware, Price
from modelyard.core.errors import Invalid
from modelyard.services import catalog

router = APIRouter(route_class=GuardedRoute, tags=["catalog"])


@router.get("/hardware")
def list_hardware(yard: InYard, caller: By) -> list[Hardware]:
    """All hardware of the catalog with its present price per hour."""
    return catalog.list_hardware(yard, caller)


@router.get("/hardware/{name}")
def get_hardware(yard: InYard, caller: By, name: Name) -> Hardware:
    """One hardware."""
    return catalog.get_hardware(yard, caller, name)


@router.put("/hardware/{name}")
def put_hardware(yard: InYard, caller: By, name: Name, body: HardwareBody) -> Hardware:
    """Add or replace hardware. A changed price is a new line of the price book, valid from now on."""
    check_same_name(name, body.name)
    return catalog.put_hardware(yard, caller, Hardware(**{**body.model_dump(), "name": name}))


@router.delete("/hardware/{name}", status_code=204)
def delete_hardware(yard: InYard, caller: By, name: Name) -> None:
    """Take hardware out of the catalog. What runs on it goes on."""
    catalog.delete_hardware(yard, caller, name)


@router.get("/prices")
def list_prices(yard: InYard, caller: By) -> list[Price]:
    """The price book: what one hour of each hardware cost from when on."""
    return catalog.list_prices(yard, caller)


@router.get("/images")
def list_images(yard: InYard, caller: By) -> list[BaseImage]:
    """All base images of the catalog."""
    return catalog.list_images(yard, caller)


@router.get("/images/{name}")
def get_image(yard: InYard, caller: By, name: Name) -> BaseImage:
    """One base image."""
    return catalog.get_image(yard, caller, name)


@router.put("/images/{name}")
def put_image(yard: InYard, caller: By, name: Name, body: ImageBody) -> BaseImage:
    """Describe a base image that the platform builds, or add another by the digest of its manifest."""
    check_same_name(name, body.name)
    return catalog.put_image(yard, caller, BaseImage(**{**body.model_dump(), "name": name}))


@router.delete("/images/{name}", status_code=204)
def delete_image(yard: InYard, caller: By, name: Name) -> None:
    """Take a base image out of the catalog. Versions that were saved on it keep it."""
    catalog.delete_image(yard, caller, name)


@router.post("/images/{name}/build", status_code=202)
def build_image(yard: InYard, caller: By, name: Name) -> BaseImage:
    """Ask for the build of a base image; its `state` says how it goes."""
    return catalog.request_build(yard, caller, name)


def check_same_name(address: str, body: str | None) -> None:
    if body is not None and body != address:
        raise Invalid(
            "The name in the body is not the one in the address.",
            hint="A name can't be changed: leave it out of the body.",
            code="invalid_request",
            details={"field": "name"},
        )
