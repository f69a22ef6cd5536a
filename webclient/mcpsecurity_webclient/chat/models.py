"""The parts of a conversation and their JSON for the page (docs/chat-protocol.md)."""

import asyncio
import hashlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal, cast

from mcpsecurity.runtime.exact_decimals import dumps
from mcpsecurity_webclient.chat.files import AttachedFile
from mcpsecurity_webclient.chat.views import (
    CallState,
    CallView,
    ContentView,
    FailureView,
    Feedback,
    FileView,
    MessageView,
    ProgressView,
    QueuedView,
    Refusal,
    RunView,
    SignInView,
    ToolRef,
    Trigger,
    UserView,
)
from mcpsecurity_webclient.languages import gettext as _
from mcpsecurity_webclient.languages import marked
from mcpsecurity_webclient.server_settings import GrantScope
from mcpsecurity_webclient.store.conversations import Part

_MOST_FOUND = 200


class ApprovalMode(StrEnum):
    """Who asks the person before a tool runs: this client, or the MCP server by elicitation."""

    MANUAL = "manual"
    ELICITATION = "elicitation"


@dataclass(frozen=True, slots=True)
class User:
    """The signed-in person, as the chat shows her."""

    name: str
    username: str

    def to_json(self) -> UserView:
        """Return the page's view."""
        return {"name": self.name, "username": self.username}


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision about a call. `arguments` are those to call with; `edited`: the person changed them.
    `by` is user, grant, mode, timeout or stop."""

    approved: bool
    by: str
    arguments: dict[str, Any]
    reason: str | None = None
    edited: bool = False

    @property
    def outcome(self) -> CallState:
        """The status that the decision gives its call."""
        return "approved" if self.approved else "declined"

    def changes(self) -> dict[str, Any]:
        """Return the fields of the call that the decision changes, with their values."""
        return {
            "status": self.outcome,
            "arguments": self.arguments,
            "edited": self.edited or None,
            "approved_hash": arguments_hash(self.arguments) if self.approved else None,
            "decided_by": self.by,
            "reason": None if self.approved else self.reason,
        }


@dataclass(slots=True, kw_only=True)
class PendingFunctionCall:
    """A tool call that the model proposed, from its proposal to its end.
    `item_id` is its id in what the model reads. The call waits for `decision`; `deciding` holds a decision
    that is being saved, `limit` ends the wait. `recovered` says that another process proposed the call,
    `unasked` that it ran although neither this client nor the server asked the person, `edited` that its
    arguments are the person's, `refused` how the person refused the last question of its server. `grantable`
    are the scopes in which the person can allow the tool from now on.
    """

    call_id: str
    batch_id: str
    message_id: str
    server: str
    tool: str
    function: str
    title: str
    description: str
    arguments: dict[str, Any]
    input_schema: dict[str, Any]
    item_id: str = ""
    annotations: dict[str, Any] | None = None
    args_hash: str = ""
    approved_hash: str | None = None
    status: CallState = "proposed"
    expires_at: float | None = None
    latest_at: float | None = None
    started_at: float | None = None
    duration_ms: int | None = None
    progress: ProgressView | None = None
    content: list[ContentView] | None = None
    structured: Any = None
    truncated: bool = False
    decided_by: str | None = None
    reason: str | None = None
    unasked: bool | None = None
    refused: Refusal | None = None
    edited: bool | None = None
    grantable: list[GrantScope] | None = None
    sign_in: SignInView | None = None
    decision: asyncio.Future[Decision] | None = field(default=None, repr=False)
    deciding: Decision | None = field(default=None, repr=False)
    limit: asyncio.Timeout | None = field(default=None, repr=False)
    recovered: bool = False
    stored: Part | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.args_hash = arguments_hash(self.arguments)

    @property
    def settled(self) -> bool:
        """Whether the call was made, or declined by the person. A retry neither makes it nor asks about it
        again."""
        declined = self.status == "declined" and self.decided_by == "user"
        return declined or self.started_at is not None or self.status in ("done", "failed")

    @property
    def definition_hash(self) -> str:
        """A digest of how the server describes the tool."""
        described = (self.title, self.description, self.input_schema, self.annotations)
        return arguments_hash(dict(enumerate(described)))

    def to_json(self) -> CallView:
        """Return the page's view."""
        names = (
            "call_id", "batch_id", "message_id", "server", "tool", "title", "description", "arguments",
            "args_hash", "input_schema", "annotations", "status", "expires_at", "latest_at",
            "started_at", "duration_ms", "progress", "content", "structured", "truncated", "decided_by",
            "reason", "unasked", "refused", "edited", "grantable", "sign_in",
        )  # fmt: skip
        return cast("CallView", {n: value for n in names if (value := getattr(self, n)) is not None})


