"""A person's preferences: the language, and light or dark. The page keeps both in cookies, so that the first
thing that a browser draws is right (`static/js/shell/preferences.js`)."""

from contextvars import ContextVar
from dataclasses import dataclass

from aiohttp import web
from jinja2 import Environment

from mcpsecurity_webclient.auth.person import Handler, public
from mcpsecurity_webclient.languages import (
    DEFAULT,
    LANGUAGES,
    current_language,
    gettext,
    negotiate,
    ngettext,
    page_texts,
    speaking,
)

_THEMES = ("light", "dark")
_YEAR = 31_536_000


@dataclass(frozen=True, slots=True)
class Preferences:
    """A person's choice of a theme, "light" or "dark", and a language; "" leaves it to the browser."""

    theme: str = ""
    language: str = ""


_current: ContextVar[Preferences] = ContextVar("preferences")


@web.middleware
async def preferences_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer in the language that the person chose, or else in one that the browser asks for. Tasks that the
    handler starts, such as a run, keep it."""
    theme, language = request.cookies.get("theme", ""), request.cookies.get("language", "")
    chosen = Preferences(theme if theme in _THEMES else "", language if language in LANGUAGES else "")
    token = _current.set(chosen)
    try:
        accepted = ",".join(request.headers.getall("Accept-Language", []))
        with speaking(chosen.language or negotiate(accepted)):
            return await handler(request)
    finally:
        _current.reset(token)


def add_preferences(app: web.Application, pages: Environment) -> None:
    """Translate the templates (`_("…")`, `{% trans %}`), and serve the catalogues to the page."""
    pages.add_extension("jinja2.ext.i18n")
    pages.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined] # the extension adds it
    pages.globals.update(
        languages=LANGUAGES,
        current_language=current_language,
        preferences=_current.get,
        page_texts=lambda: page_texts(current_language())[0],
    )
    app.router.add_get("/texts/{name}", _texts)


@public
async def _texts(request: web.Request) -> web.Response:
    """Serve a catalogue as a script. Its name has a hash, so that a browser may keep it."""
    name = request.match_info["name"]
    language = name.split(".")[0]
    known = language in LANGUAGES and language != DEFAULT
    current, script = page_texts(language) if known else ("", "")
    if name != current or not current:
        raise web.HTTPNotFound
    response = web.Response(
        text=script,
        content_type="text/javascript",
        charset="utf-8",
        headers={"Cache-Control": f"public, max-age={_YEAR}, immutable"},
    )
    response.enable_compression()
    return response
