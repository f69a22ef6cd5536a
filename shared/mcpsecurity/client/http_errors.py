"""Typed errors for HTTP responses and failures that do not answer a JSON-RPC request."""

import re
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import httpx

from mcpsecurity.client.auth import KEY, SentKey
from mcpsecurity.client.challenges import challenge_parameters
from mcpsecurity.client.errors import (
    AccessDeniedError,
    BridgeError,
    InsufficientScopeError,
    KeyRefusedError,
    ProtocolError,
    ServerUnavailableError,
    SessionLostError,
    SignInRequiredError,
)
from mcpsecurity.client.event_streams import content_type
from mcpsecurity.client.json_rpc import NO_REASON, UnreadableAnswerError, error_of, parsed
from mcpsecurity.sentences import Sentence

METHOD = "mcpsecurity.method"
"""The extension of an HTTP request that has the method of its JSON-RPC message."""

OF_SESSION = "mcpsecurity.session"
"""The extension of an HTTP request to an address that belongs to one session (HTTP+SSE)."""

_UNSUPPORTED_VERSION = -32022
_MAX_REASON = 300
_REASONS = (
    *("error_description", "detail", "message", "Message", "msg", "title", "error", "errors"),
    *("faultstring", "fault", "errorMessage"),
)
_MAX_REASONS = 5
_UNTYPED = ("", "application/octet-stream", "text/html")  # the last of Express, which calls any text that
_OF_A_SESSION = re.compile(r"session|not initiali[sz]ed", re.IGNORECASE)
_KEY = re.compile(r"(?=[^/]*\d)(?=[^/]*[A-Za-z])[^/]{20,}")
"""A part of a path as long and mixed as keys are: Zapier's addresses have theirs there."""
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


def unknown_outcome(request: httpx.Request, said: str = "", *, broke: bool = True) -> ServerUnavailableError:
    """Return the error of a sent request whose answer is lost; `said` is the text that came instead. If the
    connection did not break, the answer ended without the result."""
    host = request.url.netloc.decode()
    what = Sentence("The connection to the MCP server at {host} broke.", host=host)
    if not broke:
        what = Sentence("The MCP server at {host} ended its answer without a result.", host=host)
    what = with_reason(what, _said(_json(said.encode())) or ("" if said[:1] in "{[" else said))
    failure = ServerUnavailableError(in_doubt(request, what))
    failure.outcome_is_unknown = _is_call(request)
    return failure


def in_doubt(request: httpx.Request, problem: Sentence) -> Sentence:
    """Return the words for a request whose answer is lost. The server may have carried out a call."""
    if not _is_call(request):
        return problem
    return Sentence("{problem} It is not known whether this was completed.", problem=problem)


def no_mcp(request: httpx.Request, what: str, reason: str = "") -> ServerUnavailableError:
    """Return the error for an answer of success that is not a JSON-RPC response to the request."""
    host = request.url.netloc.decode()
    problem = Sentence(
        "The MCP server at {host} answered with {what} instead of an MCP message.", host=host, what=what
    )
    return ServerUnavailableError(in_doubt(request, with_reason(problem, reason)))


def _is_call(request: httpx.Request) -> bool:
    return bool(request.extensions.get(METHOD, "tools/call") == "tools/call")


def not_sent(request: httpx.Request, error: Exception) -> BridgeError:
    """Return the typed error for one that was raised while a request was sent."""
    failure: BridgeError
    if isinstance(error, BridgeError):
        return error
    if isinstance(error, _NEVER_SENT):
        failure = ServerUnavailableError(_unreachable(request.url, error))
    elif isinstance(error, httpx.InvalidURL) or "location header" in str(error):
        host = request.url.netloc.decode()
        text = Sentence("The MCP server at {host} redirects to something that is not an address.", host=host)
        failure = ServerUnavailableError(text)
    elif isinstance(error, httpx.HTTPError | httpx.StreamError | TimeoutError):
        failure = unknown_outcome(request)
    else:
        host = request.url.netloc.decode()
        failure = BridgeError(
            Sentence(
                "No request could be made to the MCP server at {host}: {reason}",
                host=host,
                reason=_short(str(error)),
            )
        )
    failure.__cause__ = error
    return failure


