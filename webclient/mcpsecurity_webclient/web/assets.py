"""The page's files: from its bundle and compressed, or one by one."""

import gzip
import logging
import re
from hashlib import sha256
from pathlib import Path
from typing import Final

from aiohttp import web

from mcpsecurity_webclient.auth.person import public

BUNDLE: Final = "bundle"
"""The folder, in the static folder, of what `make bundle` makes of the modules and style sheets."""

SOURCE_DIGEST: Final = "sources.sha256"
"""The file in it with the digest of what it was made of."""

_FOREVER = "public, max-age=31536000, immutable"
_KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_IMPORT = re.compile(r'^@import "\./([^"]+)";', re.MULTILINE)
_log = logging.getLogger(__name__)


class Assets:
    """The addresses of the page's files, for templates, and the routes to them.

    `folder` is the static folder. Unless `bundled`, its files are served as they are; so they are when the
    bundle is not that of these files, with a warning.
    """

    def __init__(self, folder: Path, *, bundled: bool) -> None:
        self._folder = folder
        self._files = _bundle(folder) if bundled else {}
        self._digest = _digest(self._files)
        self.modules = [] if self._files else _modules(folder / "js")

    def url(self, path: str) -> str:
        """Return the URL of a file of the static folder, such as `js/main.js`."""
        name = path.rpartition("/")[2]
        return f"/static/{self._digest}/{name}" if name in self._files else f"/static/{path}"

    def style_sheets(self, path: str) -> list[str]:
        """Return the URLs of what a style sheet such as `css/page.css` consists of."""
        if self._files:
            return [self.url(path)]
        sheet = self._folder / path
        return [self.url(f"css/{found}") for found in _IMPORT.findall(sheet.read_text("utf-8"))]

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


def source_digest(folder: Path) -> str:
    """Return the digest of the modules and style sheets in a static folder; line endings do not count."""
    whole = sha256()
    for path in sorted([*folder.glob("js/**/*.js"), *folder.glob("css/*.css")]):
        text = path.read_text("utf-8")
        whole.update(f"{path.relative_to(folder).as_posix()}\0{len(text)}\0{text}".encode())
    return whole.hexdigest()


def _bundle(folder: Path) -> dict[str, bytes]:
    """Return the bundle's files by name, compressed; no file if the bundle was made of other sources."""
    made_of = folder / BUNDLE / SOURCE_DIGEST
    if not made_of.is_file() or made_of.read_text("utf-8").strip() != source_digest(folder):
        _log.warning(
            "The page's modules have changed since `make bundle`: they are served one by one. "
            "Set WEBCLIENT_BUNDLED=false while you work on them."
        )
        return {}
    paths = [path for path in (folder / BUNDLE).iterdir() if path.suffix in _KINDS]
    return {path.name: gzip.compress(path.read_bytes(), 9, mtime=0) for path in [*paths, folder / "icon.svg"]}


def _digest(files: dict[str, bytes]) -> str:
    whole = sha256()
    for name, body in sorted(files.items()):
        whole.update(name.encode() + b"\0" + sha256(body).digest())
    return whole.hexdigest()[:16]


def _modules(folder: Path) -> list[str]:
    """Return the paths of the modules but `main.js`, so that the page asks for all of them at once."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*.js"))
    return sorted(path for path in found if path != "main.js")
