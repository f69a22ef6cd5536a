"""The demo that runs on this machine leaves a note, by which programs find it and sign in at its tenant."""

import base64
import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from platformdirs import user_cache_path

from mcpsecurity.runtime.loopback import listens

if TYPE_CHECKING:
    import aiohttp

_USUAL_PORT = 7133
_REDIRECT_URI = "http://localhost/token"  # nothing listens there: the code is taken from the answer


class NoDemoError(Exception):
    """No demo runs on this machine; the message says how to start one."""


class RefusedError(Exception):
    """The tenant refuses; the message is the tenant's."""


@dataclass(frozen=True, slots=True)
class RunningDemo:
    """Where a demo is, and what its people and programs need to know. Its secrets open nothing but itself."""

    webclient: str
    mcp: str
    authority: str
    ca_file: str
    tenant_id: str
    scope: str
    users: list[str]
    public_client_id: str
    model_endpoint: str
    model: str
    model_key: str

    @property
    def port_offset(self) -> int:
        """How far its ports are above the usual ones."""
        return _port(self.mcp) - _USUAL_PORT

    def user(self, name: str) -> str:
        """Complete the part before the @ of one of the tenant's people; another name stays as it is."""
        return next((full for full in self.users if full.partition("@")[0] == name.lower()), name)


def default_folder() -> Path:
    """Return the folder in which the local cloud keeps its keys, and the demo its note."""
    given = os.environ.get("LOCALCLOUD_FOLDER")
    return Path(given) if given else user_cache_path("mcpsecurity") / "localcloud"


@contextmanager
def noted(demo: RunningDemo, folder: Path) -> Iterator[None]:
    """Leave the note while the demo runs; only this user can read it."""
    note = folder / f"demo-{_port(demo.mcp)}.json"
    handle, written = tempfile.mkstemp(dir=folder)  # only this user can read it
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(asdict(demo), file)
    Path(written).replace(note)
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def find_demo(port_offset: int | None = None, folder: Path | None = None) -> RunningDemo:
    """Return the demo that runs: with this offset, or the one that was started last.

    Raises:
        NoDemoError: none runs.
    """
    notes = (folder or default_folder()).glob("demo-*.json")
    for note in sorted(notes, key=lambda path: path.stat().st_mtime, reverse=True):
        with suppress(OSError, ValueError, TypeError):  # it has just ended, or an older version wrote it
            demo = RunningDemo(**json.loads(note.read_text("utf-8")))
            if port_offset in (None, demo.port_offset) and listens("localhost", _port(demo.mcp), 2):
                return demo
    which = "" if port_offset is None else f" with --port-offset {port_offset}"
    raise NoDemoError(
        f"No demo{which} runs on this machine: start one by `make demo` or `mcpsecurity demo`. "
        "If it was started with LOCALCLOUD_FOLDER, set that here, too."
    )


async def sign_in(
    http: "aiohttp.ClientSession", client: Mapping[str, str], scope: str, user: str
) -> dict[str, Any]:
    """Sign a person in at the local tenant by the code flow with PKCE, without a page and a password.

    Args:
        http: its base address is the tenant's `…/oauth2/v2.0/`.
        client: `client_id` of the application, and its `client_secret`, if it has one.
        user: the whole sign-in name.

    Returns:
        The token endpoint's answer (RFC 6749 5.1).

    Raises:
        RefusedError: the tenant refuses.
        ValueError: this is not a tenant.
    """
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "client_id": client["client_id"],
        "response_type": "code",
        "redirect_uri": _REDIRECT_URI,
        "scope": f"openid profile {scope}",
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "prompt": "none",
        "login_hint": user,
    }
    async with http.get("authorize", params=asked, allow_redirects=False) as response:
        answer = dict(parse_qsl(urlsplit(response.headers.get("Location", "")).query))
        _raise_if_refused(answer)
        if answer.get("state") != state or "code" not in answer:
            raise ValueError(f"it answered the sign-in with status {response.status}")
    return await redeem(
        http,
        grant_type="authorization_code",
        **client,
        code=answer["code"],
        redirect_uri=_REDIRECT_URI,
        code_verifier=verifier,
    )


async def redeem(http: "aiohttp.ClientSession", **form: str) -> dict[str, Any]:
    """Return the token endpoint's answer to a grant. Raises `RefusedError`."""
    async with http.post("token", data=form) as response:
        answer: dict[str, Any] = await response.json()
        _raise_if_refused(answer)
        response.raise_for_status()
        return answer


def _raise_if_refused(answer: Mapping[str, Any]) -> None:
    if "error" in answer:
        raise RefusedError(str(answer.get("error_description", answer["error"])))


def _port(url: str) -> int:
    return urlsplit(url).port or 80
