"""Who may say that a tool call is made, and that it was said: a decision is kept before it counts.

A decision that cannot be saved was not taken. So a call outlives the process that proposed it, none is made
twice, and a replica that has lost the conversation to another can make none: what it saves is refused.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from mcp import types

from mcpsecurity.elicitation import argument_errors
from mcpsecurity_webclient.chat.event_types import EventName, EventPayload, GrantView, ToolDecided
from mcpsecurity_webclient.chat.mcp.servers import McpServer, McpServers
from mcpsecurity_webclient.chat.models import ApprovalMode, Decision, PendingFunctionCall, arguments_hash
from mcpsecurity_webclient.errors import (
    AlreadyDecidedError,
    InvalidArgumentsError,
    RequestExpiredError,
    StoreError,
    StoreUnavailableError,
    UnknownRequestError,
)

__all__ = ["Approvals", "definition_of"]

IN_VAIN = "nobody answered in time"
_ANNOUNCE_SECONDS = 2.0
_LEAVE_SECONDS = 5.0

Publish = Callable[[EventName, EventPayload], None]


class Approvals:
    """The calls of one conversation and what was decided about them.

    `timeout` is how long a person has to decide, in seconds; `clock` gives seconds since 1970. `save` keeps
    the conversation as it is when it is called, or raises `StoreError`.
    """

    def __init__(
        self,
        servers: McpServers,
        publish: Publish,
        *,
        save: Callable[[], Awaitable[None]],
        timeout: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._servers = servers
        self._publish = publish
        self._save = save
        self._timeout = timeout
        self._clock = clock
        self._deciding = asyncio.Lock()
        self._leaving = False
        self.mode = ApprovalMode.MANUAL
        self.calls: dict[str, PendingFunctionCall] = {}
        self.grants: dict[tuple[str, str], str] = {}

    @property
    def waiting(self) -> int:
        """How many calls wait for the person's decision."""
        return sum(call.status == "proposed" for call in list(self.calls.values()))

    @property
    def leaving(self) -> bool:
        """Whether the conversation is on its way to another process."""
        return self._leaving

    def propose(
        self, function: str, arguments: dict[str, Any], batch_id: str, message_id: str, item_id: str
    ) -> PendingFunctionCall:
        """Take down what the model wants to call; `item_id` is the call's id in what the model reads. An
        unknown function is a call that fails."""
        server, tool = self.find(function)
        call = PendingFunctionCall(
            call_id=secrets.token_urlsafe(12),
            batch_id=batch_id,
            message_id=message_id,
            item_id=item_id,
            server=server.settings.name if server else "",
            tool=tool.name if tool else function,
            function=function,
            arguments=arguments,
            **_described(tool, function),
        )
        call.decision = asyncio.get_running_loop().create_future()
        call.expires_at = self._clock() + self._timeout
        self.calls[call.call_id] = call
        return call

    async def announce(self, calls: Iterable[PendingFunctionCall]) -> None:
        """Tell the pages of proposed calls. Those that the person decides are kept by then, if that can be
        done soon: a decision about them can be taken by another process, too."""
        calls = list(calls)
        try:
            if any(self._decided_by_itself(call) is None for call in calls):
                with suppress(StoreError, TimeoutError):  # the decision has to be kept, and is refused then
                    async with asyncio.timeout(_ANNOUNCE_SECONDS):
                        await self._save()
        finally:
            for call in calls:
                self._publish("tool.proposed", {"call": call.to_json()})

    async def decide(
        self,
        call_id: str,
        *,
        approve: bool,
        args_hash: str,
        arguments: dict[str, Any] | None = None,
        reason: str | None = None,
        always: bool = False,
    ) -> None:
        """Take the person's decision; the first one wins. It is kept when this returns.

        Raises:
            UnknownRequestError, AlreadyDecidedError, RequestExpiredError: it cannot be decided (any more).
            InvalidArgumentsError: the edited arguments do not fit; the call stays open.
            StoreError: the decision cannot be kept; the call stays open.
        """
        async with self._deciding:
            call = self._awaited(call_id)
            if args_hash != call.args_hash:
                raise AlreadyDecidedError
            if (
                approve
                and arguments is not None
                and (errors := argument_errors(call.input_schema, arguments))
            ):
                raise InvalidArgumentsError(errors)
            wanted = arguments if approve and arguments is not None else call.arguments
            granted = {(call.server, call.tool): call.definition_hash} if always and approve else {}
            await self._take({call_id: Decision(approve, "user", wanted, reason)}, granted)

    async def decide_batch(self, batch_id: str, *, approve: bool) -> None:
        """Decide every call of a batch that is still open. Raises as `decide` does when there is none."""
        async with self._deciding:
            batch = [call for call in self.calls.values() if call.batch_id == batch_id]
            if not batch:
                raise UnknownRequestError
            still_open = [call for call in batch if self._why_not(call) is None]
            if not still_open:
                raise self._why_not(batch[0]) or AlreadyDecidedError()
            await self._take({c.call_id: Decision(approve, "user", c.arguments) for c in still_open}, {})

    def forget(self, call_ids: Iterable[str]) -> None:
        """Forget calls whose message is no longer part of the conversation."""
        for call_id in call_ids:
            self.calls.pop(call_id, None)

    async def set_mode(self, mode: ApprovalMode) -> None:
        """Change who asks the person from the next call on. Raises `StoreError`: all is as it was."""
        before = self.mode
        if mode is before:
            return
        self._change_mode(mode)
        try:
            await self._save()
        except BaseException:
            self._change_mode(before)
            raise

    async def revoke(self, server: str, tool: str) -> None:
        """Take back a grant.

        Raises:
            UnknownRequestError: there is none.
            StoreError: it is still there.
        """
        digest = self.grants.get((server, tool))
        if digest is None:
            raise UnknownRequestError
        self._end_grant(server, tool)
        try:
            await self._save()
        except BaseException:
            self.grants.setdefault((server, tool), digest)
            self._publish("grants.changed", {"grants": self.grants_json()})
            raise

    def grants_json(self) -> list[GrantView]:
        """Return the page's view of the grants."""
        return [{"server": server, "tool": tool} for server, tool in sorted(self.grants)]

    async def leave(self) -> None:
        """Decide nothing any more: what waits for the person is left open. A decision that is being kept
        counts."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LEAVE_SECONDS), self._deciding:
                self._leaving = True
        self._leaving = True

    def find(self, function: str) -> tuple[McpServer | None, types.Tool | None]:
        """Return the server and the tool that the kernel calls so, as of the last listing."""
        plugin, _, name = function.partition("-")
        for server in self._servers.all:
            if server.plugin_name == plugin:
                return server, server.functions.get(name)
        return None, None

    async def decision(self, call: PendingFunctionCall) -> Decision:
        """Return the decision: at once by mode or grant, otherwise the person's; silence declines.

        Raises:
            StoreError: it cannot be kept, so it is none.
        """
        by = None if call.recovered else self._decided_by_itself(call)
        if by is None:
            return await self._persons_decision(call)
        decision = call.deciding = Decision(True, by, call.arguments)
        try:
            await self._save()
        finally:
            call.deciding = None
        if self._decided_by_itself(call) != by:  # the person has taken that back meanwhile
            return await self._persons_decision(call)
        self._decided(call, decision)
        return decision

    def _change_mode(self, mode: ApprovalMode) -> None:
        self.mode = mode
        self._publish("mode.changed", {"mode": mode.value})

    def _end_grant(self, server: str, tool: str) -> None:
        del self.grants[server, tool]
        self._publish("grants.changed", {"grants": self.grants_json()})

    def _awaited(self, call_id: str) -> PendingFunctionCall:
        """Return a call that the person can decide now; otherwise raise why not."""
        call = self.calls.get(call_id)
        if call is None:
            raise UnknownRequestError
        if (reason := self._why_not(call)) is not None:
            raise reason
        return call

    def _why_not(self, call: PendingFunctionCall) -> Exception | None:
        if call.status == "proposed" and call.deciding is None and call.decision is not None:
            if self._leaving:
                return StoreUnavailableError("this conversation is on its way to another process")
            return RequestExpiredError() if (call.expires_at or 0.0) <= self._clock() else None
        return RequestExpiredError() if call.decided_by == "timeout" else AlreadyDecidedError()

    async def _take(self, decisions: Mapping[str, Decision], granted: Mapping[tuple[str, str], str]) -> None:
        """Keep decisions, and then let them count. The lock is held."""
        decided = [(self.calls[call_id], decision) for call_id, decision in decisions.items()]
        before = {which: self.grants.get(which) for which in granted}
        self.grants.update(granted)
        for call, decision in decided:
            call.deciding = decision
        try:
            await self._save()
        except BaseException:
            self._give_back(before)
            raise
        finally:
            for call, _ in decided:
                call.deciding = None
        if granted:
            self._publish("grants.changed", {"grants": self.grants_json()})
        in_time = [(call, decision) for call, decision in decided if call.status == "proposed"]
        if not in_time:  # the answer was stopped meanwhile
            raise AlreadyDecidedError
        for call, decision in in_time:
            self._decided(call, decision)

    def _give_back(self, grants: Mapping[tuple[str, str], str | None]) -> None:
        for which, digest in grants.items():
            if digest is None:
                self.grants.pop(which, None)
            else:
                self.grants[which] = digest

    def _decided_by_itself(self, call: PendingFunctionCall) -> str | None:
        """Return by what the call needs no decision of the person: mode or grant. A grant is for the tool as
        it was described then."""
        if self.mode is ApprovalMode.ELICITATION and self._left_to_server(call):
            return "mode"
        granted = self.grants.get((call.server, call.tool))
        if granted is not None and granted != call.definition_hash:
            self._end_grant(call.server, call.tool)
        return "grant" if granted == call.definition_hash else None

    def _left_to_server(self, call: PendingFunctionCall) -> bool:
        """Tell whether Elicitation mode leaves a call to its server: it asks the person itself, or the
        operator believes its word that the tool only reads. A call of no server fails by itself."""
        server = self._servers.named(call.server)
        if server is None or server.settings.asks:
            return True
        reads = (call.annotations or {}).get("readOnlyHint") is True
        return server.settings.trust_annotations and reads

    async def _persons_decision(self, call: PendingFunctionCall) -> Decision:
        if call.decision is None or call.expires_at is None:
            raise UnknownRequestError
        left = min(call.expires_at - self._clock(), self._timeout)
        await asyncio.wait([call.decision], timeout=max(left, 0.0))
        async with self._deciding:  # whoever is deciding it now was in time
            if not call.decision.done():
                self._decided(call, Decision(False, "timeout", call.arguments, IN_VAIN))
        return call.decision.result()

    def _decided(self, call: PendingFunctionCall, decision: Decision) -> None:
        edited = arguments_hash(decision.arguments) != call.args_hash  # 1.0 is not 1, True is not 1
        outcome = decision.outcome
        for name, value in decision.changes().items():
            setattr(call, name, value)
        if call.decision is not None and not call.decision.done():
            call.decision.set_result(decision)
        decided: ToolDecided = {
            "call_id": call.call_id,
            "decision": outcome,
            "by": decision.by,
            "edited": edited,
            "arguments": decision.arguments,
        }
        if decision.reason:
            decided["reason"] = decision.reason
        self._publish("tool.decided", decided)


def definition_of(tool: types.Tool) -> str:
    """Return the digest of how a server describes a tool now (see `PendingFunctionCall.definition_hash`)."""
    return arguments_hash(dict(enumerate(_described(tool, tool.name).values())))


def _described(tool: types.Tool | None, function: str) -> dict[str, Any]:
    """Return how a server describes a tool; its values are in the order that makes the digest."""
    if tool is None:
        return {"title": function, "description": "", "input_schema": {}, "annotations": None}
    annotations = tool.annotations
    return {
        "title": tool.title or (annotations and annotations.title) or tool.name,
        "description": tool.description or "",
        "input_schema": tool.inputSchema,
        "annotations": annotations.model_dump(exclude_none=True) if annotations else None,
    }
