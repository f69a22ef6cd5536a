"""The events of a conversation and their payloads, in one place (docs/chat-protocol.md).

`EVENTS` maps each event's name to the shape of its payload. `tests/page_types/generate.py` turns the shapes
into `events.d.ts`, which the page's modules are checked against, and the tests check every event that they
receive against the shapes. Every payload has the members of `CommonPayload`, too. Times are in seconds since
1970, by the server's clock.
"""

from typing import Any, Final, Literal, NotRequired, TypedDict

__all__ = ["EVENTS", "CommonPayload", "EventName", "EventPayload"]

CallState = Literal["proposed", "approved", "running", "done", "failed", "declined", "cancelled"]
Mode = Literal["manual", "elicitation"]
Trigger = Literal["message", "regenerate", "retry", "continue", "resume"]
Action = Literal["accept", "decline", "cancel", "expired"]
Resolver = Literal["user", "timeout", "stop", "server", "restart"]


class CommonPayload(TypedDict):
    """The members that every payload has."""

    v: Literal[1]
    chat_id: str
    run_id: str | None
    at: float


class UserView(TypedDict):
    """The signed-in person."""

    name: str
    username: str


class ServerView(TypedDict):
    """An MCP server. `left_out` names the tools that the model does not get."""

    name: str
    title: str
    status: Literal["connecting", "ready", "down", "sign_in"]
    tools: int
    message: NotRequired[str]
    left_out: NotRequired[list[str]]
    sign_in_url: NotRequired[str]


class ModelView(TypedDict):
    """The model that answers."""

    name: str
    offline: bool


class FailureView(TypedDict):
    """An error; `retry_after` is in seconds."""

    code: str
    message: str
    retryable: bool
    retry_after: NotRequired[int]


class AttachmentView(TypedDict):
    """A resource that the person attached to a message."""

    server: str
    uri: str
    name: str


class PromptView(TypedDict):
    """A prompt that a message came from."""

    server: str
    name: str


class MessageView(TypedDict):
    """A message. `html` is sanitised; a person's message has none. `calls` holds the ids of tool calls."""

    message_id: str
    role: Literal["user", "assistant"]
    text: str
    html: str
    at: float
    calls: list[str]
    stable: NotRequired[str]
    finish_reason: NotRequired[str]
    usage: NotRequired[dict[str, int]]
    attachments: NotRequired[list[AttachmentView]]
    prompt: NotRequired[PromptView]
    left_out: NotRequired[Literal["content_filter"]]


class ContentView(TypedDict):
    """One part of a tool's result; the other members depend on `type`. `data` is base64."""

    type: Literal["text", "image", "resource", "link", "unsupported"]
    text: NotRequired[str]
    mime_type: NotRequired[str | None]
    data: NotRequired[str]
    uri: NotRequired[str]
    name: NotRequired[str]


class ProgressView(TypedDict):
    """How far a tool call is."""

    progress: float
    total: float | None
    message: str | None


class CallView(TypedDict):
    """A tool call. `args_hash` identifies the arguments that a decision is about."""

    call_id: str
    batch_id: str
    message_id: str
    server: str
    tool: str
    title: str
    description: str
    arguments: dict[str, Any]
    args_hash: str
    input_schema: dict[str, Any]
    status: CallState
    annotations: NotRequired[dict[str, Any]]
    expires_at: NotRequired[float]
    started_at: NotRequired[float]
    duration_ms: NotRequired[int]
    progress: NotRequired[ProgressView]
    content: NotRequired[list[ContentView]]
    structured: NotRequired[Any]
    truncated: NotRequired[bool]
    decided_by: NotRequired[str]
    reason: NotRequired[str]
    unasked: NotRequired[bool]


class ElicitationView(TypedDict):
    """A server's question: a form with `fields`, or a `url` to visit."""

    elicitation_id: str
    server: str
    message: str
    expires_at: float
    mode: Literal["form", "url"]
    call_id: NotRequired[str]
    fields: NotRequired[list[dict[str, Any]]]
    url: NotRequired[str]
    host: NotRequired[str]
    warnings: NotRequired[list[str]]


class SamplingView(TypedDict):
    """A server's request to use the model with `messages`, each of which has a role and a text."""

    sampling_id: str
    server: str
    messages: list[dict[str, str]]
    max_tokens: int
    expires_at: float
    system_prompt: NotRequired[str]


class GrantView(TypedDict):
    """A tool that the person allowed for the whole conversation."""

    server: str
    tool: str


class RunView(TypedDict):
    """The answer that is being written. `asked_at` is when the model was asked last."""

    run_id: str
    status: Literal["running"]
    trigger: Trigger
    message_id: NotRequired[str]
    asked_at: NotRequired[float]


class StateView(TypedDict):
    """The whole state of a conversation."""

    user: UserView
    servers: list[ServerView]
    mode: Mode
    model: ModelView
    title: str
    messages: list[MessageView]
    run: RunView | None
    calls: list[CallView]
    elicitations: list[ElicitationView]
    samplings: list[SamplingView]
    grants: list[GrantView]


