"""Logging in on one machine: a link that works once, made by `modelyard up` or `modelyard login-link`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyterhub import orm
from jupyterhub.auth import Authenticator
from jupyterhub.handlers import BaseHandler
from jupyterhub.slugs import is_valid_safe_slug
from tornado import web
from traitlets import Unicode

from modelyard.supervisor.home import Home
from modelyard.supervisor.login_links import redeem_login_token

from .pages import PAGES


class OnceHandler(BaseHandler):  # type: ignore[misc]
    """`/hub/once?token=…`: redeem a link. Whoever is logged in already is replaced by the link's user."""

    async def get(self) -> None:
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cache-Control", "no-store")
        user = await self.login_user({"token": self.get_argument("token", "")})
        if user is None:
            self.set_status(403)
            self.finish(
                await self.render_template(
                    "error.html",
                    status_code=403,
                    status_message="This login link does not work any more",
                    message="It was used already, it is too old, or it is not complete.",
                    hint="Make another one on the machine that runs modelyard: modelyard login-link",
                )
            )
            return
        self.redirect(self.hub.base_url + "home")


class LoginPageHandler(BaseHandler):  # type: ignore[misc]
    """`/hub/login` has no form: it says how to get a link."""

    async def get(self) -> None:
        if self.current_user:
            self.redirect(self.get_next_url(self.current_user))
            return
        self.finish(await self.render_template("login.html"))


class OnceAuthenticator(Authenticator):  # type: ignore[misc]
    home_folder = Unicode(help="The yard's home, which holds the links").tag(config=True)
    any_allow_config = True

    def get_handlers(self, app: Any) -> list[Any]:
        return [("/login", LoginPageHandler), ("/once", OnceHandler), *PAGES]

    async def authenticate(self, handler: BaseHandler, data: dict[str, str]) -> str | None:
        name = redeem_login_token(Home(Path(self.home_folder)), data["token"])
        if name is not None:
            check_collision(name, handler)
        return name


def check_collision(name: str, handler: BaseHandler) -> None:
    """Refuse a user whose OAuth clients could be taken for another's: JupyterHub 6.1.1 joins user and server by '-'.

    User `alice-prod` and server `prod` of user `alice` would share one client (CVE-2026-108752).
    """
    for other in known_names(handler):
        if other != name and (collides(name, other) or collides(other, name)):
            raise web.HTTPError(
                403,
                f"The user name {name} is too close to the user {other}, whose environments could be mistaken for it.",
            )


def collides(long: str, short: str) -> bool:
    return long.startswith(short + "-") and is_valid_safe_slug(long[len(short) + 1 :])


def known_names(handler: BaseHandler) -> list[str]:
    return [name for (name,) in handler.db.query(orm.User.name)]
