"""Tool calls: each is made only as it was approved, and at most once."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Any

from mcp import types

from mcpsecurity.approval import APPROVED_META, edited_note
from mcpsecurity.client import BridgeError, ServerUnavailableError, SignInRequiredError, ToolFailedError
from mcpsecurity.client.results import result_text
from mcpsecurity_webclient.chat.event_types import Publish, ToolDone, ToolProgress
from mcpsecurity_webclient.chat.mcp.server import McpServer
from mcpsecurity_webclient.chat.mcp.servers import McpServers
from mcpsecurity_webclient.chat.models import Decision, PendingFunctionCall, arguments_hash
from mcpsecurity_webclient.chat.state import ConversationState
from mcpsecurity_webclient.chat.strict_json import to_json
from mcpsecurity_webclient.chat.tools.approvals import Approvals
from mcpsecurity_webclient.chat.tools.results import content_json, shown_parts, structured_json
from mcpsecurity_webclient.chat.tools.step_up import StepUps
from mcpsecurity_webclient.errors import StoreError
from mcpsecurity_webclient.languages import gettext as _
from mcpsecurity_webclient.languages import marked, translated
from mcpsecurity_webclient.telemetry import count_tool_call, trace_tool_call

_log = logging.getLogger(__name__)

_KEPT = 1_048_576
"""Most characters of a result that are kept for the model, which reads it in parts if it is long."""

DECLINED = "The person declined this call."
CANCELLED = "The call was cancelled."
NOT_KEPT = marked("This call was not made: its approval could not be saved. Please try again.")
CHANGED = marked(
    "This call was not made: its server has changed or withdrawn the tool since it was proposed."
)
AWAY = marked("This call was not made: its server cannot be reached.")
SIGNED_OUT = marked("This call was not made: its server needs you to sign in.")


class NotApprovedError(Exception):
    """The call is not approved with these arguments in this conversation. It was not made."""


class UnknownToolError(LookupError):
    """The call's server does not offer such a tool (any more)."""


