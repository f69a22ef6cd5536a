"""The pages that people see: the chat, and a line for probes."""

from aiohttp import web
from aiohttp_jinja2 import render_template

from mcpsecurity_webclient.access import PERSON, public
from mcpsecurity_webclient.chat.directory import ChatDirectory, TooManyChatsError
from mcpsecurity_webclient.chat.service import ChatService
from mcpsecurity_webclient.errors import ApiError

__all__ = ["add_pages"]


class _Pages:
    def __init__(self, directory: ChatDirectory) -> None:
        self._directory = directory

    async def latest(self, request: web.Request) -> web.Response:
        """Show the person's latest conversation; a first one is begun."""
        try:
            return _page(request, await self._directory.latest(request[PERSON]))
        except TooManyChatsError as error:  # cannot be: she had none
            raise ApiError(429, "too_many_chats", "There are too many conversations.") from error

    async def one(self, request: web.Request) -> web.Response:
        """Show a conversation."""
        chat = await self._directory.find(request[PERSON], request.match_info["chat_id"])
        if chat is None:
            raise ApiError(404, "no_such_chat", "There is no such conversation, or it is not yours.")
        return _page(request, chat)

    @public
    async def health(self, _: web.Request) -> web.Response:
        """Say that the process serves."""
        return web.Response(text="The web chat is running.")


def add_pages(app: web.Application, directory: ChatDirectory) -> None:
    """Add `/`, `/chats/{chat_id}` and `/health`."""
    pages = _Pages(directory)
    app.router.add_get("/", pages.latest)
    app.router.add_get("/chats/{chat_id}", pages.one)
    app.router.add_get("/health", pages.health)


def _page(request: web.Request, chat: ChatService) -> web.Response:
    person = request[PERSON]
    user = {"name": person.name, "username": person.username}
    context = {"chat_id": chat.chat_id, "csrf_token": person.csrf, "user": user}
    return render_template("chat.html", request, context)
