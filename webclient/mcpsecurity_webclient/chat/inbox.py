"""Takes the person's messages: each is saved before a page is told that it was taken."""

import secrets
from collections.abc import Callable
from typing import Any

from mcpsecurity_webclient.chat.agent.runs import Runs
from mcpsecurity_webclient.chat.locales import UNKNOWN, PersonLocale
from mcpsecurity_webclient.chat.mcp.servers import McpServers
from mcpsecurity_webclient.chat.models import Message
from mcpsecurity_webclient.chat.persistence.autosave import ConversationSaver
from mcpsecurity_webclient.chat.state import ConversationState
from mcpsecurity_webclient.chat.tools.approvals import Publish
from mcpsecurity_webclient.chat.user_message import Turns, composed, message_id_of
from mcpsecurity_webclient.errors import BusyError

__all__ = ["Inbox"]

_TITLE = 60


class Inbox:
    """Takes the messages of one conversation, and begins their answers."""

    def __init__(
        self,
        state: ConversationState,
        servers: McpServers,
        runs: Runs,
        saver: ConversationSaver,
        publish: Publish,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._state = state
        self._servers = servers
        self._runs = runs
        self._saver = saver
        self._publish = publish
        self._clock = clock
        self._taking = False  # a message is being saved

    @property
    def busy(self) -> bool:
        """Whether an answer is being written, or a message is being taken."""
        return self._state.run is not None or self._taking

    async def begin(
        self,
        text: str,
        *,
        attachments: list[dict[str, str]] | None = None,
        prompt: dict[str, Any] | None = None,
        request_id: str | None = None,
        locale: PersonLocale = UNKNOWN,
    ) -> tuple[str | None, str]:
        """Take a person's message and start answering; see `ChatService.begin`."""
        message_id = message_id_of(self._state.chat_id, request_id or secrets.token_urlsafe(9))
        if not self._taking and any(said.message_id == message_id for said in self._state.messages):
            return self._run_of(message_id), message_id
        self.must_be_idle()
        said, turns = await composed(self._servers, message_id, text, attachments, prompt)
        self.must_be_idle()
        said.at, self._state.locale = self._clock(), locale
        await self._take(said, turns)
        self._publish("message.added", {"message": said.to_json()})
        self._take_title(said.text)
        return self._runs.start("message"), said.message_id

    def rename(self, title: str) -> None:
        """Give the conversation another title."""
        self._state.title = title[:_TITLE]
        self._publish("title.changed", {"title": self._state.title})

    def must_be_idle(self) -> None:
        """Raise `BusyError` if the conversation is busy."""
        if self.busy:
            raise BusyError

    def _run_of(self, message_id: str) -> str | None:
        """Return the run that answers a message; the last message gets one if it has none."""
        run = self._state.run
        if run is None and self._state.messages[-1].message_id == message_id:
            return self._runs.start("message")
        return run.run_id if run is not None else None

    async def _take(self, said: Message, turns: Turns) -> None:
        """Add the person's message: it is saved when this returns, and removed again if that fails."""
        transcript = self._state.transcript
        marks, length = transcript.marks(), len(transcript.turns)
        self._taking = True
        transcript.ask(turns)
        self._state.messages.append(said)
        self._state.updated_at = self._clock()
        try:
            await self._saver.save()
        except BaseException:
            self._state.messages.remove(said)
            transcript.undo(marks, length)
            raise
        finally:
            self._taking = False

    def _take_title(self, text: str) -> None:
        if sum(message.role == "user" for message in self._state.messages) == 1 and text:
            line = " ".join(text.split())
            self.rename(line if len(line) <= _TITLE else line[: _TITLE - 1] + "…")
