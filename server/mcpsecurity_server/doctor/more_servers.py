"""Checks of the web chat's further MCP servers: whether each takes the key that its entry has."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from mcpsecurity.client import (
    BridgeError,
    HeaderAuth,
    KeyRefusedError,
    McpConnection,
    SignInRequiredError,
)
from mcpsecurity.client.eras import OLDER
from mcpsecurity.environment import filled
from mcpsecurity.server_headers import check_address, checked_headers
from mcpsecurity_server.doctor.findings import Finding, failed, ok, skipped
from mcpsecurity_server.doctor.requests import Answer, UnreachableError, fetch
from mcpsecurity_server.doctor.server import initialize
from mcpsecurity_server.doctor.settings import DoctorSettings

_CHECK, _KEY = "servers", "WEBCLIENT_MCP_SERVERS"
_DEFAULT = "Tools"
_SECONDS = 10.0
_SESSION = "mcp-session-id"


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    url: str
    has_person: bool
    headers: dict[str, str] = field(repr=False)


async def check_more_servers(
    session: aiohttp.ClientSession, settings: DoctorSettings
) -> AsyncIterator[Finding]:
    """Ask each server with the headers of its entry. Entries that the web client refuses are left out."""
    for entry in _entries(settings):
        try:
            answer = await initialize(session, entry.url, entry.headers)
        except UnreachableError as error:
            setting = "MCPSECURITY_CA_FILE" if error.is_trust else f"{_KEY}, {entry.name}: url"
            yield failed(_CHECK, f"{entry.name} does not answer: {error}.", setting)
            continue
        await _end_session(session, entry, answer)
        yield await _judged_by_older_transport(entry, settings, answer) or _judge(entry, answer)


def _entries(settings: DoctorSettings) -> Iterator[_Entry]:
    given = settings.more_servers if isinstance(settings.more_servers, list) else []
    for entry in given:
        try:
            if entry["name"] != _DEFAULT:
                yield _read(entry)
            elif entry.get("headers"):  # without, `check_server` has checked it
                yield _read({"url": settings.mcp_url, "scope": settings.scope} | entry)
        except (ValueError, TypeError, KeyError):  # the check of the web client's settings says why
            continue


def _read(entry: dict[str, Any]) -> _Entry:
    """Return an entry. Raises ValueError, TypeError or KeyError if it has another form."""
    texts = {str(name): filled(str(value)) for name, value in dict(entry.get("headers") or {}).items()}
    headers = checked_headers(texts)
    if headers:
        check_address(entry["url"])
    return _Entry(
        str(entry["name"]), str(entry["url"]), bool(entry.get("scope") or entry.get("sign_in")), headers
    )


async def _end_session(session: aiohttp.ClientSession, entry: _Entry, answer: Answer) -> None:
    if (opened := answer.headers.get(_SESSION)) is None:
        return
    try:
        await fetch(session, "DELETE", entry.url, headers=entry.headers | {"Mcp-Session-Id": opened})
    except UnreachableError:
        return  # it ends by itself


async def _judged_by_older_transport(
    entry: _Entry, settings: DoctorSettings, answer: Answer
) -> Finding | None:
    """Try the transport HTTP+SSE at a server that has refused a POST; None if it does not have that."""
    if answer.status not in (400, 404, 405) or _speaks(answer):
        return None
    auth = HeaderAuth(entry.headers) if entry.headers else None
    connection = McpConnection(entry.url, auth=auth, ca_file=settings.ca_file, timeout=_SECONDS)
    connection.era = OLDER
    try:
        async with connection:
            return _well(entry)
    except (SignInRequiredError, KeyRefusedError):
        return _judge_refusal(entry, 401)
    except BridgeError:
        return None


def _well(entry: _Entry) -> Finding:
    words = "takes the headers of its entry" if entry.headers else "answers"
    return ok(_CHECK, f"{entry.name} {words}.")


def _speaks(answer: Answer) -> bool:
    """Tell whether an answer is of JSON-RPC."""
    return answer.json is not None and "jsonrpc" in answer.json


def _judge(entry: _Entry, answer: Answer) -> Finding:
    name, status = entry.name, answer.status
    if status in (401, 403):
        return _judge_refusal(entry, status)
    if status == 200 or (status == 400 and _speaks(answer)):  # one of revision 2026-07-28 only
        return _well(entry)
    if status in (404, 405):
        message = f"There is no MCP server at {entry.url} ({status})."
        return failed(_CHECK, f"{name}: {message}", f"{_KEY}, {name}: url")
    return failed(_CHECK, f"{name} answers {status}.", f"{_KEY}, {name}: url")


def _judge_refusal(entry: _Entry, status: int) -> Finding:
    name = entry.name
    if entry.has_person:
        return skipped(_CHECK, f"{name} wants a person's token ({status}), which the doctor does not have.")
    if entry.headers:
        message = f"{name} refuses the key in the headers of its entry ({status}); no sign-in helps."
        return failed(_CHECK, message, f"{_KEY}, {name}: headers")
    message = f"{name} wants a token or a key ({status}), and its entry has none."
    return failed(_CHECK, message, f"{_KEY}, {name}: scope, headers or sign_in")
