"""Tools that the person allows to run without asking: with these arguments, in this conversation, or always.

A grant holds for the tool as it was described when it was given. Tools that may destroy, and those for which
the operator demands a question, get no grant.
"""

from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from typing import Any

from mcpsecurity_webclient.chat.event_types import Publish
from mcpsecurity_webclient.chat.mcp.policy import effect_of
from mcpsecurity_webclient.chat.mcp.servers import McpServers
from mcpsecurity_webclient.chat.models import PendingFunctionCall, arguments_hash
from mcpsecurity_webclient.chat.state import ConversationState
from mcpsecurity_webclient.chat.tools.person_grants import PersonGrants
from mcpsecurity_webclient.chat.views import GrantView
from mcpsecurity_webclient.errors import StoreError, UnknownRequestError
from mcpsecurity_webclient.server_settings import GrantScope
from mcpsecurity_webclient.store import Grant, GrantKey

SCOPES: tuple[GrantScope, ...] = ("arguments", "chat", "person")
_LONGEST_TOOL = 200
_MOST = 500


class Grants:
    """The grants that hold in one conversation. `state` has those of the conversation, `person` those of
    all of the person's. `allowed` are the scopes that the operator allows; `save` saves the conversation or
    raises `StoreError`."""

    def __init__(
        self,
        state: ConversationState,
        person: PersonGrants,
        servers: McpServers,
        publish: Publish,
        *,
        save: Callable[[], Awaitable[None]],
        allowed: Collection[GrantScope],
        clock: Callable[[], float],
    ) -> None:
        self._state = state
        self._person = person
        self._servers = servers
        self._publish = publish
        self._save = save
        self._allowed = allowed
        self._clock = clock
        person.subscribe(self.tell)

    def to_json(self) -> list[GrantView]:
        """Return the grants as the page shows them."""
        here: list[GrantView] = [
            {"server": server, "tool": tool, "scope": "chat"} for server, tool in sorted(self._state.grants)
        ]
        return here + [_view(grant) for grant in self._person.all()]

    def tell(self) -> None:
        """Tell the pages which grants there are."""
        self._publish("grants.changed", {"grants": self.to_json()})

    async def load(self) -> None:
        """Read what the person allows in all conversations, if that is still to be done."""
        await self._person.load()

    def offered(self, call: PendingFunctionCall) -> list[GrantScope]:
        """Return the scopes that the person can choose for a call's tool."""
        server = self._servers.named(call.server)
        if effect_of(call.annotations) == "destroys" or server is None or server.policy.rule(call.tool):
            return []
        kept = len(call.tool) <= _LONGEST_TOOL and len(self._person.all()) < _MOST
        return [scope for scope in SCOPES if scope in self._allowed and (kept or scope == "chat")]

    def covers(self, call: PendingFunctionCall) -> bool:
        """Tell whether a call may run without asking."""
        scopes, definition = self.offered(call), call.definition_hash
        which = (call.server, call.tool)
        keys: dict[GrantScope, GrantKey] = {
            "arguments": _key(call, call.arguments),
            "person": GrantKey(*which),
        }
        if "chat" in scopes and self._state.grants.get(which) == definition:
            return True
        found = [self._person.find(key) for scope, key in keys.items() if scope in scopes]
        return any(grant is not None and grant.definition == definition for grant in found)

    async def end_outdated(self, call: PendingFunctionCall) -> None:
        """End the grants for a call's tool that were given for another definition of it."""
        which, definition = (call.server, call.tool), call.definition_hash
        if self._state.grants.get(which, definition) != definition:
            del self._state.grants[which]
            self.tell()
        for grant in self._person.all():
            if grant.key[:2] == which and grant.definition != definition:
                with suppress(StoreError):  # it does not hold in any case
                    await self._person.revoke(grant.key)

    async def give(
        self, call: PendingFunctionCall, scope: GrantScope, arguments: dict[str, Any]
    ) -> Callable[[], Awaitable[None]]:
        """Allow a call's tool from now on; return what takes that back. A grant of the conversation is
        saved with it.

        Raises:
            StoreError: it cannot be kept, and is not given.
        """
        if scope == "chat":
            return self._give_here(call)
        key = GrantKey(call.server, call.tool) if scope == "person" else _key(call, arguments)
        before = self._person.find(key)
        grant = Grant(
            key=key,
            definition=call.definition_hash,
            arguments=arguments if scope == "arguments" else None,
            given_at=self._clock(),
        )
        await self._person.give(grant)

        async def take_back() -> None:
            with suppress(StoreError):
                await (self._person.give(before) if before is not None else self._person.revoke(key))

        return take_back

    async def revoke(self, server: str, tool: str, scope: GrantScope, args_hash: str) -> None:
        """Revoke a grant.

        Raises:
            UnknownRequestError: there is no such grant.
            StoreError: the grant cannot be removed and still holds.
        """
        if scope != "chat":
            key = GrantKey(server, tool, args_hash if scope == "arguments" else "")
            if self._person.find(key) is None:
                raise UnknownRequestError
            await self._person.revoke(key)
            return
        digest = self._state.grants.pop((server, tool), None)
        if digest is None:
            raise UnknownRequestError
        self.tell()
        try:
            await self._save()
        except BaseException:
            self._state.grants.setdefault((server, tool), digest)
            self.tell()
            raise

    def _give_here(self, call: PendingFunctionCall) -> Callable[[], Awaitable[None]]:
        which = (call.server, call.tool)
        before = self._state.grants.get(which)
        self._state.grants[which] = call.definition_hash

        async def take_back() -> None:
            if before is None:
                self._state.grants.pop(which, None)
            else:
                self._state.grants[which] = before

        return take_back


def _key(call: PendingFunctionCall, arguments: dict[str, Any]) -> GrantKey:
    return GrantKey(call.server, call.tool, arguments_hash(arguments))


def _view(grant: Grant) -> GrantView:
    view: GrantView = {"server": grant.key.server, "tool": grant.key.tool, "scope": "person"}
    if grant.arguments is not None:
        view["scope"], view["arguments"] = "arguments", grant.arguments
        view["args_hash"] = grant.key.arguments_hash
    return view