@dataclass(slots=True, kw_only=True)
class Message:
    """A message of the person or of the model. `html` is sanitised; a person's message has none.

    While it is being written `stable` is the HTML of its finished blocks and `html` that of the last one.
    `model` is the name that the model gave itself. `left_out` says why a person's message is not sent to the
    model: its content filter refused it.
    """

    message_id: str
    role: Literal["user", "assistant"]
    text: str = ""
    html: str = ""
    stable: str = ""
    at: float = field(default_factory=time.time)
    finish_reason: str | None = None
    model: str | None = None
    usage: dict[str, int] | None = None
    calls: list[str] = field(default_factory=list)
    attachments: list[dict[str, str]] | None = None
    files: list[FileView] | None = None
    prompt: dict[str, str] | None = None
    left_out: Literal["content_filter"] | None = None
    feedback: Feedback | None = None

    def to_json(self) -> MessageView:
        """Return the page's view."""
        shown = {each.name: getattr(self, each.name) for each in fields(self)} | {"calls": list(self.calls)}
        if not self.stable:
            del shown["stable"]
        return cast("MessageView", {name: value for name, value in shown.items() if value is not None})


@dataclass(frozen=True, kw_only=True)
class QueuedMessage:
    """A message of the person that waits for the end of the answer that is being written."""

    message_id: str
    text: str
    attachments: list[dict[str, str]] | None = None
    prompt: dict[str, Any] | None = None
    files: tuple[AttachedFile, ...] = ()

    @cached_property
    def stored(self) -> Part:
        """Its files as they are stored, made once: the rest of it is small and stored each time."""
        return Part("queued", self.message_id, {"files": [asdict(file) for file in self.files]})

    def to_json(self) -> QueuedView:
        """Return the page's view."""
        body: QueuedView = {"message_id": self.message_id, "text": self.text}
        if self.attachments:
            body["attachments"] = [
                {"server": a["server"], "uri": a["uri"], "name": a.get("name", a["uri"])}
                for a in self.attachments
            ]
        if self.prompt:
            body["prompt"] = {"server": self.prompt["server"], "name": self.prompt["name"]}
        if self.files:
            body["files"] = [file.to_json() for file in self.files]
        return body


@dataclass(slots=True)
class Run:
    """One attempt to answer: a task that belongs to the conversation, not to a connection. `stopped` tells
    whether the person has stopped it, `asked_at` is the time of the last request to the model."""

    run_id: str
    trigger: Trigger
    task: asyncio.Task[None] | None = None
    status: str = "running"
    stopped: bool = False
    message_id: str | None = None
    asked_at: float | None = None

    def to_json(self) -> RunView:
        """Return the page's view."""
        body: RunView = {"run_id": self.run_id, "status": "running", "trigger": self.trigger}
        if self.message_id:
            body["message_id"] = self.message_id
        if self.asked_at:
            body["asked_at"] = self.asked_at
        return body


@dataclass(slots=True)
class ToolChoice:
    """Which tools take part in a conversation. `off` has servers and tools that the person has turned off,
    a whole server with the tool "". `found` are tools that the model has looked for, the latest first."""

    off: set[tuple[str, str]] = field(default_factory=set)
    found: list[tuple[str, str]] = field(default_factory=list)

    def has(self, server: str, tool: str) -> bool:
        """Tell whether the person has left a tool on."""
        return not self.off & {(server, ""), (server, tool)}

    def turn(self, server: str, tool: str, *, on: bool) -> None:
        """Turn a tool on or off, or a whole server. With a tool its server is turned on, too."""
        if not on:
            self.off.add((server, tool))
            return
        self.off -= {(server, ""), (server, tool)}

    def remember(self, tools: Iterable[tuple[str, str]]) -> None:
        """Put tools that were found before those that were found earlier."""
        self.found = list(dict.fromkeys([*tools, *self.found]))[:_MOST_FOUND]

    def to_json(self) -> list[ToolRef]:
        """Return the tools that are off, as the page shows them."""
        return [{"server": s, "tool": tool} if tool else {"server": s} for s, tool in sorted(self.off)]


@dataclass(frozen=True, slots=True)
class Failure:
    """An error for the page: `retry_after` is in seconds."""

    code: str
    message: str
    retryable: bool
    retry_after: int | None = None

    def to_json(self) -> FailureView:
        """Return the page's view."""
        body: FailureView = {"code": self.code, "message": _(self.message), "retryable": self.retryable}
        if self.retry_after is not None:
            body["retry_after"] = self.retry_after
        return body


INTERRUPTED = Failure(
    "interrupted",
    marked("This answer was stopped before its end: the service was restarted."),
    retryable=True,
)


def arguments_hash(arguments: Mapping[Any, Any]) -> str:
    """Return a digest of the arguments, in any order. An approval holds for one digest."""
    canonical = dumps(arguments, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]
