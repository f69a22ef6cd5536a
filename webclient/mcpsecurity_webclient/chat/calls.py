"""Tool calls: proposed to the person, decided, and made only as they were approved."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from mcp import types
from semantic_kernel import Kernel
from semantic_kernel.exceptions import KernelException
from semantic_kernel.functions import KernelArguments

from mcpsecurity.approval import APPROVED_META
from mcpsecurity.bridge import BridgeError, SignInRequiredError, ToolFailedError
from mcpsecurity.elicitation import argument_errors
from mcpsecurity_webclient.chat.content import content_json, structured_json
from mcpsecurity_webclient.chat.models import ApprovalMode, Decision, PendingFunctionCall, arguments_hash
from mcpsecurity_webclient.watching import call_ended

if TYPE_CHECKING:
    from mcpsecurity_webclient.chat.servers import McpServer, McpServers

__all__ = [
    "CallDesk",
    "DecidedError",
    "ExpiredCallError",
    "InvalidArgumentsError",
    "NotApprovedError",
    "UnknownCallError",
    "call_approved",
]

_log = logging.getLogger(__name__)

DECLINED = "The person declined this call."
CANCELLED = "The call was cancelled."

_current: ContextVar[PendingFunctionCall | None] = ContextVar("current_call", default=None)
_at_work: ContextVar["CallDesk | None"] = ContextVar("desk_at_work", default=None)

Publish = Callable[[str, dict[str, Any]], None]


class UnknownCallError(LookupError):
    """This conversation has no such call."""


class DecidedError(Exception):
    """The call is decided already."""


class ExpiredCallError(Exception):
    """Nobody decided in time."""


class NotApprovedError(Exception):
    """A call was about to be made that nobody approved in this form. It was not made."""


class InvalidArgumentsError(ValueError):
    """Edited arguments do not fit; `fields` maps their names to messages."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__("the arguments do not fit")
        self.fields = fields


