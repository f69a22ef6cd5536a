"""The state of one conversation: a plain value that conversation, runs, tool calls and persistence share."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from semantic_kernel.contents import ChatHistory

from mcpsecurity.kernel.context.notes import ContextUse
from mcpsecurity_webclient.chat.branches import Fork, Parts, forks_json
from mcpsecurity_webclient.chat.locales import UNKNOWN, PersonLocale
from mcpsecurity_webclient.chat.models import (
    ApprovalMode,
    Message,
    PendingFunctionCall,
    QueuedMessage,
    Run,
    ToolChoice,
    User,
)
from mcpsecurity_webclient.chat.transcript import Transcript
from mcpsecurity_webclient.chat.views import ContextView, ForkView

UNTITLED = "New chat"
"""The title of a conversation in which nothing was said yet."""

SYSTEM = (
    "You are a helpful assistant in a web chat. Use the tools when they help. Tools run only when the person "
    "approves; when a call was declined, say so and go on without it. Answer briefly, in Markdown."
)


def _new_transcript() -> Transcript:
    return Transcript(ChatHistory(system_message=SYSTEM))


@dataclass(slots=True, kw_only=True)
class ConversationState:
    """Everything about a conversation that is saved or shown.

    `messages` and `calls` are what the page shows, `transcript` is what the model reads. `grants` maps
    server and tool to the digest of the definition that the person always approves. `choice` says which
    tools take part. `run` is the answer that is being written, `model` the name of the model that was
    chosen (None: the default one), `context` what the model was sent last, `locale` the person's with the
    last message, `pinned` whether it is listed before the others. `leaving` is set when another process
    takes the conversation over: requests that wait for the person then stay open.
    """

    chat_id: str
    user: User
    created_at: float
    updated_at: float
    model: str | None = None
    locale: PersonLocale = UNKNOWN
    title: str = UNTITLED
    mode: ApprovalMode = ApprovalMode.MANUAL
    messages: list[Message] = field(default_factory=list)
    calls: dict[str, PendingFunctionCall] = field(default_factory=dict)
    grants: dict[tuple[str, str], str] = field(default_factory=dict)
    transcript: Transcript = field(default_factory=_new_transcript)
    context: ContextUse = field(default_factory=ContextUse)
    choice: ToolChoice = field(default_factory=ToolChoice)
    forks: list[Fork] = field(default_factory=list)
    queue: list[QueuedMessage] = field(default_factory=list)
    run: Run | None = None
    pinned: bool = False
    leaving: bool = False

    @property
    def waiting(self) -> int:
        """The number of calls that wait for the person's decision. Safe to read in any thread."""
        return sum(call.status == "proposed" for call in list(self.calls.values()))

    @property
    def parts(self) -> Parts:
        """What the versions of the conversation consist of."""
        return self.messages, self.calls, self.transcript

    def forks_json(self) -> list[ForkView]:
        """Return the places with several versions as the page shows them."""
        return forks_json(self.forks, self.messages)

    def forget_calls(self, call_ids: Iterable[str]) -> None:
        """Remove calls whose message is no longer part of the conversation."""
        for call_id in call_ids:
            self.calls.pop(call_id, None)

    def drop_answer(self, *, settled: bool) -> None:
        """Remove the answer to the person's last message; see `Transcript.drop_answer` for `settled`."""
        self.forget_calls(self.transcript.drop_answer(self.messages, self.calls, settled=settled))

    def context_json(self) -> ContextView:
        """Return what the model was sent, as the page shows it."""
        use, note = self.context, self.transcript.note
        view: ContextView = {"window": use.window, "used": use.used, "shortened": use.shortened}
        if use.guessed:
            view["guessed"] = True
        if note is not None:
            view["note"] = note.to_json()
        return view

    def to_json(self) -> dict[str, Any]:
        """Return the conversation as the page shows it."""
        shown = {call_id for message in self.messages for call_id in message.calls}
        return {
            "user": self.user.to_json(),
            "mode": self.mode.value,
            "context": self.context_json(),
            "title": self.title,
            "messages": [message.to_json() for message in self.messages],
            "run": self.run.to_json() if self.run else None,
            "forks": self.forks_json(),
            "queue": [message.to_json() for message in self.queue],
            "tools_off": self.choice.to_json(),
            "calls": [call.to_json() for key, call in self.calls.items() if key in shown],
        }