class Snapshot(StateView):
    """The state, the number of the last event that it includes, and the server's time."""

    seq: int
    server_now: float


class WholeMessage(TypedDict):
    """A message of the person, or a finished one of the model."""

    message: MessageView


class MessageDelta(TypedDict):
    """More text of a message. `offset` counts the characters sent before; `html` replaces that of the last
    block, `stable` is appended to the finished blocks."""

    message_id: str
    offset: int
    text: str
    html: str
    stable: NotRequired[str]


class MessageLeftOut(TypedDict):
    """The model is no longer sent a message, or is sent it again (None)."""

    message_id: str
    reason: Literal["content_filter"] | None


class RunStarted(TypedDict):
    """An answer begins; messages below `after` are dropped."""

    trigger: Trigger
    after: NotRequired[str]


class RunDone(TypedDict):
    """An answer has ended."""

    status: str
    error: NotRequired[FailureView]
    usage: NotRequired[dict[str, int] | None]


class ToolProposed(TypedDict):
    """The model wants to call a tool. `by`: mode or grant decides it, and the person is not asked."""

    call: CallView
    by: NotRequired[str]


class ToolDecided(TypedDict):
    """A call was approved or declined."""

    call_id: str
    decision: CallState
    by: str
    edited: bool
    arguments: dict[str, Any]
    reason: NotRequired[str]


class ToolStarted(TypedDict):
    """An approved call was sent."""

    call_id: str
    started_at: float


class ToolProgress(ProgressView):
    """A call goes on."""

    call_id: str


class ToolDone(TypedDict):
    """A call has ended. `unasked`: it ran in Elicitation mode and the person was not asked."""

    call_id: str
    status: CallState
    duration_ms: int
    content: list[ContentView]
    truncated: bool
    structured: NotRequired[Any]
    unasked: NotRequired[bool]


class ElicitationRequested(TypedDict):
    """A server asks the person."""

    elicitation: ElicitationView


class ElicitationResolved(TypedDict):
    """A server's question has ended."""

    elicitation_id: str
    action: Action
    by: Resolver


class SamplingRequested(TypedDict):
    """A server asks to use the model."""

    sampling: SamplingView


class SamplingResolved(TypedDict):
    """A server's request to use the model has ended."""

    sampling_id: str
    decision: Literal["approve", "decline"]


class ModeChanged(TypedDict):
    """The approval mode has changed."""

    mode: Mode


class GrantsChanged(TypedDict):
    """The grants have changed."""

    grants: list[GrantView]


class ServersChanged(TypedDict):
    """The state of a server has changed."""

    servers: list[ServerView]


class CatalogChanged(TypedDict):
    """Prompts or resources have changed: the page fetches them again."""


class TitleChanged(TypedDict):
    """The conversation has another title."""

    title: str


class SessionExpired(TypedDict):
    """The session of this page has ended. Sent to its pages only, as the last event."""

    reason: str
    sign_in_url: str


class Toast(TypedDict):
    """A notice for the person."""

    level: Literal["info", "warning", "error"]
    code: str
    message: str
    retryable: bool


EventName = Literal[
    "snapshot", "message.added", "message.delta", "message.done", "message.left_out", "run.started",
    "run.done", "tool.proposed", "tool.decided", "tool.started", "tool.progress", "tool.done",
    "elicitation.requested", "elicitation.resolved", "sampling.requested", "sampling.resolved",
    "mode.changed", "grants.changed", "servers.changed", "catalog.changed", "title.changed",
    "session.expired", "toast",
]  # fmt: skip

EventPayload = (
    Snapshot | WholeMessage | MessageDelta | MessageLeftOut | RunStarted | RunDone | ToolProposed
    | ToolDecided | ToolStarted | ToolProgress | ToolDone | ElicitationRequested | ElicitationResolved
    | SamplingRequested | SamplingResolved | ModeChanged | GrantsChanged | ServersChanged | CatalogChanged
    | TitleChanged | SessionExpired | Toast
)  # fmt: skip

EVENTS: Final[dict[EventName, type]] = {
    "snapshot": Snapshot,
    "message.added": WholeMessage,
    "message.delta": MessageDelta,
    "message.done": WholeMessage,
    "message.left_out": MessageLeftOut,
    "run.started": RunStarted,
    "run.done": RunDone,
    "tool.proposed": ToolProposed,
    "tool.decided": ToolDecided,
    "tool.started": ToolStarted,
    "tool.progress": ToolProgress,
    "tool.done": ToolDone,
    "elicitation.requested": ElicitationRequested,
    "elicitation.resolved": ElicitationResolved,
    "sampling.requested": SamplingRequested,
    "sampling.resolved": SamplingResolved,
    "mode.changed": ModeChanged,
    "grants.changed": GrantsChanged,
    "servers.changed": ServersChanged,
    "catalog.changed": CatalogChanged,
    "title.changed": TitleChanged,
    "session.expired": SessionExpired,
    "toast": Toast,
}
"""The payload's shape of each event."""