class ToolCalls:
    """The tool calls of one conversation: proposed by the model, decided by `approvals`, made here."""

    def __init__(
        self,
        state: ConversationState,
        approvals: Approvals,
        servers: McpServers,
        publish: Publish,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._state = state
        self._approvals = approvals
        self._servers = servers
        self._publish = publish
        self._clock = clock
        self.step_ups = StepUps(publish, clock=clock)

    def find(self, function: str) -> tuple[McpServer | None, types.Tool | None]:
        """Return the server and the tool of a kernel function, as of the last listing."""
        plugin, _, name = function.partition("-")
        for server in self._servers.all:
            if server.plugin_name == plugin:
                tool = server.functions.get(name)
                known = tool is not None and self._servers.takes_part(server, tool.name)
                return server, tool if known else None
        return None, None

    def propose(
        self, function: str, arguments: dict[str, Any], batch_id: str, message_id: str, item_id: str
    ) -> PendingFunctionCall:
        """Record a call that the model proposes; `item_id` is the call's id in what the model reads. A call
        of an unknown function fails later."""
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
        self._approvals.open(call)
        return call

    async def announce(self, calls: Iterable[PendingFunctionCall]) -> None:
        """Tell the pages about proposed calls."""
        await self._approvals.announce(calls)

    async def carry_out(self, call: PendingFunctionCall) -> str:
        """Wait for the decision, make the call if it is approved, and return what the model reads.

        Raises:
            SignInRequiredError: the person's session gives no token any more.
        """
        try:
            decision = await self._approvals.decision(call)
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
        """End a call whose answer was stopped. If another process takes the conversation over, a call that
        waits for the person stays open."""
        if call.status in ("approved", "running"):
            self._done(call, "cancelled")
        elif call.status == "proposed" and not self._state.leaving:
            self._approvals.settle(call, Decision(False, "stop", call.arguments))
            self._done(call, "declined")

    async def call_tool(self, call: PendingFunctionCall, arguments: dict[str, Any]) -> types.CallToolResult:
        """Call a tool at its server. This is the one place where approval is enforced.

        Raises:
            NotApprovedError: the call is not approved with these arguments in this conversation.
            UnknownToolError: its server does not offer the tool.
            BridgeError: the server cannot be reached, or refuses.
        """
        if (
            self._state.calls.get(call.call_id) is not call
            or call.status != "approved"
            or call.approved_hash != arguments_hash(arguments)
        ):
            raise NotApprovedError(call.tool)
        server, tool = self.find(call.function)
        if server is None or tool is None:
            raise UnknownToolError(call.tool)
        if (server.settings.name, tool.name) != (call.server, call.tool):
            raise NotApprovedError(call.tool)
        by_mode, questions = call.decided_by == "mode", server.questions
        call.status, call.started_at = "running", self._clock()
        call.unasked = (by_mode and not server.settings.asks) or None
        self._publish("tool.started", {"call_id": call.call_id, "started_at": call.started_at})

        async def progress(progress: float, total: float | None, message: str | None) -> None:
            call.progress = {"progress": progress, "total": total, "message": message}
            told: ToolProgress = {"call_id": call.call_id, **call.progress}
            self._publish("tool.progress", told)

        approved_here = call.decided_by in ("user", "grant")
        meta = {APPROVED_META: True} if approved_here else None
        try:
            return await self.step_ups.run(
                call, server, lambda: server.call_tool(tool.name, arguments, progress, meta)
            )
        finally:
            call.unasked = (by_mode and server.questions == questions) or None

    async def _make(self, call: PendingFunctionCall, decision: Decision) -> str:
        """Make an approved call, and return what the model reads of its result or failure."""
        if call.recovered and (reason := await self._changed_since_shown(call)) is not None:
            return self._not_made(call, reason)
        try:
            with trace_tool_call(call.function):
                text = _taken(call, await self.call_tool(call, decision.arguments))
        except Exception as error:  # noqa: BLE001 - the call's boundary: person and model are told
            return self._failed(call, error)
        self._done(call, "done")
        return _note_of(call) + text

    async def _changed_since_shown(self, call: PendingFunctionCall) -> str | None:
        """Return why a call that another process proposed cannot be made as the person saw it."""
        try:
            await self._servers.refresh()
        except SignInRequiredError:
            self._done(call, "cancelled")
            raise
        self._servers.plugins()  # brings what `find` finds up to date
        server, tool = self.find(call.function)
        if server is not None and (absence := _absence_of(server)) is not None:
            return absence
        same = tool is not None and _definition_hash(tool) == call.definition_hash
        return None if same else CHANGED

    def _ends_session(self, call: PendingFunctionCall, error: SignInRequiredError) -> bool:
        """Mark a call's server as needing a sign-in; tell whether that ends the person's session."""
        server = self._servers.named(call.server)
        if server is None:
            return False
        server.needs_sign_in(error)
        return self._servers.ends_session(server)

    def _unavailable(self, name: str, error: ServerUnavailableError) -> str:
        """Return what happened at a server, which the person knows by its title."""
        server = self._servers.named(name)
        title = (server.settings.title if server else None) or name
        if not error.outcome_is_unknown:
            return f"{title}: {translated(str(error))}"
        return _(
            "Connection to {server} lost. The tool may or may not have finished; check before trying again."
        ).format(server=title)

    def _not_made(self, call: PendingFunctionCall, reason: str) -> str:
        call.content = [{"type": "text", "text": _(reason)}]
        self._done(call, "failed")
        return said_of(call)

    def _failed(self, call: PendingFunctionCall, error: Exception) -> str:
        if isinstance(error, SignInRequiredError) and self._ends_session(call, error):
            self._done(call, "cancelled")
            raise error
        server = self._servers.named(call.server)
        absence = _absence_of(server) if server is not None and isinstance(error, UnknownToolError) else None
        if absence is not None:
            text = _(absence)
        elif isinstance(error, ServerUnavailableError):
            text = self._unavailable(call.server, error)
        else:
            text = _reason(call, error)
        if not call.content:
            call.content = [{"type": "text", "text": text}]
        self._done(call, "failed")
        return f"{_note_of(call)}Error: {text}"

    def _done(self, call: PendingFunctionCall, status: Any) -> None:
        if call.status in ("done", "failed", "cancelled"):
            return
        call.status = status
        count_tool_call(call.tool, call.server, status)
        if call.started_at is not None:
            call.duration_ms = round((self._clock() - call.started_at) * 1000)
        self._publish("tool.done", ended_payload(call))


def _absence_of(server: McpServer) -> str | None:
    """Return why a call of a server whose tools are not known is not made; None if they are."""
    if server.listed is not None:
        return None
    return SIGNED_OUT if server.status == "sign_in" else AWAY


def _taken(call: PendingFunctionCall, result: types.CallToolResult) -> str:
    """Put a result into its call for the page, and return its text for the model.

    Raises:
        ToolFailedError: the result is an error.
    """
    call.content, call.truncated = content_json(result)
    call.structured = structured_json(result)
    text = result_text(result, _KEPT, shown=shown_parts(result))
    if result.isError:
        raise ToolFailedError(call.tool, text)
    return text


def ended_payload(call: PendingFunctionCall) -> ToolDone:
    """Return the payload of `tool.done` for a call that has ended."""
    ended: ToolDone = {
        "call_id": call.call_id,
        "status": call.status,
        "duration_ms": call.duration_ms or 0,
        "content": call.content or [],
        "truncated": call.truncated,
    }
    if call.structured is not None:
        ended["structured"] = call.structured
    if call.unasked is not None:
        ended["unasked"] = call.unasked
    if call.refused is not None:
        ended["refused"] = call.refused
    return ended


def said_of(call: PendingFunctionCall) -> str:
    """Return what the model reads of a call that has ended, from the fields of the call."""
    text = "\n".join(part["text"] for part in call.content or () if part.get("type") == "text")
    match call.status:
        case "declined":
            return _reason_not_run(call)
        case "done":
            return _note_of(call) + text
        case "failed":
            return f"{_note_of(call)}Error: {text}"
    return CANCELLED


def _note_of(call: PendingFunctionCall) -> str:
    """Return the line that tells the model that the person changed the arguments, or ""."""
    return edited_note(to_json(call.arguments)) if call.edited else ""


def _reason_not_run(call: PendingFunctionCall) -> str:
    """Return what the model reads of a call that was not approved. A timeout and a stop are not presented as
    the person's decision."""
    if call.decided_by == "timeout":
        return f"There was no answer in time, so {call.tool} was not run."
    if call.decided_by == "stop":
        return f"The answer was stopped, so {call.tool} was not run."
    return DECLINED + (f" Their reason: {call.reason}" if call.reason else "")


def _reason(call: PendingFunctionCall, error: Exception) -> str:
    """Return why a call has failed, in words for the model and the person."""
    match error:
        case ToolFailedError():
            return error.text
        case BridgeError():
            return translated(str(error))
        case NotApprovedError():
            return _("This call was not made: it is not the one that was approved.")
        case UnknownToolError():
            return _("There is no tool {tool}.").format(tool=call.tool)
    _log.warning("a tool call failed in this process: %s", type(error).__name__)
    if call.started_at is None:
        return _("This call was not made: something went wrong.")
    return _("Something went wrong after the call was made. It is not known whether it was completed.")


def _definition_hash(tool: types.Tool) -> str:
    """Return the digest of a tool's current definition; see `PendingFunctionCall.definition_hash`."""
    return arguments_hash(dict(enumerate(_described(tool, tool.name).values())))


def _described(tool: types.Tool | None, function: str) -> dict[str, Any]:
    """Return a tool's definition; its values are in the order that `definition_hash` has them in."""
    if tool is None:
        return {"title": function, "description": "", "input_schema": {}, "annotations": None}
    annotations = tool.annotations
    return {
        "title": tool.title or (annotations and annotations.title) or tool.name,
        "description": tool.description or "",
        "input_schema": tool.inputSchema,
        "annotations": annotations.model_dump(exclude_none=True) if annotations else None,
    }
