"""The shapes of commands (docs/chat-protocol.md). Another shape is refused before anything is done."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mcpsecurity_webclient.chat.models import ApprovalMode
from mcpsecurity_webclient.chat.views import Feedback
from mcpsecurity_webclient.server_settings import GrantScope

_Number = Annotated[int, Field(ge=0)]
_Choice = Literal["approve", "decline"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Command(_Strict):
    """The fields that every command may have. The same `client_request_id` from the same session is the same
    command."""

    client_request_id: str | None = Field(None, max_length=64)


class Attachment(_Strict):
    """A resource of a server."""

    server: str = Field(max_length=64)
    uri: str = Field(max_length=2048)
    name: str | None = Field(None, max_length=200)


class File(_Strict):
    """A file of the person; `data` is base64."""

    name: str = Field(max_length=300)
    data: str = Field(max_length=6_000_000)


class PromptUse(_Strict):
    """A prompt of a server with its arguments."""

    server: str = Field(max_length=64)
    name: str = Field(max_length=200)
    arguments: dict[str, str] = Field(default_factory=dict, max_length=50)


class NewMessage(Command):
    """A message of the person: text, a prompt, or both. `time_zone` is the browser's, like Europe/Zurich.
    With `queue` it waits while an answer is being written."""

    text: str = ""
    attachments: list[Attachment] = Field(default_factory=list, max_length=10)
    prompt: PromptUse | None = None
    files: list[File] = Field(default_factory=list, max_length=5)
    time_zone: str | None = Field(None, max_length=64)
    queue: bool = False


class SetMode(Command):
    """Who asks before a tool runs."""

    mode: ApprovalMode = Field(strict=False)


class SetModel(Command):
    """Which model answers."""

    model: str = Field(max_length=64)


class Decide(Command):
    """The decision about a tool call; `args_hash` names the arguments the person saw."""

    decision: _Choice
    args_hash: str = Field(max_length=64)
    reason: str | None = Field(None, max_length=500)
    arguments: dict[str, Any] | None = None
    always: GrantScope | bool | None = None


class DecideBatch(Command):
    """One decision for all open calls of a batch."""

    decision: _Choice


class DecideSampling(Command):
    """Whether a server may use the model."""

    decision: _Choice


class Answer(Command):
    """The answer to a server's question."""

    action: Literal["accept", "decline", "cancel"]
    content: dict[str, Any] | None = None


class Revoke(Command):
    """A grant to take back; `args_hash` names the arguments of one with the scope `arguments`."""

    server: str = Field(max_length=64)
    tool: str = Field(max_length=1000)
    scope: GrantScope = "chat"
    args_hash: str = Field("", max_length=64)


class Pin(Command):
    """Whether the conversation is listed before those that are not pinned."""

    pinned: bool


class EditMessage(Command):
    """What a message says from now on; which of its files and attachments stay, from 0 (None: all)."""

    text: str
    files: list[_Number] | None = Field(None, max_length=20)
    attachments: list[_Number] | None = Field(None, max_length=20)
    time_zone: str | None = Field(None, max_length=64)


class OpenVersion(Command):
    """The version to open, counted from 1, of the messages after one (None: of all messages)."""

    after: str | None = Field(max_length=64)
    open: int = Field(ge=1)


class Rate(Command):
    """What the person thinks of an answer; None: nothing any more."""

    feedback: Feedback | None


class TurnTool(Command):
    """A tool of a server to turn on or off in the conversation, or without `tool` the whole server."""

    server: str = Field(max_length=64)
    tool: str = Field("", max_length=1000)
    on: bool


class Complete(Command):
    """The argument of a prompt or a resource template to complete; `values` are those so far."""

    server: str = Field(max_length=64)
    kind: Literal["prompt", "template"]
    of: str = Field(max_length=2048)
    name: str = Field(max_length=200)
    values: dict[str, Annotated[str, Field(max_length=2000)]] = Field(max_length=50)


class Rename(Command):
    """Another title."""

    title: str = Field(min_length=1, max_length=200)
