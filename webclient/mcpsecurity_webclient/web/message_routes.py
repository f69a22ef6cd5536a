"""The routes of messages: sent, edited, deleted, marked, and those that wait (docs/chat-protocol.md)."""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web

from mcpsecurity_webclient.chat.conversation import ChatService
from mcpsecurity_webclient.chat.editing import Kept
from mcpsecurity_webclient.chat.files import MOST_BYTES, read_file
from mcpsecurity_webclient.chat.locales import person_locale
from mcpsecurity_webclient.languages import gettext as _
from mcpsecurity_webclient.web import commands
from mcpsecurity_webclient.web.errors import ApiError


class Messages:
    """What a page does with messages. `check_runs` raises if the person has too many answers under way."""

    def __init__(self, max_message: int, check_runs: Callable[[web.Request], None]) -> None:
        self._max_message = max_message
        self._check_runs = check_runs

    async def send(
        self, chat: ChatService, body: commands.NewMessage, request: web.Request
    ) -> dict[str, Any]:
        """Take a message and begin its answer, or let it wait."""
        text = self._checked(body.text, may_be_empty=body.prompt is not None or bool(body.files))
        if chat.state.run is None:
            self._check_runs(request)
        files = await asyncio.to_thread(lambda: [read_file(file.name, file.data) for file in body.files])
        if sum(file.size for file in files) > MOST_BYTES:
            raise ApiError(413, "too_long", _("The files of a message have at most 4 MiB together."))
        run_id, message_id = await chat.inbox.begin(
            text,
            files=files,
            attachments=[a.model_dump(exclude_none=True) for a in body.attachments],
            prompt=body.prompt.model_dump() if body.prompt else None,
            request_id=body.client_request_id,
            locale=person_locale(request.headers.get("Accept-Language", ""), body.time_zone),
            queue=body.queue,
        )
        return {"run_id": run_id, "message_id": message_id}

    async def edit(
        self, chat: ChatService, body: commands.EditMessage, request: web.Request
    ) -> dict[str, Any]:
        """Say something else in the place of a message."""
        text = self._checked(body.text, may_be_empty=bool(body.files))
        self._check_runs(request)
        run_id, message_id = await chat.editing.edit(
            request.match_info["id"],
            text,
            kept=Kept(body.files, body.attachments),
            request_id=body.client_request_id,
            locale=person_locale(request.headers.get("Accept-Language", ""), body.time_zone),
        )
        return {"run_id": run_id, "message_id": message_id}

    async def delete(self, chat: ChatService, _: commands.Command, request: web.Request) -> None:
        """Remove a message and all after it."""
        await chat.editing.delete(request.match_info["id"])

    async def open_version(self, chat: ChatService, body: commands.OpenVersion, _: web.Request) -> None:
        """Open another version of the messages after one."""
        await chat.editing.open(body.after, body.open)

    async def rate(self, chat: ChatService, body: commands.Rate, request: web.Request) -> None:
        """Mark an answer."""
        await chat.editing.rate(request.match_info["id"], body.feedback)

    async def take_back(self, chat: ChatService, _: commands.Command, request: web.Request) -> None:
        """Remove a message that waits."""
        await chat.inbox.take_back(request.match_info["id"])

    async def send_now(self, chat: ChatService, _: commands.Command, request: web.Request) -> dict[str, Any]:
        """Send a message that waits."""
        self._check_runs(request)
        return {"run_id": await chat.inbox.send_now(request.match_info["id"])}

    def _checked(self, text: str, *, may_be_empty: bool = False) -> str:
        """Return a text without blanks at its ends. Raises `ApiError`: it is too long, or empty."""
        text = text.strip()
        if len(text) > self._max_message:
            words = _("A message has at most {count} characters.").format(count=self._max_message)
            raise ApiError(413, "too_long", words)
        if not text and not may_be_empty:
            raise ApiError(
                422, "empty", _("There is nothing to send."), fields={"text": _("Write something.")}
            )
        return text