def refusal_of(response: httpx.Response, body: bytes, request_id: Any = None) -> BridgeError:
    """Return the typed error for a response whose status is not 2xx."""
    status, host = response.status_code, response.request.url.netloc.decode()
    challenge, message = challenge_parameters(response), _json(body)
    error = error_of(message)
    said = challenge.get("error_description")
    reason = _without_key(response, said) if said else _reason(response, body, message)
    if status in (401, 403):
        key: SentKey | None = response.request.extensions.get(KEY)
        alone = key is not None and key.alone
        return _key_refused(status, host, reason) if alone else _denied(status, host, challenge, reason)
    # An error with the request's own id is of a server that has read the request, and perhaps carried it out
    answered = error is not None and request_id is not None and message.get("id") == request_id
    doubtful = _session_is_doubtful(response, reason, answered=answered)
    if doubtful and not answered and status < 500 and (status == 404 or _OF_A_SESSION.search(reason)):
        ended = Sentence("The MCP server at {host} has ended the session.", host=host)
        return SessionLostError(with_reason(ended, reason))
    failure = _failed(response, error, reason, answered=answered)
    failure.session_is_doubtful = doubtful or getattr(failure, "code", None) == _UNSUPPORTED_VERSION
    failure.era_is_doubtful = 400 <= status < 500 and status not in (408, 421, 429)
    speaks = isinstance(message, dict) and "jsonrpc" in message
    failure.transport_is_doubtful = failure.era_is_doubtful and not speaks
    return failure


def shown(url: str | httpx.URL) -> str:
    """Return an address as messages have it: without user, password, query, and parts of the path that may be
    keys."""
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL:
        return str(url)
    if not address.host:
        return str(url)
    path = _KEY.sub("…", address.raw_path.decode("ascii").partition("?")[0])
    return f"{address.scheme}://{address.netloc.decode()}{'' if path == '/' else path}"


def with_reason(problem: Sentence, reason: str) -> Sentence:
    """Add what the server says, if it says something."""
    if not reason:
        return problem
    said = f"{_short(reason)}{'' if reason.endswith(('.', '!', '?')) else '.'}"
    return Sentence("{problem} It says: {reason}", problem=problem, reason=said)


def _failed(
    response: httpx.Response, error: dict[str, Any] | None, reason: str, *, answered: bool
) -> BridgeError:
    status, host = response.status_code, response.request.url.netloc.decode()
    if status == 404 and not answered:
        url = shown(response.request.url)
        nothing = Sentence("There is no MCP server at {url}: HTTP status 404.", url=url)
        return ServerUnavailableError(with_reason(nothing, reason))
    if status == 405:
        return ServerUnavailableError(with_reason(_takes_no_requests(response), reason))
    if response.has_redirect_location:
        return ServerUnavailableError(_redirected(response, host))
    answer = Sentence(
        "The MCP server at {host} answered with HTTP status {status}.", host=host, status=status
    )
    text = with_reason(answer, reason)
    retry = response.headers.get("Retry-After", "")[:40]
    if status >= 500 and not answered and not retry:  # perhaps a gateway's that has passed the request on
        text = in_doubt(response.request, text)
    if retry and retry.isprintable():
        when = f"{retry} s" if retry.isdigit() else retry
        text = Sentence("{problem} Try again after {time}.", problem=text, time=when)
    if error is not None and status < 500 and status != 429:
        return ProtocolError(text, code=error["code"], data=error.get("data"))
    return ServerUnavailableError(text)


def _takes_no_requests(response: httpx.Response) -> Sentence:
    return Sentence(
        "There is no MCP server at {url}: HTTP status 405. Many servers are at /mcp.",
        url=shown(response.request.url),
    )


def _session_is_doubtful(response: httpx.Response, reason: str, *, answered: bool) -> bool:
    """Tell whether the server may not know the session: it says so by 404, and by 400 in older SDKs, some of
    which give no reason."""
    request, status = response.request, response.status_code
    if OF_SESSION in request.extensions and status == 503:  # of gateways whose stream is gone
        return True
    in_session = "Mcp-Session-Id" in request.headers or OF_SESSION in request.extensions
    if not in_session or status not in (400, 404):
        return False
    return not answered or _OF_A_SESSION.search(reason) is not None


