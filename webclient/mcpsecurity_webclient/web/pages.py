"""The pages that people see: the chat, and a line for probes."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp_jinja2 import render_string

from mcpsecurity_webclient.auth.person import PERSON, public
from mcpsecurity_webclient.chat.conversation import ChatService
from mcpsecurity_webclient.chat.directory import ChatDirectory
from mcpsecurity_webclient.languages import gettext as _
from mcpsecurity_webclient.web.errors import ApiError

_MANIFEST = {
    "name": "mcpsecurity",
    "short_name": "mcpsecurity",
    "description": "A chat with tools that run when you approve them.",
    "id": "/",
    "start_url": "/",
    "scope": "/",
    "display": "standalone",
    "background_color": "#f4f6f6",
    "theme_color": "#0f766e",
    "icons": [
        {"src": "/static/icon.svg", "sizes": "any", "type": "image/svg+xml"},
        {"src": "/static/icon-192.png", "sizes": "192x192", "type": "image/png"},
        {"src": "/static/icon-512.png", "sizes": "512x512", "type": "image/png", "purpose": "any maskable"},
    ],
}

Missing = Callable[[], Awaitable[list[str]]]


class _Page(web.Response):
    """A page that frees its text when it is sent: aiohttp keeps the last response of a connection, which may
    then carry the page's event stream for hours."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Send, and forget."""
        await super().write_eof(data)
        self.body = None


class _Pages:
    def __init__(self, directory: ChatDirectory, missing: Missing) -> None:
        self._directory = directory
        self._missing = missing

    async def latest(self, request: web.Request) -> web.Response:
        """Show the person's latest conversation; a first one is begun."""
        return _page(request, await self._directory.latest(request[PERSON]))

    async def one(self, request: web.Request) -> web.Response:
        """Show a conversation."""
        chat = await self._directory.find(request[PERSON], request.match_info["chat_id"])
        if chat is None:
            raise ApiError(404, "no_such_chat", _("There is no such chat, or it is not yours."))
        return _page(request, chat)

    @public
    async def manifest(self, _: web.Request) -> web.Response:
        """Describe the chat to a browser that installs it (W3C Web Application Manifest)."""
        headers = {"Cache-Control": "public, max-age=86400"}
        return web.json_response(_MANIFEST, headers=headers, content_type="application/manifest+json")

    @public
    async def health(self, _: web.Request) -> web.Response:
        """Say that the process serves."""
        return web.Response(text="The web chat is running.")

    @public
    async def ready(self, _: web.Request) -> web.Response:
        """Answer a readiness probe: 200, or 503 with the names of the backends that cannot be reached."""
        missing = await self._missing()
        body = {"ready": not missing, "missing": missing}
        return web.json_response(body, status=503 if missing else 200, headers={"Cache-Control": "no-store"})


def add_pages(app: web.Application, directory: ChatDirectory, missing: Missing) -> None:
    """Add `/`, `/chats/{chat_id}`, `/manifest.webmanifest`, `/health` and `/ready`.

    `missing` names what cannot be reached.
    """
    pages = _Pages(directory, missing)
    app.router.add_get("/ready", pages.ready)
    app.router.add_get("/", pages.latest)
    app.router.add_get("/chats/{chat_id}", pages.one)
    app.router.add_get("/health", pages.health)
    app.router.add_get("/manifest.webmanifest", pages.manifest)


def _page(request: web.Request, chat: ChatService) -> web.Response:
    person = request[PERSON]
    user = {"name": person.name, "username": person.username}
    context = {"chat_id": chat.chat_id, "csrf_token": person.csrf, "user": user}
    page = _Page(text=render_string("chat.html", request, context), content_type="text/html", charset="utf-8")
    page.enable_compression()
    return page
