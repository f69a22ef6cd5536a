"""Typed errors for what the SDK raises."""

import asyncio
from urllib.parse import urlsplit

from mcp import types
from mcp.shared.exceptions import McpError

from mcpsecurity.client.errors import BridgeError, ProtocolError, ServerUnavailableError
from mcpsecurity.client.http import FAILURE_CODE, McpHttpClient
from mcpsecurity.client.http_errors import shown, with_reason
from mcpsecurity.sentences import Sentence

_BEFORE_THE_HANDSHAKE = "Invalid request parameters"


def late(url: str, seconds: float) -> ServerUnavailableError:
    """Return the error of a request without an answer within its time."""
    text = Sentence(
        "The MCP server at {url} did not answer within {seconds} s.", url=shown(url), seconds=f"{seconds:g}"
    )
    return ServerUnavailableError(text)


def unreadable(url: str) -> ProtocolError:
    """Return the error of a result that does not have the form of its method."""
    text = Sentence("The MCP server at {url} answered with a result that cannot be read.", url=shown(url))
    return ProtocolError(text, code=types.INTERNAL_ERROR)


def session_closed() -> ServerUnavailableError:
    """Return the error of a call whose session was closed before its answer."""
    failure = ServerUnavailableError(
        Sentence("The connection to the MCP server was closed. It is not known whether this was completed.")
    )
    failure.outcome_is_unknown = True
    return failure


def is_closed(error: McpError) -> bool:
    """Tell whether the SDK reports the end of the connection. Servers use this code, too."""
    return error.error.code == types.CONNECTION_CLOSED and error.error.message == "Connection closed"


def typed_error(error: McpError, client: McpHttpClient | None, *, has_id: bool = True) -> BridgeError:
    """Return the typed error that stands for what the SDK raises for a request; `has_id` tells whether the
    session has one, by which a server would know it."""
    failure = client.pop_failure(error.error.data) if client is not None else None
    if error.error.code == FAILURE_CODE and failure is not None:
        return failure
    if is_closed(error):
        return session_closed()
    answered = ProtocolError(error.error.message, code=error.error.code, data=error.error.data)
    # A gateway without session ids passes on what the program behind it says. The Python SDK says this to a
    # request before the handshake, so to every one after a restart of the program.
    answered.session_is_doubtful = not has_id and error.error.message == _BEFORE_THE_HANDSHAKE
    return answered


def named(error: ProtocolError, url: str) -> ProtocolError:
    """Return an error with the server's name before its words, which may be no more than "fetch failed"."""
    if isinstance(error.args[0], Sentence):
        return error
    host = urlsplit(shown(url)).netloc or url
    text = with_reason(Sentence("The MCP server at {host} answered with an error.", host=host), str(error))
    return ProtocolError(text, code=error.code, data=error.data)


def opening_error(error: BaseException, url: str) -> BaseException:
    """Return the first error of a group, as a `BridgeError` or a cancellation."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, ProtocolError):
        return named(error, url)
    if isinstance(error, BridgeError | asyncio.CancelledError):
        return error
    of_version = isinstance(error, RuntimeError) and "protocol version" in str(error)
    if of_version:
        version = str(error).rpartition(":")[2].strip()[:40]
        text = Sentence(
            "The MCP server at {url} speaks revision {version}, which this client does not.",
            url=shown(url),
            version=version,
        )
    else:
        text = Sentence(
            "The connection to the MCP server at {url} could not be opened: {reason}.",
            url=shown(url),
            reason=type(error).__name__,
        )
    failure = ServerUnavailableError(text)
    failure.era_is_doubtful = of_version
    failure.__cause__ = error
    return failure
