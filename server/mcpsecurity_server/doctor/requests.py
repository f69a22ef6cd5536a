"""Sends one HTTP request; every failure is an `UnreachableError` with a reason for people."""

import asyncio
import ssl
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from mcpsecurity.runtime.proxy import proxy_for

__all__ = ["Answer", "NoTokenError", "UnreachableError", "fetch"]

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
    except (aiohttp.ClientSSLError, ssl.SSLError) as error:
        if _is_about_trust(error):
            raise UnreachableError(f"the certificate of {url} is not trusted", is_trust=True) from error
        raise UnreachableError(f"{url} does not speak TLS; should it be http://?") from error
    except ValueError as error:  # aiohttp.InvalidURL is one
        raise UnreachableError(f"{url!r} is not a URL") from error
    except TimeoutError as error:
        raise UnreachableError(f"{url} did not answer within {seconds:g} s") from error
    except (aiohttp.ClientError, OSError) as error:
        raise UnreachableError(f"{url} cannot be reached ({type(error).__name__})") from error


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
