"""The events of a conversation and their payloads, in one place (docs/chat-protocol.md).

`EVENTS` maps each event's name to the shape of its payload, which is made of the shapes in `views.py`.
`tests/page_types/generate.py` turns all of them into `events.d.ts`, which the page's modules are checked
against, and the tests check every event that they receive against the shapes. Every payload has the members
of `CommonPayload`, too. Times are in seconds since 1970, by the server's clock.
"""

from collections.abc import Callable
from typing import Any, Final, Literal, NotRequired, TypedDict

from mcpsecurity_webclient.chat.views import (
    Action,
    CallState,
    CallView,
    ContentView,
    ContextView,
    ElicitationView,
    FailureView,
    Feedback,
    ForkView,
    GrantView,
    MessageView,
    Mode,
    ModelView,
    ProgressView,
    QueuedView,
    Refusal,
    Resolver,
    SamplingView,
    ServerView,
    SignInView,
    StateView,
    ToolRef,
    Trigger,
)


class CommonPayload(TypedDict):
    """The members that every payload has."""

    v: Literal[1]
    chat_id: str
    run_id: str | None
    at: float


class Snapshot(StateView):
    """The state, the number of the last event that it includes, and the server's time."""

    seq: int
    server_now: float


class WholeMessage(TypedDict):
    """A message of the person, or a finished one of the model."""

    message: MessageView


class MessageDelta(TypedDict):
    """More text of a message. `offset` counts the characters sent before; `html` replaces that of the last
    block, `stable` is appended to the finished blocks. `reset`: earlier text is not part of the answer."""

    message_id: str
    offset: int
    text: str
    html: str
    stable: NotRequired[str]
    reset: NotRequired[bool]


class MessageLeftOut(TypedDict):
    """The model is no longer sent a message, or is sent it again (None)."""

    message_id: str
    reason: Literal["content_filter"] | None


class BranchChanged(TypedDict):
    """Another version is open: what stood after the message `after` is replaced by `messages` and `calls`."""

    after: str | None
    messages: list[MessageView]
    calls: list[CallView]
    forks: list[ForkView]


class MessageFeedback(TypedDict):
    """What the person thinks of an answer."""

    message_id: str
    feedback: Feedback | None


class QueueChanged(TypedDict):
    """The messages that wait for the end of the answer, in their order."""

    queue: list[QueuedView]


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


class ToolSignInNeeded(TypedDict):
    """A running call waits until the person has signed in for what its server asks for."""

    call_id: str
    sign_in: SignInView


class ToolProgress(ProgressView):
    """A call goes on."""

    call_id: str


class ToolDone(TypedDict):
    """A call has ended. `unasked`: it ran in Elicitation mode and the person was not asked. `refused`: how
    the person refused the last question of its server."""

    call_id: str
    status: CallState
    duration_ms: int
    content: list[ContentView]
    truncated: bool
    structured: NotRequired[Any]
    unasked: NotRequired[bool]
    refused: NotRequired[Refusal]


class RequestExtended(TypedDict):
    """The person has more time to decide or answer."""

    kind: Literal["call", "elicitation", "sampling"]
    id: str
    expires_at: float


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


class ModelChanged(TypedDict):
    """Another model answers from now on."""

    model: ModelView


class ContextChanged(TypedDict):
    """The model was sent another part of the conversation, or has written a note."""

    context: ContextView


class GrantsChanged(TypedDict):
    """The grants have changed."""

    grants: list[GrantView]


class ServersChanged(TypedDict):
    """The state of a server has changed."""

    servers: list[ServerView]


class ToolsChanged(TypedDict):
    """The person has turned tools on or off; `off` lists those that are off now."""

    off: list[ToolRef]


class CatalogChanged(TypedDict):
    """Prompts or resources have changed: the page fetches them again."""


class TitleChanged(TypedDict):
    """The conversation has another title."""

    title: str


class SessionExpired(TypedDict):
    """The session of this page has ended. Sent to its pages only, as the last event."""

    reason: str
    sign_in_url: str


class ChatsChanged(TypedDict):
    """The person's list of conversations has changed: the page fetches it again. It has no place in the order
    of a conversation's events."""


class Toast(TypedDict):
    """A notice for the person."""

    level: Literal["info", "warning", "error"]
    code: str
    message: str
    retryable: bool


EventName = Literal[
    "snapshot", "message.added", "message.delta", "message.done", "message.left_out", "message.feedback",
    "branch.changed", "queue.changed", "run.started",
    "run.done", "tool.proposed", "tool.decided", "tool.started", "tool.sign_in_needed", "tool.progress",
    "tool.done", "request.extended", "elicitation.requested", "elicitation.resolved", "sampling.requested",
    "sampling.resolved", "mode.changed", "model.changed", "context.changed", "grants.changed",
    "tools.changed", "servers.changed", "catalog.changed", "title.changed", "session.expired",
    "chats.changed", "toast",
]  # fmt: skip

EventPayload = (
    Snapshot | WholeMessage | MessageDelta | MessageLeftOut | MessageFeedback | BranchChanged
    | QueueChanged | RunStarted | RunDone | ToolProposed
    | ToolDecided | ToolStarted | ToolSignInNeeded | ToolProgress | ToolDone | RequestExtended
    | ElicitationRequested | ElicitationResolved | SamplingRequested | SamplingResolved | ModeChanged
    | ModelChanged | ContextChanged | GrantsChanged | ToolsChanged | ServersChanged | CatalogChanged
    | TitleChanged | SessionExpired | ChatsChanged | Toast
)  # fmt: skip

Publish = Callable[[EventName, EventPayload], None]
"""Gives an event to every page of a conversation."""

EVENTS: Final[dict[EventName, type]] = {
    "snapshot": Snapshot,
    "message.added": WholeMessage,
    "message.delta": MessageDelta,
    "message.done": WholeMessage,
    "message.left_out": MessageLeftOut,
    "message.feedback": MessageFeedback,
    "branch.changed": BranchChanged,
    "queue.changed": QueueChanged,
    "run.started": RunStarted,
    "run.done": RunDone,
    "tool.proposed": ToolProposed,
    "tool.decided": ToolDecided,
    "tool.started": ToolStarted,
    "tool.sign_in_needed": ToolSignInNeeded,
    "tool.progress": ToolProgress,
    "tool.done": ToolDone,
    "request.extended": RequestExtended,
    "elicitation.requested": ElicitationRequested,
    "elicitation.resolved": ElicitationResolved,
    "sampling.requested": SamplingRequested,
    "sampling.resolved": SamplingResolved,
    "mode.changed": ModeChanged,
    "model.changed": ModelChanged,
    "context.changed": ContextChanged,
    "grants.changed": GrantsChanged,
    "tools.changed": ToolsChanged,
    "servers.changed": ServersChanged,
    "catalog.changed": CatalogChanged,
    "title.changed": TitleChanged,
    "session.expired": SessionExpired,
    "chats.changed": ChatsChanged,
    "toast": Toast,
}
"""The payload's shape of each event."""

LISTED_AFTER: Final[frozenset[EventName]] = frozenset(
    {
        "message.added", "run.done", "title.changed", "tool.proposed", "tool.decided",
        "elicitation.requested", "elicitation.resolved", "sampling.requested", "sampling.resolved",
    }
)  # fmt: skip
"""The events after which a conversation is another in the person's list."""
