"""Who is asking. Built once at the edge from a hub token, a browser session or a run's token."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import Forbidden, NotFound

READ = "custom:modelyard:read"  # see one's own objects
WRITE = "custom:modelyard:write"  # save, run, cancel
ADMIN = "custom:modelyard:admin"  # everybody's objects, and the catalog


@dataclass(frozen=True, slots=True)
class Caller:
    """`run` is set for the token of a run, which may only report on that run."""

    name: str
    scopes: frozenset[str] = frozenset()
    run: str | None = None

    @property
    def admin(self) -> bool:
        return ADMIN in self.scopes

    def require(self, scope: str) -> None:
        if self.run is not None or (scope not in self.scopes and not self.admin):
            raise Forbidden(
                f"Your token lacks the scope {scope}.",
                hint="Ask an administrator for it, or make a token that has it.",
                details={"scope": scope},
            )

    def may_see(self, owner: str) -> bool:
        return self.run is None and (self.admin or (owner == self.name and READ in self.scopes))

    def require_owner(self, owner: str, what: str) -> None:
        """Somebody else's object looks like one that does not exist."""
        if not self.may_see(owner):
            raise NotFound(f"There is no such {what}.", hint="Check its name; it may belong to another user.")


SYSTEM = Caller("system", frozenset({READ, WRITE, ADMIN}))
