"""The hub's own pages: the home with a person's environments, and the forms that make, start, stop and delete them.

The forms work without JavaScript. Whatever a person types is kept as the display name; the name is made from it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from jupyterhub.handlers import BaseHandler
from jupyterhub.utils import maybe_future, url_path_join
from tornado import web

from modelyard.core.catalog import BaseImage, Hardware
from modelyard.core.errors import Conflict, Invalid, NotFound, YardError
from modelyard.core.names import check_environment_name, to_name

from .catalog import Catalog

TITLE_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Card:
    """One environment as the home page shows it. `state` is stopped, starting, running, stopping or failed."""

    name: str
    title: str
    state: str
    image: str
    hardware: str
    price: float
    limits: str
    reason: str
    since: Any


class EnvironmentsHandler(BaseHandler):  # type: ignore[misc]
    """What the forms share."""

    @property
    def catalog(self) -> Catalog:
        found: Catalog = self.settings["catalog"]
        return found

    async def show_home(self, problem: YardError | None = None, typed: dict[str, str] | None = None) -> None:
        images, hardware, trouble = await self._read_catalog()
        cards = make_cards(self.current_user, images, hardware)
        page = await self.render_template(
            "home.html",
            cards=cards,
            images=[image for image in images if not image.deprecated],
            hardware=[size for size in hardware if not size.deprecated],
            problem=problem,
            trouble=trouble,
            typed=typed or {},
            refresh=any(card.state in ("starting", "stopping") for card in cards),
        )
        self.set_header("Cache-Control", "no-store")
        self.finish(page)

    async def _read_catalog(self) -> tuple[list[BaseImage], list[Hardware], YardError | None]:
        try:
            return await self.catalog.images(), await self.catalog.hardware(), None
        except YardError as error:
            return [], [], error

    async def start(self, name: str, title: str, options: dict[str, str] | None) -> None:
        """Begin the start and go to the page that shows it."""
        user = self.current_user
        spawner = user.get_or_create_spawner(name, title, replace_failed=True)
        if not spawner.active:
            if spawner._spawn_future is not None and spawner._spawn_future.done():
                spawner._spawn_future = None  # an earlier failure, which this start replaces
            begun = asyncio.ensure_future(self.spawn_single_user(user, name, title, options=options))
            await asyncio.wait([begun], timeout=0.2)
            if begun.done() and begun.exception() is not None:
                self.log.info("environment %s/%s: not started: %s", user.name, name, begun.exception())
        self.redirect(url_path_join(self.hub.base_url, "spawn-pending", user.escaped_name, name))


class HomeHandler(EnvironmentsHandler):
    @web.authenticated
    async def get(self) -> None:
        await self.show_home()


class NewEnvironmentHandler(EnvironmentsHandler):
    @web.authenticated
    async def post(self) -> None:
        typed = {key: self.get_body_argument(key, "").strip() for key in ("title", "image", "hardware")}
        try:
            title = check_title(typed["title"])
            await self.catalog.choose(typed["image"], typed["hardware"])
            name = free_name(title, self.current_user.orm_spawners)
            await self._check_limit(name, title)
        except YardError as error:
            self.set_status(error.status)
            await self.show_home(error, typed)
            return
        await self.start(name, title, {"image": typed["image"], "hardware": typed["hardware"]})

    async def _check_limit(self, name: str, title: str) -> None:
        try:
            await self._check_named_server_request(self.current_user, name, title)
        except web.HTTPError as error:
            raise Conflict(str(error.log_message), hint="Delete an environment that you don't need.") from None


class EnvironmentActionHandler(EnvironmentsHandler):
    """start, stop or delete one's own environment. Somebody else's can't even be named."""

    @web.authenticated
    async def post(self, name: str, action: str) -> None:
        user = self.current_user
        orm_spawner = user.orm_spawners.get(name)
        if orm_spawner is None or not name:
            raise web.HTTPError(404, "There is no such environment.")
        if action == "start":
            await self.start(name, orm_spawner.display_name or name, None)
            return
        spawner = user.get_spawner(name)
        await self._stop(name)
        if action == "delete":
            await maybe_future(spawner.delete_forever())
            self.db.delete(orm_spawner)
            user.spawners.pop(name, None)
            self.db.commit()
        self.redirect(url_path_join(self.hub.base_url, "home"))

    async def _stop(self, name: str) -> None:
        user = self.current_user
        spawner = user.get_spawner(name)
        starting = spawner._spawn_future
        if spawner.pending == "spawn" and starting is not None:
            starting.cancel()
            await asyncio.wait([starting], timeout=2.0)
            await user.stop(name)
        elif spawner.ready:
            await self.stop_single_user(user, name)
        stopping = getattr(spawner, "_stop_future", None)  # there is none before the first stop
        if spawner.pending == "stop" and stopping is not None:
            await stopping


PAGES = [
    ("/home", HomeHandler),
    ("/environments", NewEnvironmentHandler),
    (r"/environments/([a-z0-9-]+)/(start|stop|delete)", EnvironmentActionHandler),
]


def make_cards(user: Any, images: list[BaseImage], hardware: list[Hardware]) -> list[Card]:
    titles = {image.name: image.title or image.name for image in images}
    sizes = {size.name: size for size in hardware}
    cards = []
    for name, orm_spawner in user.orm_spawners.items():
        if not name:
            continue
        spawner = user.spawners.get(name)
        options = orm_spawner.user_options or {}
        image, size = str(options.get("image", "")), str(options.get("hardware", ""))
        state = orm_spawner.state or {}
        cards.append(
            Card(
                name=name,
                title=orm_spawner.display_name or name,
                state=state_of(spawner),
                image=titles.get(image, image),
                hardware=sizes[size].title or size if size in sizes else size,
                price=sizes[size].price_per_hour if size in sizes else 0.0,
                limits=str(state.get("limits", "")),
                reason=getattr(spawner, "reason", "") or str(state.get("reason", "")),
                since=orm_spawner.started if spawner and spawner.active else orm_spawner.last_activity,
            )
        )
    return sorted(cards, key=lambda card: (card.state == "stopped", card.title.lower()))


def state_of(spawner: Any) -> str:
    if spawner is None:
        return "stopped"
    if spawner.pending == "spawn":
        return "starting"
    if spawner.pending:
        return "stopping"
    return "running" if spawner.ready else "stopped"


def check_title(title: str) -> str:
    if not title:
        raise Invalid(
            "The environment needs a name.", hint="Type one, for example: Flight delays.", code="invalid_name"
        )
    if len(title) > TITLE_LENGTH or not title.isprintable():
        raise Invalid(
            f"The name has {len(title)} characters or some that can't be shown.",
            hint=f"Use at most {TITLE_LENGTH} characters.",
            code="invalid_name",
        )
    return title


def free_name(title: str, taken: Container[str]) -> str:
    """A name for the environment `title` that is not taken: 'Flight delays!' is flight-delays, then flight-delays-2."""
    stem = to_name(title, "environment")
    stem = (stem if stem[0].isalpha() else f"e-{stem}")[:26].rstrip("-")
    for number in range(1, 1000):
        name = stem if number == 1 else f"{stem}-{number}"
        if name not in taken:
            return check_environment_name(name)
    raise NotFound("There are too many environments of that name.", hint="Choose another name.")