class CallDesk:
    """The calls of one conversation. `timeout` is how long a person has to decide, in seconds; `clock` gives
    seconds since 1970."""

    def __init__(
        self,
        kernel: Kernel,
        servers: "McpServers",
        publish: Publish,
        *,
        timeout: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._kernel = kernel
        self._servers = servers
        self._publish = publish
        self._timeout = timeout
        self._clock = clock
        self.mode = ApprovalMode.MANUAL
        self.calls: dict[str, PendingFunctionCall] = {}
        self.grants: dict[tuple[str, str], str] = {}

    @property
    def waiting(self) -> int:
        """How many calls wait for the person's decision."""
        return sum(call.status == "proposed" for call in list(self.calls.values()))

    def running_on(self, server: str) -> str | None:
        """Return the call that a question of a server is about, if only one can be meant."""
        running = [c.call_id for c in self.calls.values() if c.server == server and c.status == "running"]
        return running[0] if len(running) == 1 else None

    def propose(
        self, function: str, arguments: dict[str, Any], batch_id: str, message_id: str
    ) -> PendingFunctionCall:
        """Take down what the model wants to call. An unknown function is a call that fails."""
        server, tool = self._find(function)
        call = PendingFunctionCall(
            call_id=secrets.token_urlsafe(12),
            batch_id=batch_id,
            message_id=message_id,
            server=server.settings.name if server else "",
            tool=tool.name if tool else function,
            function=function,
            title=(tool.title or (tool.annotations and tool.annotations.title) or tool.name)
            if tool
            else function,
            description=(tool.description or "") if tool else "",
            arguments=arguments,
            input_schema=tool.inputSchema if tool else {},
            annotations=tool.annotations.model_dump(exclude_none=True) if tool and tool.annotations else None,
        )
        call.decision = asyncio.get_running_loop().create_future()
        call.expires_at = self._clock() + self._timeout
        self.calls[call.call_id] = call
        self._publish("tool.proposed", {"call": call.to_json()})
        return call

    def decide(
        self,
        call_id: str,
        *,
        approve: bool,
        args_hash: str,
        arguments: dict[str, Any] | None = None,
        reason: str | None = None,
        always: bool = False,
    ) -> None:
        """Take the person's decision; the first one wins.

        Raises:
            UnknownCallError, DecidedError, ExpiredCallError: it cannot be decided (any more).
            InvalidArgumentsError: the edited arguments do not fit; the call stays open.
        """
        call = self.calls.get(call_id)
        if call is None:
            raise UnknownCallError
        if call.decision is None or call.decision.done() or call.status != "proposed":
            raise ExpiredCallError if call.decided_by == "timeout" else DecidedError
        if args_hash != call.args_hash:
            raise DecidedError
        if approve and arguments is not None and (errors := argument_errors(call.input_schema, arguments)):
            raise InvalidArgumentsError(errors)
        if always and approve:
            self.grants[call.server, call.tool] = call.definition_hash
            self._publish("grants.changed", {"grants": self.grants_json()})
        wanted = arguments if approve and arguments is not None else call.arguments
        call.decision.set_result(Decision(approve, "user", wanted, reason))

    def decide_batch(self, batch_id: str, *, approve: bool) -> None:
        """Decide every call of a batch that is still open. Raises as `decide` does when there is none."""
        batch = [call for call in self.calls.values() if call.batch_id == batch_id]
        if not batch:
            raise UnknownCallError
        still_open = [c for c in batch if c.status == "proposed" and c.decision and not c.decision.done()]
        if not still_open:
            raise ExpiredCallError if all(c.decided_by == "timeout" for c in batch) else DecidedError
        for call in still_open:
            self.decide(call.call_id, approve=approve, args_hash=call.args_hash)

    def forget(self, call_ids: Iterable[str]) -> None:
        """Forget calls whose message is no longer part of the conversation."""
        for call_id in call_ids:
            self.calls.pop(call_id, None)

    def revoke(self, server: str, tool: str) -> None:
        """Take back a grant. Raises `UnknownCallError` when there is none."""
        if (server, tool) not in self.grants:
            raise UnknownCallError
        del self.grants[server, tool]
        self._publish("grants.changed", {"grants": self.grants_json()})

    def grants_json(self) -> list[dict[str, str]]:
        """Return the page's view of the grants."""
        return [{"server": server, "tool": tool} for server, tool in sorted(self.grants)]

    async def carry_out(self, call: PendingFunctionCall) -> str:
        """Wait for the decision, make the call if it is approved, and return what the model reads.

        Raises:
            SignInRequiredError: the server wants a sign-in.
        """
        try:
            decision = await self._decision(call)
            if not decision.approved:
                call.reason = decision.reason
                self._done(call, "declined")
                return DECLINED + (f" Their reason: {decision.reason}" if decision.reason else "")
            return await self._make(call, decision)
        except asyncio.CancelledError:
            if call.status == "proposed":
                self._decided(call, "declined", Decision(False, "stop", call.arguments))
                self._done(call, "declined")
            else:
                self._done(call, "cancelled")
            raise

    async def call_tool(self, tool: types.Tool, arguments: dict[str, Any]) -> types.CallToolResult:
        """Make a call for the kernel. This is where approval is enforced.

        Raises:
            NotApprovedError: it was not approved with these arguments in this conversation.
            BridgeError: the call failed.
        """
        call = _current.get()
        wanted = arguments_hash(arguments)
        if (
            call is None
            or self.calls.get(call.call_id) is not call
            or call.tool != tool.name
            or call.approved_hash != wanted
            or call.status != "approved"
        ):
            raise NotApprovedError(tool.name)
        server = self._servers.named(call.server)
        if server is None:
            raise NotApprovedError(tool.name)
        call.status, call.started_at = "running", self._clock()
        self._publish("tool.started", {"call_id": call.call_id, "started_at": call.started_at})

        async def progress(progress: float, total: float | None, message: str | None) -> None:
            call.progress = {"progress": progress, "total": total, "message": message}
            self._publish("tool.progress", {"call_id": call.call_id, **call.progress})

        approved_here = call.decided_by in ("user", "grant")
        meta = {APPROVED_META: True} if approved_here else None
        result = await server.call_tool(tool.name, arguments, progress, meta)
        call.content, call.truncated = content_json(result)
        call.structured = structured_json(result)
        return result

    async def _decision(self, call: PendingFunctionCall) -> Decision:
        """Return the decision: at once by mode or grant, otherwise the person's; silence declines."""
        if self.mode is ApprovalMode.ELICITATION:
            decision = Decision(True, "mode", call.arguments)
        elif self._granted(call):
            decision = Decision(True, "grant", call.arguments)
        else:
            decision = await self._persons_decision(call)
        self._decided(call, "approved" if decision.approved else "declined", decision)
        return decision

    def _granted(self, call: PendingFunctionCall) -> bool:
        """Tell whether the tool is always allowed. A grant is for the tool as it was described then."""
        granted = self.grants.get((call.server, call.tool))
        if granted is not None and granted != call.definition_hash:
            self.revoke(call.server, call.tool)
        return granted == call.definition_hash

    async def _persons_decision(self, call: PendingFunctionCall) -> Decision:
        if call.decision is None:
            raise NotApprovedError(call.tool)
        try:
            async with asyncio.timeout(self._timeout):
                return await call.decision
        except TimeoutError:
            return Decision(False, "timeout", call.arguments, "nobody answered in time")

    def _decided(self, call: PendingFunctionCall, outcome: Any, decision: Decision) -> None:
        edited = decision.arguments != call.arguments
        call.arguments, call.decided_by, call.status = decision.arguments, decision.by, outcome
        call.approved_hash = arguments_hash(decision.arguments) if decision.approved else None
        payload = {"call_id": call.call_id, "decision": outcome, "by": decision.by, "edited": edited}
        extra = {"reason": decision.reason} if decision.reason else {}
        self._publish("tool.decided", payload | {"arguments": decision.arguments} | extra)

    async def _make(self, call: PendingFunctionCall, decision: Decision) -> str:
        """Invoke the kernel's function, which comes back to this desk's `call_tool`."""
        plugin, _, name = call.function.partition("-")
        token, at_work = _current.set(call), _at_work.set(self)
        arguments = KernelArguments()
        arguments.update(decision.arguments)  # not as keywords: a tool may call an argument what it likes
        try:
            function = self._kernel.get_function(plugin, name)
            result = await self._kernel.invoke(function, arguments)
        except (KernelException, BridgeError, NotApprovedError) as error:
            return self._failed(call, error)
        finally:
            _current.reset(token)
            _at_work.reset(at_work)
        self._done(call, "done")
        return str(result.value) if result is not None else ""

    def _failed(self, call: PendingFunctionCall, error: BaseException) -> str:
        for cause in _causes(error):
            if isinstance(cause, SignInRequiredError):
                self._done(call, "cancelled")
                raise cause
        known = next((c for c in _causes(error) if isinstance(c, BridgeError)), None)
        if isinstance(known, ToolFailedError):
            text = known.text
        elif known is not None:
            text = str(known)
        else:
            _log.warning("a call failed before it reached its server: %s", type(error).__name__)
            text = f"There is no tool {call.tool}, or its arguments do not fit."
        if not call.content:
            call.content = [{"type": "text", "text": text}]
        self._done(call, "failed")
        return f"Error: {text}"

    def _done(self, call: PendingFunctionCall, status: Any) -> None:
        if call.status in ("done", "failed", "cancelled"):
            return
        call.status = status
        call_ended(call, status)
        if call.started_at is not None:
            call.duration_ms = round((self._clock() - call.started_at) * 1000)
        payload = {"call_id": call.call_id, "status": status, "duration_ms": call.duration_ms or 0}
        structured = {"structured": call.structured} if call.structured is not None else {}
        self._publish(
            "tool.done", payload | {"content": call.content or [], "truncated": call.truncated} | structured
        )

    def _find(self, function: str) -> "tuple[McpServer | None, types.Tool | None]":
        plugin, _, name = function.partition("-")
        for server in self._servers.all:
            if server.plugin_name == plugin:
                return server, server.functions.get(name)
        return None, None


async def call_approved(tool: types.Tool, arguments: dict[str, Any]) -> types.CallToolResult:
    """Make a call for a kernel function that all conversations share: at the desk that invokes it.

    Raises:
        NotApprovedError: no desk does, or it has not got this call approved.
        BridgeError: the call failed.
    """
    desk = _at_work.get()
    if desk is None:
        raise NotApprovedError(tool.name)
    return await desk.call_tool(tool, arguments)


def _causes(error: BaseException | None) -> Iterable[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
