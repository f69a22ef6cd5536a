"""Approval of tool calls. A decision is saved before it takes effect.

A decision that cannot be saved does not count. So a call outlives the process that proposed it, no call is
made twice, and a replica that has lost the conversation to another makes none, because the store refuses its
saves.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from mcpsecurity.elicitation import argument_errors
from mcpsecurity.runtime.undo import undone_on_failure
from mcpsecurity_webclient.chat.event_types import Publish, ToolDecided, ToolProposed
from mcpsecurity_webclient.chat.mcp.policy import effect_of
from mcpsecurity_webclient.chat.mcp.servers import McpServers
from mcpsecurity_webclient.chat.models import ApprovalMode, Decision, PendingFunctionCall, arguments_hash
from mcpsecurity_webclient.chat.requests.deadlines import WaitingTime, reschedule
from mcpsecurity_webclient.chat.state import ConversationState
from mcpsecurity_webclient.chat.tools.grants import Grants
from mcpsecurity_webclient.errors import (
    AlreadyDecidedError,
    InvalidArgumentsError,
    RequestExpiredError,
    StoreError,
    StoreUnavailableError,
    UnknownRequestError,
)
from mcpsecurity_webclient.languages import gettext as _
from mcpsecurity_webclient.server_settings import GrantScope

_ANNOUNCE_SECONDS = 2.0
_LEAVE_SECONDS = 5.0


class Approvals:
    """Decides about the calls of one conversation: by the person, by a grant, or by the mode.

    `time_to_decide` is how long the person has, `clock` gives seconds since 1970. `save` saves the
    conversation as it is when it is called, or raises `StoreError`.
    """

    def __init__(
        self,
        state: ConversationState,
        servers: McpServers,
        grants: Grants,
        publish: Publish,
        *,
        save: Callable[[], Awaitable[None]],
        time_to_decide: WaitingTime,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._state = state
        self._servers = servers
        self._grants = grants
        self._publish = publish
        self._save = save
        self._time = time_to_decide
        self._clock = clock
        self._deciding = asyncio.Lock()

    def open(self, call: PendingFunctionCall) -> None:
        """Add a proposed call to the conversation, and let it wait for its decision."""
        call.decision = asyncio.get_running_loop().create_future()
        now = self._clock()
        call.expires_at, call.latest_at = now + self._time.seconds, self._time.latest(now)
        call.grantable = self._grants.offered(call) or None
        self._state.calls[call.call_id] = call

    async def announce(self, calls: Iterable[PendingFunctionCall]) -> None:
        """Tell the pages about proposed calls. If the person decides one, the conversation is saved first
        when that takes no longer than two seconds: another process can then take the decision, too."""
        calls = list(calls)
        await self._grants.load()
        try:
            if any(self._decided_by_itself(call) is None for call in calls):
                with suppress(StoreError, TimeoutError):  # decide() saves again, and refuses if it cannot
                    async with asyncio.timeout(_ANNOUNCE_SECONDS):
                        await self._save()
        finally:
            for call in calls:
                self._publish("tool.proposed", self._proposed(call))

    async def decide(
        self,
        call_id: str,
        *,
        approve: bool,
        args_hash: str,
        arguments: dict[str, Any] | None = None,
        reason: str | None = None,
        always: GrantScope | None = None,
    ) -> None:
        """Take the person's decision; the first one wins. It is saved when this returns. `always` approves
        the tool's later calls in that scope, too.

        Raises:
            UnknownRequestError, AlreadyDecidedError, RequestExpiredError: it cannot be decided (any more).
            InvalidArgumentsError: the edited arguments do not fit, or the tool cannot be allowed in this
                scope; the call stays open.
            StoreError: the decision cannot be saved; the call stays open.
        """
        async with self._deciding:
            call = self._awaited(call_id)
            if args_hash != call.args_hash:
                raise AlreadyDecidedError
            if not approve:
                await self._take({call_id: Decision(False, "user", call.arguments, reason)})
                return
            if arguments is not None and (errors := argument_errors(call.input_schema, arguments)):
                raise InvalidArgumentsError(errors)
            wanted = arguments if arguments is not None else call.arguments
            edited = arguments_hash(wanted) != call.args_hash  # 1.0 is not 1, True is not 1
            await self._approve(call, Decision(True, "user", wanted, reason, edited), always)

    async def decide_batch(self, batch_id: str, *, approve: bool) -> None:
        """Decide every open call of a batch. Raises what `decide` raises when none is open.

        What may destroy is approved one by one: an approval of the batch leaves it open.
        """
        async with self._deciding:
            batch = [call for call in self._state.calls.values() if call.batch_id == batch_id]
            if not batch:
                raise UnknownRequestError
            still_open = [call for call in batch if self._error_of_decision(call) is None]
            if not still_open:
                raise self._error_of_decision(batch[0]) or AlreadyDecidedError()
            if approve:
                still_open = [call for call in still_open if effect_of(call.annotations) != "destroys"]
            if not still_open:
                raise InvalidArgumentsError({"decision": _("This tool always asks.")})
            await self._take({c.call_id: Decision(approve, "user", c.arguments) for c in still_open})

    async def extend(self, call_id: str) -> float:
        """Give the person more time; return the new deadline, which is saved by then.

        Raises:
            UnknownRequestError, AlreadyDecidedError, RequestExpiredError: it cannot be decided (any more).
            NoMoreTimeError: the deadline is the latest already.
            StoreError: the deadline cannot be saved, and has not moved.
        """
        async with self._deciding:
            call = self._awaited(call_id)
            before = call.expires_at or 0.0
            later = self._time.extended(before, call.latest_at or before, self._clock())
            self._move_deadline(call, later)
            with undone_on_failure(lambda: self._move_deadline(call, before)):
                await self._save()
        self._publish("request.extended", {"kind": "call", "id": call_id, "expires_at": later})
        return later

    async def set_mode(self, mode: ApprovalMode) -> None:
        """Change who asks the person from the next call on. Raises `StoreError`: the mode has not changed."""
        before = self._state.mode
        if mode is before:
            return
        self._change_mode(mode)
        with undone_on_failure(lambda: self._change_mode(before)):
            await self._save()

    async def leave(self) -> None:
        """Take no further decisions and leave waiting calls open. A decision that is being saved
        still counts."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LEAVE_SECONDS), self._deciding:
                self._state.leaving = True
        self._state.leaving = True

    async def decision(self, call: PendingFunctionCall) -> Decision:
        """Return the decision: at once by mode or grant, otherwise the person's. A call that is not decided
        in time is declined.

        Raises:
            StoreError: the decision cannot be saved and does not count.
        """
        await self._grants.load()
        await self._grants.end_outdated(call)
        by = None if call.recovered else self._decided_by_itself(call)
        if by is None:
            return await self._persons_decision(call)
        decision = call.deciding = Decision(True, by, call.arguments)
        try:
            await self._save()
        finally:
            call.deciding = None
        if self._decided_by_itself(call) != by:  # the person has revoked that meanwhile
            return await self._persons_decision(call)
        self.settle(call, decision)
        return decision

    def _proposed(self, call: PendingFunctionCall) -> ToolProposed:
        proposed: ToolProposed = {"call": call.to_json()}
        if (by := self._decided_by_itself(call)) is not None:
            proposed["by"] = by
        return proposed

    def settle(self, call: PendingFunctionCall, decision: Decision) -> None:
        """Apply a decision to its call and tell the pages."""
        outcome = decision.outcome
        for name, value in decision.changes().items():
            setattr(call, name, value)
        if call.decision is not None and not call.decision.done():
            call.decision.set_result(decision)
        decided: ToolDecided = {
            "call_id": call.call_id,
            "decision": outcome,
            "by": decision.by,
            "edited": decision.edited,
            "arguments": decision.arguments,
        }
        if decision.reason:
            decided["reason"] = decision.reason
        self._publish("tool.decided", decided)

    def _move_deadline(self, call: PendingFunctionCall, expires_at: float) -> None:
        reschedule(call.limit, expires_at - self._clock())
        call.expires_at = expires_at

    def _change_mode(self, mode: ApprovalMode) -> None:
        self._state.mode = mode
        self._publish("mode.changed", {"mode": mode.value})

    async def _approve(
        self, call: PendingFunctionCall, decision: Decision, always: GrantScope | None
    ) -> None:
        """Take an approval, and the grant that comes with it. The caller holds the lock."""
        if always is None:
            await self._take({call.call_id: decision})
            return
        if always not in self._grants.offered(call):
            raise InvalidArgumentsError({"always": _("This tool always asks.")})
        take_back = await self._grants.give(call, always, decision.arguments)
        try:
            await self._take({call.call_id: decision})
        except AlreadyDecidedError:  # the answer was stopped after it was saved
            raise
        except BaseException:
            await take_back()
            raise
        if always == "chat":
            self._grants.tell()

    def _awaited(self, call_id: str) -> PendingFunctionCall:
        """Return a call that the person can decide now. Raises `CommandError` or `StoreUnavailableError`."""
        call = self._state.calls.get(call_id)
        if call is None:
            raise UnknownRequestError
        if (error := self._error_of_decision(call)) is not None:
            raise error
        return call

    def _error_of_decision(self, call: PendingFunctionCall) -> Exception | None:
        """Return the error of a decision about a call; None if it waits for one."""
        if call.status == "proposed" and call.deciding is None and call.decision is not None:
            if self._state.leaving:
                return StoreUnavailableError("this conversation is on its way to another process")
            return RequestExpiredError() if (call.expires_at or 0.0) <= self._clock() else None
        return RequestExpiredError() if call.decided_by == "timeout" else AlreadyDecidedError()

    async def _take(self, decisions: Mapping[str, Decision]) -> None:
        """Save decisions, then apply them. The caller holds the lock."""
        decided = [(self._state.calls[call_id], decision) for call_id, decision in decisions.items()]
        for call, decision in decided:
            call.deciding = decision
        try:
            await self._save()
        finally:
            for call, _ in decided:
                call.deciding = None
        in_time = [(call, decision) for call, decision in decided if call.status == "proposed"]
        if not in_time:  # the answer was stopped meanwhile
            raise AlreadyDecidedError
        for call, decision in in_time:
            self.settle(call, decision)

    def _decided_by_itself(self, call: PendingFunctionCall) -> str | None:
        """Return what decides the call without the person: `operator`, `mode`, `grant`, or None."""
        server = self._servers.named(call.server)
        rule = server.policy.rule(call.tool) if server is not None else None
        if rule in ("always_ask", "refuse"):
            return None
        if rule == "never_ask" and effect_of(call.annotations) != "destroys":
            return "operator"
        if self._state.mode is ApprovalMode.ELICITATION and self._left_to_server(call):
            return "mode"
        return "grant" if self._grants.covers(call) else None

    def _left_to_server(self, call: PendingFunctionCall) -> bool:
        """Tell whether Elicitation mode leaves a call to its server: the server asks the person itself, or
        the operator trusts its annotation that the tool only reads. A call without a server fails later."""
        server = self._servers.named(call.server)
        if server is None or server.settings.asks:
            return True
        reads = (call.annotations or {}).get("readOnlyHint") is True
        return server.settings.trust_annotations and reads

    async def _persons_decision(self, call: PendingFunctionCall) -> Decision:
        if call.decision is None or call.expires_at is None:
            raise UnknownRequestError
        left = min(call.expires_at - self._clock(), self._time.seconds)
        with suppress(TimeoutError):
            async with asyncio.timeout(max(left, 0.0)) as call.limit:
                await asyncio.wait([call.decision])
        async with self._deciding:  # a decision that is being taken now was in time
            if not call.decision.done():
                self.settle(call, Decision(False, "timeout", call.arguments))
        return call.decision.result()
