"""Sends one HTTP request; every failure is an `UnreachableError` with a reason for people."""

import asyncio
import ssl
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from mcpsecurity.runtime.proxy import proxy_for

_TIMEOUT = 10.0
_MAX_BODY = 1024 * 1024


class NoTokenError(Exception):
    """There is no token; the message says why. `setting` is the one to change."""

    def __init__(self, reason: str, setting: str) -> None:
        super().__init__(reason)
        self.setting = setting


class UnreachableError(Exception):
    """There was no answer; the message says why. `is_trust`: the certificate is not trusted."""

    def __init__(self, message: str, *, is_trust: bool = False) -> None:
        super().__init__(message)
        self.is_trust = is_trust


@dataclass(frozen=True, slots=True)
class Answer:
    """A response. `json` is None if the body is not a JSON object."""

    status: int
    headers: dict[str, str]
    text: str
    json: dict[str, Any] | None


async def fetch(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    headers: dict[str, str] | None = None,
    form: dict[str, str] | None = None,
    json: object = None,
    seconds: float = _TIMEOUT,
) -> Answer:
    """Send a request, follow no redirect, and return the answer: a mebibyte of it at most, within so
    many `seconds`. What leaves the company goes through its proxy, as the services do.

    Raises:
        UnreachableError: no answer in time, or none at all.
    """
    try:
        async with (
            asyncio.timeout(seconds),
            session.request(
                method,
                url,
                headers=headers,
                data=form,
                json=json,
                allow_redirects=False,
                proxy=proxy_for(url),
            ) as response,
        ):
            body = bytearray()
            async for piece in response.content.iter_any():
                body += piece[: _MAX_BODY - len(body)]
                if len(body) >= _MAX_BODY:
                    break
            received = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, received, body.decode(errors="replace"), _object(body))
    except (aiohttp.ClientError, OSError, ValueError) as error:
        words = f"{url} did not answer within {seconds:g} s" if isinstance(error, TimeoutError) else None
        raise UnreachableError(words or _fault(url, error), is_trust=_is_about_trust(error)) from error


def _fault(url: str, error: Exception) -> str:
    """Return in words why there was no answer."""
    if _is_about_trust(error):
        return f"the certificate of {url} is not trusted"
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return f"{url} does not speak TLS; should it be http://?"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"there is no host of the name {error.host}"
    if isinstance(error, ValueError):  # aiohttp.InvalidURL is one
        return f"{url!r} is not a URL"
    return f"{url} cannot be reached ({_reason(error)})"


def _reason(error: Exception) -> str:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, ConnectionRefusedError):
        return "nothing listens there"
    words = cause.strerror if isinstance(cause, OSError) else None
    return words or "the connection broke"


def _is_about_trust(error: BaseException) -> bool:
    """Tell a certificate that is not trusted from a server of plain HTTP; aiohttp wraps both alike."""
    cause = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    return isinstance(cause, ssl.SSLCertVerificationError)


def _object(body: bytes | bytearray) -> dict[str, Any] | None:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None
