"""Tool calls: made only as they were approved, and never twice."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from mcp import types
from semantic_kernel import Kernel
from semantic_kernel.exceptions import (
    KernelException,
    KernelFunctionNotFoundError,
    KernelPluginNotFoundError,
)
from semantic_kernel.functions import KernelArguments

from mcpsecurity.approval import APPROVED_META
from mcpsecurity.client import BridgeError, SignInRequiredError, ToolFailedError
from mcpsecurity_webclient.chat.models import Decision, PendingFunctionCall, arguments_hash
from mcpsecurity_webclient.chat.tools.approvals import Approvals, Publish, definition_of
from mcpsecurity_webclient.chat.tools.results import content_json, structured_json
from mcpsecurity_webclient.errors import StoreError
from mcpsecurity_webclient.telemetry import count_tool_call

if TYPE_CHECKING:
    from mcpsecurity_webclient.chat.mcp.servers import McpServers

__all__ = ["NotApprovedError", "ToolCalls", "call_approved", "ended_payload", "said_of"]

_log = logging.getLogger(__name__)

DECLINED = "The person declined this call."
CANCELLED = "The call was cancelled."
NOT_KEPT = "This call was not made: its approval could not be saved. Please try again."
CHANGED = "This call was not made: its server has changed or withdrawn the tool since it was proposed."
AWAY = "This call was not made: its server cannot be reached."

_current: ContextVar[PendingFunctionCall | None] = ContextVar("current_call", default=None)
_at_work: ContextVar["ToolCalls | None"] = ContextVar("desk_at_work", default=None)


class NotApprovedError(Exception):
    """A call was about to be made that nobody approved in this form. It was not made."""


class ToolCalls(Approvals):
    """Makes the calls of one conversation that are approved at this desk. `prepare` brings the tools of all
    servers up to date, for calls that another process proposed; the rest is as for `Approvals`."""

    def __init__(
        self,
        kernel: Kernel,
        servers: "McpServers",
        publish: Publish,
        *,
        save: Callable[[], Awaitable[None]],
        prepare: Callable[[], Awaitable[None]],
        timeout: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(servers, publish, save=save, timeout=timeout, clock=clock)
        self._kernel = kernel
        self._prepare = prepare

    def running_on(self, server: str) -> str | None:
        """Return the call that a question of a server is about, if only one can be meant."""
        running = [c.call_id for c in self.calls.values() if c.server == server and c.status == "running"]
        return running[0] if len(running) == 1 else None

    async def carry_out(self, call: PendingFunctionCall) -> str:
        """Wait for the decision, make the call if it is approved, and return what the model reads.

        Raises:
            SignInRequiredError: the person's session gives no token any more.
        """
        try:
            decision = await self.decision(call)
            if decision.approved:
                return await self._make(call, decision)
            self._done(call, "declined")
            return said_of(call)
        except StoreError as error:
            _log.warning("a call is not made: %s", error)
            return self._not_made(call, NOT_KEPT)
        except asyncio.CancelledError:
            self.withdraw(call)
            raise

    def withdraw(self, call: PendingFunctionCall) -> None:
        """End a call whose answer was stopped; one that waits is left open if the conversation moves."""
        if call.status in ("approved", "running"):
            self._done(call, "cancelled")
        elif call.status == "proposed" and not self._leaving:
            self._decided(call, Decision(False, "stop", call.arguments))
            self._done(call, "declined")

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
        by_mode, questions = call.decided_by == "mode", server.questions
        call.status, call.started_at = "running", self._clock()
        call.unasked = (by_mode and not server.settings.asks) or None
        self._publish("tool.started", {"call_id": call.call_id, "started_at": call.started_at})

        async def progress(progress: float, total: float | None, message: str | None) -> None:
            call.progress = {"progress": progress, "total": total, "message": message}
            self._publish("tool.progress", {"call_id": call.call_id, **call.progress})

        approved_here = call.decided_by in ("user", "grant")
        meta = {APPROVED_META: True} if approved_here else None
        try:
            result = await server.call_tool(tool.name, arguments, progress, meta)
        finally:
            call.unasked = (by_mode and server.questions == questions) or None
        call.content, call.truncated = content_json(result)
        call.structured = structured_json(result)
        return result

    async def _make(self, call: PendingFunctionCall, decision: Decision) -> str:
        """Invoke the kernel's function, which comes back to this desk's `call_tool`."""
        if call.recovered and (reason := await self._why_not_as_shown(call)) is not None:
            return self._not_made(call, reason)
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

    async def _why_not_as_shown(self, call: PendingFunctionCall) -> str | None:
        """Return why a call that another process proposed cannot be made as the person saw it."""
        try:
            await self._prepare()
        except SignInRequiredError:
            self._done(call, "cancelled")
            raise
        server, tool = self.find(call.function)
        if server is not None and server.offered is None:
            return AWAY
        same = tool is not None and definition_of(tool) == call.definition_hash
        return None if same else CHANGED

    def _ends_session(self, call: PendingFunctionCall, error: SignInRequiredError) -> bool:
        """Note that a call's server wants a sign-in; tell whether the person's session has ended with it."""
        server = self._servers.named(call.server)
        if server is None:
            return False
        server.needs_sign_in(error)
        return self._servers.ends_session(server)

    def _not_made(self, call: PendingFunctionCall, text: str) -> str:
        call.content = [{"type": "text", "text": text}]
        self._done(call, "failed")
        return said_of(call)

    def _failed(self, call: PendingFunctionCall, error: BaseException) -> str:
        for cause in _causes(error):
            if isinstance(cause, SignInRequiredError) and self._ends_session(call, cause):
                self._done(call, "cancelled")
                raise cause
        text = _reason(call, error)
        if not call.content:
            call.content = [{"type": "text", "text": text}]
        self._done(call, "failed")
        return f"Error: {text}"

    def _done(self, call: PendingFunctionCall, status: Any) -> None:
        if call.status in ("done", "failed", "cancelled"):
            return
        call.status = status
        count_tool_call(call.tool, call.server, status)
        if call.started_at is not None:
            call.duration_ms = round((self._clock() - call.started_at) * 1000)
        self._publish("tool.done", ended_payload(call))


def ended_payload(call: PendingFunctionCall) -> dict[str, Any]:
    """Return what pages hear of a call that has ended."""
    payload = {"call_id": call.call_id, "status": call.status, "duration_ms": call.duration_ms or 0}
    optional = {"structured": call.structured, "unasked": call.unasked}
    known = {name: value for name, value in optional.items() if value is not None}
    return payload | {"content": call.content or [], "truncated": call.truncated} | known


def said_of(call: PendingFunctionCall) -> str:
    """Return what the model reads of a call that has ended, as far as the call itself tells."""
    text = "\n".join(part["text"] for part in call.content or () if part.get("type") == "text")
    match call.status:
        case "declined":
            return DECLINED + (f" Their reason: {call.reason}" if call.reason else "")
        case "done":
            return text
        case "failed":
            return f"Error: {text}"
    return CANCELLED


def _reason(call: PendingFunctionCall, error: BaseException) -> str:
    """Return why a call has failed, in words for the model and the person."""
    for cause in _causes(error):
        match cause:
            case ToolFailedError():
                return cause.text
            case BridgeError():
                return str(cause)
            case NotApprovedError():
                return "This call was not made: it is not the one that was approved."
            case KernelFunctionNotFoundError() | KernelPluginNotFoundError():
                return f"There is no tool {call.tool}."
    _log.warning("a call failed here: %s", type(error).__name__)
    if call.started_at is None:
        return "This call was not made: something went wrong here."
    return "Something went wrong here after the call was made. It is not known whether it was completed."


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
