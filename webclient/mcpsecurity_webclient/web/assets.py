"""The page's files: joined and compressed when the chat starts, or one by one."""

import gzip
from functools import cache
from hashlib import sha256
from pathlib import Path

from aiohttp import web

from mcpsecurity_webclient.auth.person import public
from mcpsecurity_webclient.web.bundle import imported_style_sheets, join_modules, join_style_sheets

__all__ = ["Assets"]

_FOREVER = "public, max-age=31536000, immutable"
_KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


class Assets:
    """The addresses of the page's files, for templates, and the routes to them.

    `folder` is the static folder. Unless `bundled`, its files are served as they are.
    """

    def __init__(self, folder: Path, *, bundled: bool) -> None:
        self._folder = folder
        self._files = _bundle(folder) if bundled else {}
        self._digest = _digest(self._files)
        self.modules = [] if bundled else _modules(folder / "js")

    def url(self, path: str) -> str:
        """Return the URL of a file of the static folder, such as `js/main.js`."""
        name = path.rpartition("/")[2]
        return f"/static/{self._digest}/{name}" if name in self._files else f"/static/{path}"

    def style_sheets(self, path: str) -> list[str]:
        """Return the URLs of what a style sheet such as `css/page.css` consists of."""
        if self._files:
            return [self.url(path)]
        return [self.url(found) for found in imported_style_sheets(self._folder, path)]

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add the routes of the bundle and of the folder."""
        router.add_get("/static/{digest:[0-9a-f]{16}}/{name}", self._bundled)
        router.add_static("/static", self._folder, name="static")

    @public
    async def _bundled(self, request: web.Request) -> web.Response:
        """Return a file of the bundle. A page of another release gets this one's, and is not to keep it:
        for a moment, processes of both may run."""
        name = request.match_info["name"]
        if name not in self._files:
            raise web.HTTPNotFound
        known = request.match_info["digest"] == self._digest
        headers = {"Cache-Control": _FOREVER if known else "no-cache", "Vary": "Accept-Encoding"}
        body = self._files[name]
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
        else:
            body = gzip.decompress(body)
        kind = _KINDS[Path(name).suffix]
        return web.Response(body=body, headers=headers, content_type=kind, charset="utf-8")


@cache
def _bundle(folder: Path) -> dict[str, bytes]:
    """Return the bundle's files by name, compressed."""
    files = join_modules(folder / "js", "main.js")
    for path in ("page.css", "plain.css"):
        files[path] = join_style_sheets(folder / "css", path)
    files["icon.svg"] = (folder / "icon.svg").read_text("utf-8")
    return {name: gzip.compress(text.encode(), 9, mtime=0) for name, text in files.items()}


def _digest(files: dict[str, bytes]) -> str:
    whole = sha256()
    for name, body in sorted(files.items()):
        whole.update(name.encode() + b"\0" + sha256(body).digest())
    return whole.hexdigest()[:16]


def _modules(folder: Path) -> list[str]:
    """Return the paths of the modules but `main.js`, so that the page asks for all of them at once."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*.js"))
    return sorted(path for path in found if path != "main.js")