def _denied(status: int, host: str, challenge: dict[str, str], reason: str) -> BridgeError:
    scope = challenge.get("scope")
    if status == 401:
        text = Sentence("The MCP server at {host} asks for a sign-in.", host=host)
        if scope:
            text = Sentence(
                "The MCP server at {host} asks for a sign-in with the scope {scope}.", host=host, scope=scope
            )
        return SignInRequiredError(with_reason(text, reason), scope=scope, claims=challenge.get("claims"))
    if challenge.get("error") == "insufficient_scope" and scope:
        text = Sentence("The MCP server at {host} needs the scope {scope}.", host=host, scope=scope)
        return InsufficientScopeError(text, scope=scope)
    return AccessDeniedError(
        with_reason(Sentence("The MCP server at {host} refuses access.", host=host), reason)
    )


def _key_refused(status: int, host: str, reason: str) -> KeyRefusedError:
    text = Sentence("The MCP server at {host} refuses the key that is sent to it.", host=host)
    if status == 403:
        text = Sentence("The MCP server at {host} does not allow this with the key that is sent.", host=host)
    return KeyRefusedError(with_reason(text, reason), problem=text)


def _without_key(response: httpx.Response, text: str) -> str:
    """Return what a server says, without the key that was sent to it, which it may repeat."""
    key: SentKey | None = response.request.extensions.get(KEY)
    for value in key.values if key is not None else ():
        for secret in (value, value.rpartition(" ")[2]):
            text = text.replace(secret, "…")
    return text


def _json(body: bytes) -> Any:
    try:
        return parsed(body)
    except UnreadableAnswerError:
        return None


def reason_in(response: httpx.Response, body: bytes) -> str:
    """Return what a server says in the body of an answer, wherever it says it; "" if it says nothing."""
    return _reason(response, body, _json(body))


def _reason(response: httpx.Response, body: bytes, message: Any) -> str:
    """Return what a server says in the body: as JSON-RPC, as RFC 9457, as frameworks do, or in plain text."""
    return _without_key(response, _words(response, body, message))


def _words(response: httpx.Response, body: bytes, message: Any) -> str:
    if isinstance(message, dict):
        if isinstance(message.get("error"), dict):
            error = error_of(message) or {}
            return _said(message["error"]) if error["message"] == NO_REASON else str(error["message"])
        return _said(message)
    text = body.decode("utf-8", errors="replace").strip()
    kind = content_type(response)
    untyped = kind in _UNTYPED and text.isprintable() and not text.startswith("<")
    return text if kind == "text/plain" or untyped else ""


def _said(value: Any) -> str:
    """Return the words of an error, or of a list of errors, in the forms of frameworks; "" if it has none."""
    if isinstance(value, list):
        return "; ".join(filter(None, map(_said, value[:_MAX_REASONS])))
    if isinstance(value, dict):
        words = next(filter(None, (_said(value.get(key)) for key in _REASONS)), "")
        where = value.get("loc")  # FastAPI's place of a value that is wrong
        return f"{'.'.join(map(str, where))}: {words}" if words and isinstance(where, list) else words
    return value.strip() if isinstance(value, str) else ""


def _redirected(response: httpx.Response, host: str) -> Sentence:
    location = response.next_request.url if response.next_request is not None else None
    where: str = Sentence("elsewhere")
    if location is not None:
        origin = f"{location.scheme}://{location.netloc.decode()}"
        where = f"{origin}{location.path}" if location.netloc == response.request.url.netloc else origin
    return Sentence(
        "The MCP server at {host} redirects to {where}; this is not followed. Is the address right?",
        host=host,
        where=where,
    )


def _unreachable(url: httpx.URL, error: Exception) -> Sentence:
    address = url.netloc.decode() or str(url)
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Sentence(
                "The certificate of the MCP server at {host} is not trusted: {reason}.",
                host=address,
                reason=cause.verify_message,
            )
        if isinstance(cause, ssl.SSLError):
            return Sentence(
                "The MCP server at {host} does not speak TLS. Should the address begin with http://?",
                host=address,
            )
        if isinstance(cause, socket.gaierror):
            return Sentence(
                "There is no host of the name {host}, where the MCP server should be.", host=url.host
            )
    if isinstance(error, httpx.UnsupportedProtocol):
        return Sentence(
            "The address of an MCP server begins with http:// or https://, unlike {url}",
            url=_short(str(url)),
        )
    return Sentence("The MCP server at {host} does not answer.", host=f"{url.host}:{url.port or ''}")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and those it comes from, with those that httpcore suppresses."""
    for _ in range(20):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _MAX_REASON else words[: _MAX_REASON - 1] + "…"
