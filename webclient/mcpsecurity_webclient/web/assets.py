"""The page's files: as the bundle that `webclient/page_bundle` builds, or one by one."""

import json
import logging
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

__all__ = ["IMMUTABLE", "Assets", "bundled_files", "digest_of"]

_log = logging.getLogger(__name__)
_URL = "/static"

IMMUTABLE = f"{_URL}/bundle/"
"""Below this path each file's name has a digest of its content, so that a browser may keep it for ever."""


class Assets:
    """Where templates find the page's files.

    `folder` is the static folder. A bundle that is there is used with `bundled`, but only if it was made of
    the very files that are in the folder.
    """

    def __init__(self, folder: Path, *, bundled: bool) -> None:
        self._files = bundled_files(folder) if bundled else None
        self.modules = [] if self._files else _modules(folder / "js")
        if bundled and self._files is None:
            _log.info("the page's modules are served one by one: there is no bundle of them")

    def url(self, path: str) -> str:
        """Return the URL of a file of the static folder, such as `js/main.js`."""
        return f"{_URL}/{self._files[path] if self._files else path}"


def bundled_files(folder: Path) -> dict[str, str] | None:
    """Return the bundle's files by what they were made of; None without a bundle of the present files."""
    try:
        manifest = json.loads((folder / "bundle" / "manifest.json").read_text("utf-8"))
    except FileNotFoundError:
        return None
    files: dict[str, str] = manifest["files"]
    return files if manifest["digest"] == digest_of(folder) else None


def digest_of(folder: Path) -> str:
    """Return a digest of everything that a bundle is made of."""
    digest = sha256()
    for path in _sources(folder):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def _sources(folder: Path) -> Iterator[Path]:
    yield from sorted((folder / "js").rglob("*.js"))
    yield from sorted((folder / "css").rglob("*.css"))
    yield folder / "icon.svg"


def _modules(folder: Path) -> list[str]:
    """Return the paths of the modules but `main.js`, so that the page asks for all of them at once."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*.js"))
    return sorted(path for path in found if path != "main.js")
