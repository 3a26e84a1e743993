"""The catalog: hardware with its price book, and base images.

A base image is known from two sides: what this machine can make (`yard.bases`), and what an administrator wrote about
it or added. The builder is right about what is stored, the administrator about words and defaults.
"""

from __future__ import annotations

import math
from dataclasses import replace

from modelyard.core.caller import READ, WRITE, Caller
from modelyard.core.catalog import BaseImage, Hardware, Price
from modelyard.core.errors import Invalid
from modelyard.core.names import check_name
from modelyard.store import catalog as store
from modelyard.store.events import add_event

from .access import missing, require_admin
from .yard import Yard

MAX_TEXT = 2000


def list_hardware(yard: Yard, caller: Caller) -> list[Hardware]:
    """Smallest first, deprecated ones too, with the price per hour that is valid now."""
    caller.require(READ)
    with yard.database.read() as tx:
        return store.list_hardware(tx, yard.clock())


def get_hardware(yard: Yard, caller: Caller, name: str) -> Hardware:
    caller.require(READ)
    with yard.database.read() as tx:
        found = store.find_hardware(tx, name, yard.clock())
    if found is None:
        raise missing("hardware")
    return found


def usable_hardware(yard: Yard, caller: Caller, name: str) -> Hardware:
    """Hardware for something new. Raises Invalid when it is unknown, deprecated, or has what this machine lacks."""
    offered = [h for h in list_hardware(yard, caller) if not h.deprecated]
    hint = f"Choose one of {', '.join(h.name for h in offered)}."
    for found in offered:
        if found.name == name:
            if found.gpu > yard.engine.capacity().get("gpu", 0):
                raise Invalid(f"Hardware {name!r} has {found.gpu} GPUs; there are not as many here.", hint=hint)
            return found
    raise Invalid(f"There is no hardware {name[:64]!r} to choose.", hint=hint, code="unknown_hardware")


def put_hardware(yard: Yard, caller: Caller, hardware: Hardware) -> Hardware:
    """Add or change it. Another price is a new line of the price book, valid from now on."""
    require_admin(caller, "the catalog")
    _check_hardware(hardware)
    now = yard.clock()
    with yard.database.write() as tx:
        before = store.find_hardware(tx, hardware.name, now)
        store.put_hardware(tx, hardware)
        known = store.list_prices(tx, hardware.name)
        if not known or before is None or before.price_per_hour != hardware.price_per_hour:
            store.add_price(tx, Price(hardware.name, hardware.price_per_hour, now))
        changed = {"price_per_hour": hardware.price_per_hour, "cpu": hardware.cpu, "memory_mb": hardware.memory_mb}
        add_event(tx, now, caller.name, f"hardware/{hardware.name}", "changed" if before else "added", changed)
    return hardware


def _check_hardware(hardware: Hardware) -> None:
    check_name(hardware.name, "hardware name")
    _check_texts(hardware.title, hardware.description)
    price = hardware.price_per_hour
    if not (math.isfinite(hardware.cpu) and 0.1 <= hardware.cpu <= 1024):
        raise Invalid("Hardware has between 0.1 and 1,024 cores.", details={"field": "cpu"})
    if not 64 <= hardware.memory_mb <= 2**25:
        raise Invalid("Hardware has at least 64 MiB of memory.", details={"field": "memory_mb"})
    if not 0 <= hardware.gpu <= 64:
        raise Invalid("Hardware has between 0 and 64 GPUs.", details={"field": "gpu"})
    if not (math.isfinite(price) and 0 <= price <= 1e6):
        raise Invalid("A price is a finite number that is not negative.", details={"field": "price_per_hour"})


def _check_texts(*texts: str) -> None:
    if any(len(text) > MAX_TEXT for text in texts):
        raise Invalid(f"Titles and descriptions have at most {MAX_TEXT:,} characters.")


def delete_hardware(yard: Yard, caller: Caller, name: str) -> None:
    """Take it out of the catalog; runs that used it keep what they recorded, and its prices stay in the book."""
    require_admin(caller, "the catalog")
    with yard.database.write() as tx:
        if not store.delete_hardware(tx, name):
            raise missing("hardware")
        add_event(tx, yard.clock(), caller.name, f"hardware/{name}", "deleted")


def list_prices(yard: Yard, caller: Caller) -> list[Price]:
    caller.require(READ)
    with yard.database.read() as tx:
        return store.list_prices(tx)


def list_images(yard: Yard, caller: Caller) -> list[BaseImage]:
    """The machine's own bases in the order of the form, then what administrators added."""
    caller.require(READ)
    known = yard.bases.known()
    with yard.database.read() as tx:
        rows = store.list_image_rows(tx)
    images = [_merge(base, *rows.get(base.name, (None, "", ""))) for base in known]
    names = {base.name for base in known}
    return images + [entry for name, (entry, _, _) in rows.items() if name not in names and entry is not None]


def _merge(base: BaseImage, entry: BaseImage | None, state: str, reason: str) -> BaseImage:
    merged = base
    if entry is not None:
        merged = replace(
            base,
            title=entry.title,
            description=entry.description,
            default=entry.default,
            deprecated=entry.deprecated,
        )
    if base.state == "ready" or not state:
        return merged
    return replace(merged, state="failed" if state == "failed" else "building", reason=reason)


def get_image(yard: Yard, caller: Caller, name: str) -> BaseImage:
    for image in list_images(yard, caller):
        if image.name == name:
            return image
    raise missing("base image")


def put_image(yard: Yard, caller: Caller, image: BaseImage) -> BaseImage:
    """Add a base image by its digest, or change the words, default and deprecation of one that this machine makes."""
    require_admin(caller, "the catalog")
    check_name(image.name, "base image name")
    _check_texts(image.title, image.description)
    known = {base.name for base in yard.bases.known()}
    if image.name not in known and not image.digest.startswith("sha256:"):
        raise Invalid(
            "A base image that this machine can't make needs the digest of its manifest.",
            hint="Give a digest such as sha256:0123….",
            details={"field": "digest"},
        )
    with yard.database.write() as tx:
        store.put_image_entry(tx, image)
        add_event(tx, yard.clock(), caller.name, f"image/{image.name}", "changed")
    return get_image(yard, caller, image.name)


def delete_image(yard: Yard, caller: Caller, name: str) -> None:
    """Forget what an administrator said of it. One that this machine makes is as it was at first."""
    require_admin(caller, "the catalog")
    with yard.database.write() as tx:
        if not store.delete_image(tx, name):
            raise missing("base image")
        add_event(tx, yard.clock(), caller.name, f"image/{name}", "deleted")


def request_build(yard: Yard, caller: Caller, name: str) -> BaseImage:
    """Have it made by the controller. Asking again while it is made, or when it is there, changes nothing."""
    caller.require(WRITE)
    image = get_image(yard, caller, name)
    if image.state in ("ready", "building"):
        return image
    with yard.database.write() as tx:
        store.set_image_state(tx, name, "requested")
        add_event(tx, yard.clock(), caller.name, f"image/{name}", "build requested")
    yard.wake()
    return get_image(yard, caller, name)
