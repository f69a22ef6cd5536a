"""The shapes of what a page shows of a conversation, which events carry (docs/chat-protocol.md).

Times are in seconds since 1970, by the server's clock.
"""

from typing import Any, Literal, NotRequired, TypedDict

from mcpsecurity_webclient.server_settings import GrantScope

CallState = Literal["proposed", "approved", "running", "done", "failed", "declined", "cancelled"]
Feedback = Literal["up", "down"]
Mode = Literal["manual", "elicitation"]
Trigger = Literal["message", "regenerate", "retry", "continue", "resume"]
Action = Literal["accept", "decline", "cancel", "expired"]
Refusal = Literal["decline", "cancel"]
Resolver = Literal["user", "timeout", "stop", "server", "restart"]


class ForkView(TypedDict):
    """A place with several versions: after the message `after` (None: the beginning), the one with the number
    `open` is shown, `of` so many."""

    after: str | None
    open: int
    of: int


class UserView(TypedDict):
    """The signed-in person."""

    name: str
    username: str


class ToolView(TypedDict):
    """A tool that the model gets."""

    name: str
    title: str
    description: str


class ServerView(TypedDict):
    """An MCP server. `tools` is the number of its tools, `offers` are the first of them; `left_out` names
    those that the model cannot get, `searched` counts those that it looks for when it needs them.
    `signed_in`: the person has signed in for this server by itself, and can sign out of it."""

    name: str
    title: str
    status: Literal["connecting", "ready", "down", "sign_in", "key_refused"]
    tools: int
    offers: list[ToolView]
    message: NotRequired[str]
    left_out: NotRequired[list[str]]
    searched: NotRequired[int]
    sign_in_url: NotRequired[str]
    signed_in: NotRequired[bool]


class ToolRef(TypedDict):
    """A tool of a server, or the whole server."""

    server: str
    tool: NotRequired[str]


class ModelView(TypedDict):
    """A model. `images`: it sees pictures. `instead_of` is the name of the model that was chosen for the
    conversation and is not offered any more."""

    name: str
    title: str
    offline: bool
    images: bool
    instead_of: NotRequired[str]


class NoteView(TypedDict):
    """The model's note of the first `messages` messages, which it is not sent any more; the last of them has
    the id `message_id`. `turns` is for the server's own use. Without `model` no model wrote it."""

    text: str
    turns: int
    messages: int
    message_id: str
    at: float
    model: NotRequired[str]


class ContextView(TypedDict):
    """What the model was sent last: `used` tokens of its `window`, and how many results as excerpts. The
    window is `guessed` if nothing tells it: then its share says nothing."""

    window: int
    used: int
    shortened: int
    guessed: NotRequired[bool]
    note: NotRequired[NoteView]


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


class FileView(TypedDict):
    """A file that the person attached to a message; `mime_type` as its bytes say it, `size` in bytes."""

    name: str
    mime_type: str
    size: int


class PromptView(TypedDict):
    """A prompt that a message came from."""

    server: str
    name: str


class QueuedView(TypedDict):
    """A message of the person that is sent when the answer that is being written has ended."""

    message_id: str
    text: str
    attachments: NotRequired[list[AttachmentView]]
    files: NotRequired[list[FileView]]
    prompt: NotRequired[PromptView]


class MessageView(TypedDict):
    """A message. `html` is sanitised; a person's message has none. `calls` are the ids of tool calls,
    `model` is the name that the model gave itself."""

    message_id: str
    role: Literal["user", "assistant"]
    text: str
    html: str
    at: float
    calls: list[str]
    stable: NotRequired[str]
    finish_reason: NotRequired[str]
    model: NotRequired[str]
    usage: NotRequired[dict[str, int]]
    attachments: NotRequired[list[AttachmentView]]
    files: NotRequired[list[FileView]]
    prompt: NotRequired[PromptView]
    left_out: NotRequired[Literal["content_filter"]]
    feedback: NotRequired[Feedback]


class ContentView(TypedDict):
    """One part of a tool's result; the other members depend on `type`. `data` is base64. `size`, in bytes,
    is there for what is too large to be shown."""

    type: Literal["text", "image", "audio", "resource", "link", "unsupported"]
    text: NotRequired[str]
    mime_type: NotRequired[str | None]
    data: NotRequired[str]
    uri: NotRequired[str]
    name: NotRequired[str]
    size: NotRequired[int]


class ProgressView(TypedDict):
    """The progress of a tool call."""

    progress: float
    total: float | None
    message: str | None


class SignInView(TypedDict):
    """What a call waits for: the address of the sign-in, and why. `expires_at` ends the wait."""

    url: str
    kind: Literal["scope", "claims"]
    expires_at: float


class CallView(TypedDict):
    """A tool call. `args_hash` identifies the arguments that a decision is about; the person can move
    `expires_at` up to `latest_at`. `grantable` are the scopes in which the person can allow the tool from now
    on, `refused` is how she refused the last question of its server."""

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
    latest_at: NotRequired[float]
    started_at: NotRequired[float]
    duration_ms: NotRequired[int]
    progress: NotRequired[ProgressView]
    content: NotRequired[list[ContentView]]
    structured: NotRequired[Any]
    truncated: NotRequired[bool]
    decided_by: NotRequired[str]
    reason: NotRequired[str]
    unasked: NotRequired[bool]
    refused: NotRequired[Refusal]
    edited: NotRequired[bool]
    grantable: NotRequired[list[GrantScope]]
    sign_in: NotRequired[SignInView]


class ElicitationView(TypedDict):
    """A server's question: a form with `fields`, or a `url` to visit."""

    elicitation_id: str
    server: str
    message: str
    expires_at: float
    latest_at: float
    mode: Literal["form", "url"]
    call_id: NotRequired[str]
    fields: NotRequired[list[dict[str, Any]]]
    url: NotRequired[str]
    host: NotRequired[str]
    warnings: NotRequired[list[str]]


class SamplingView(TypedDict):
    """A server's request to use the model with `messages`, each of which has a role and a text. `too_long`:
    it is longer than what the model of the conversation reads for one answer."""

    sampling_id: str
    server: str
    messages: list[dict[str, str]]
    max_tokens: int
    expires_at: float
    latest_at: float
    system_prompt: NotRequired[str]
    too_long: NotRequired[bool]


class GrantView(TypedDict):
    """A tool that runs without asking: in this conversation (chat), always (person), or always with these
    `arguments`, which `args_hash` identifies."""

    server: str
    tool: str
    scope: GrantScope
    arguments: NotRequired[dict[str, Any]]
    args_hash: NotRequired[str]


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
    models: list[ModelView]
    context: ContextView
    title: str
    messages: list[MessageView]
    run: RunView | None
    calls: list[CallView]
    elicitations: list[ElicitationView]
    samplings: list[SamplingView]
    grants: list[GrantView]
    tools_off: list[ToolRef]
    forks: list[ForkView]
    queue: list[QueuedView]
