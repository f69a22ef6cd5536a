"""Each request has a language: the one that the person chose, or else one that the browser asks for."""

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

__all__ = ["COOKIE", "add_page_texts", "language_middleware"]

COOKIE = "language"
"""The cookie with the chosen language. The page sets it (`static/js/shell/preferences.js`)."""

_YEAR = 31_536_000


@web.middleware
async def language_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer in the language of the request. Tasks that the handler starts, such as a run, keep it."""
    chosen = request.cookies.get(COOKIE, "")
    accepted = ",".join(request.headers.getall("Accept-Language", []))
    with speaking(chosen if chosen in LANGUAGES else negotiate(accepted)):
        return await handler(request)


def add_page_texts(app: web.Application, pages: Environment) -> None:
    """Translate the templates (`_("…")`, `{% trans %}`), and serve the catalogues to the page."""
    pages.add_extension("jinja2.ext.i18n")
    pages.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined] # the extension adds it
    pages.globals.update(
        languages=LANGUAGES,
        current_language=current_language,
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
