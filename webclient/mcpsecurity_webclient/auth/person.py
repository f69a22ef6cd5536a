"""The signed-in person of a request, and the mark of routes that need none."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
H = TypeVar("H", bound=Callable[..., Any])


class Person:
    """The person who is signed in. `sid` names the session (it is not the cookie's value), `key` the person:
    tenant and object id, which are unique and never change. `since` is the time of the sign-in, in seconds
    since 1970, and `renewed` that of the last one in the session; `roles` are the person's app roles."""

    __slots__ = (
        "csrf", "expires_at", "key", "name", "object_id", "renewed", "roles", "sid", "since", "tenant_id",
        "username",
    )  # fmt: skip

    def __init__(self, user: dict[str, Any]) -> None:
        self.sid: str = user["sid"]
        self.tenant_id: str = user["tid"]
        self.object_id: str = user["oid"]
        self.key: str = f"{self.tenant_id}.{self.object_id}"
        self.since: float = user["since"]
        self.renewed: float = user.get("renewed", self.since)
        self.name: str = user["name"]
        self.username: str = user["username"]
        self.roles: frozenset[str] = frozenset(user.get("roles", ()))
        self.csrf: str = user["csrf"]
        self.expires_at: float = user["expires_at"]


PERSON: web.RequestKey[Person] = web.RequestKey("person", Person)


def public(handler: H) -> H:
    """Mark a route's handler as open to everybody. Routes without this mark are for signed-in people."""
    handler.__dict__["public"] = True
    return handler
