"""Who may do what: nothing without a signed-in person, and no command from a page that is not ours."""

import hmac
import logging
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiohttp import web
from aiohttp_jinja2 import render_template
from aiohttp_session import get_session
from yarl import URL

from mcpsecurity.client import SignInRequiredError
from mcpsecurity.redis.errors import RedisUnavailableError
from mcpsecurity.runtime.request_context import begin_request
from mcpsecurity_webclient.bodies import body_of
from mcpsecurity_webclient.settings import WebSettings
from mcpsecurity_webclient.store import StaleConversationError, StoreError
from mcpsecurity_webclient.web.errors import ApiError

__all__ = [
    "DENIALS",
    "PERSON",
    "Handler",
    "Person",
    "error_middleware",
    "guard_middleware",
    "number_requests",
    "public",
    "safe_next",
    "sign_in_url",
]

_log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
DENIALS: Counter[str] = Counter()
"""How many requests were refused to somebody since the process began, by reason."""

H = TypeVar("H", bound=Callable[..., Any])


class Person:
    """Who is signed in with this request. `sid` names the session (it is not the cookie's value), `key` the
    person: tenant and object id, which no two people share and nobody can change. `since` is when she signed
    in, in seconds since 1970."""

    __slots__ = ("csrf", "expires_at", "key", "name", "object_id", "sid", "since", "tenant_id", "username")

    def __init__(self, user: dict[str, Any]) -> None:
        self.sid: str = user["sid"]
        self.tenant_id: str = user["tid"]
        self.object_id: str = user["oid"]
        self.key: str = f"{self.tenant_id}.{self.object_id}"
        self.since: float = user["since"]
        self.name: str = user["name"]
        self.username: str = user["username"]
        self.csrf: str = user["csrf"]
        self.expires_at: float = user["expires_at"]


PERSON: web.RequestKey[Person] = web.RequestKey("person", Person)


def public(handler: H) -> H:
    """Let everybody in. Routes without this mark are for signed-in people."""
    handler.__dict__["public"] = True
    return handler


@web.middleware
async def number_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give each request its correlation id. An answer that it starts is logged with it, too."""
    begin_request()
    return await handler(request)


def guard_middleware(settings: WebSettings) -> Any:
    """Return the middleware that lets only signed-in people in, and only our own pages command."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        session = await get_session(request)
        user = session.get("user")
        if user is not None:
            request[PERSON] = Person(user)
        route = request.match_info.route
        resource = route.resource
        is_static = resource is not None and resource.name == "static"
        if user is None and not is_static and not getattr(route.handler, "public", False):
            return _sign_in(request)
        if request.method not in ("GET", "HEAD") and user is not None:
            await _check_command(request, settings.origin, user["csrf"])
        return await handler(request)

    return guard


@web.middleware
async def error_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what goes wrong into an answer; what nobody expected gets an error id and a line in the log."""
    try:
        return await handler(request)
    except ApiError as error:
        return _answer(request, error)
    except RedisUnavailableError as error:
        _log.warning("%s: %s", error, type(error.__cause__).__name__)
        text = "The chat cannot be reached at the moment. Nothing was done; please try again."
        return _answer(request, ApiError(503, "not_shared", text, retryable=True))
    except StoreError as error:
        return _answer(request, _not_kept(error))
    except web.HTTPRedirection:
        raise
    except web.HTTPException as error:
        return _answer(request, ApiError(error.status, "http", _wording(error.status)))
    except Exception:  # noqa: BLE001 - the boundary of the application
        error_id = secrets.token_hex(4)
        _log.exception("request failed (error %s): %s %s", error_id, request.method, request.path)
        text = f"Something went wrong here (error {error_id}). Please try again."
        return _answer(request, ApiError(500, "internal", text, retryable=True, error_id=error_id))


def safe_next(target: str | None) -> str:
    """Return a path of this site to go on to; anything else is the start page."""
    ok = target is not None and target.startswith("/") and not target.startswith(("//", "/\\"))
    clean = target is not None and all(33 <= ord(c) < 127 and c != "\\" for c in target)
    return target if ok and clean and target is not None else "/"


def sign_in_url(target: str, error: SignInRequiredError) -> str:
    """Return where to sign in so that what `error` asks for is granted, and `target` is shown then."""
    query = {"next": target, "claims": error.claims, "scope": error.scope}
    return str(URL("/signin").with_query({name: value for name, value in query.items() if value}))


def _sign_in(request: web.Request) -> web.Response:
    if request.path.startswith("/api/"):
        return _answer(
            request,
            ApiError(401, "signed_out", "Your session has ended. Please sign in.", sign_in_url="/signin"),
        )
    if request.method != "GET":
        raise web.HTTPSeeOther("/signin")
    url = request.app.router["signin"].url_for()
    raise web.HTTPFound(url if request.path == "/" else url.with_query(next=safe_next(request.path)))


async def _check_command(request: web.Request, origin: str, csrf: str) -> None:
    """Refuse a command that did not come from a page of this session.

    Raises:
        ApiError: 403, or 415 for a command that is not JSON; a form as for `body_of`.
    """
    if request.headers.getall("Origin", []) != [origin]:
        raise ApiError(403, "foreign_origin", "This command came from another site.")
    token = request.headers.get("X-CSRF-Token")
    if request.content_type == "application/x-www-form-urlencoded" and request.path == "/signout":
        token = await _form_token(request)
    elif request.content_type != "application/json":
        raise ApiError(415, "not_json", "Commands are JSON.")
    if token is None or not hmac.compare_digest(token.encode(errors="replace"), csrf.encode()):
        raise ApiError(403, "csrf", "This page is out of date. Please reload it.", retryable=True)


def _not_kept(error: StoreError) -> ApiError:
    if isinstance(error, StaleConversationError):
        text = "This conversation was changed elsewhere. Please reload the page."
        return ApiError(409, "changed_elsewhere", text)
    _log.warning("%s: %s", error, type(error.__cause__).__name__)
    text = "Conversations cannot be reached at the moment. Nothing was done; please try again."
    return ApiError(503, "not_kept", text, retryable=True)


async def _form_token(request: web.Request) -> str | None:
    await body_of(request)
    try:
        return str((await request.post()).get("csrf_token", ""))
    except (ValueError, LookupError):  # bytes that are no text, or in an encoding that does not exist
        return None


def _answer(request: web.Request, error: ApiError) -> web.Response:
    if error.status in (401, 403, 429):
        DENIALS[error.body["error"]["code"]] += 1
    if request.path.startswith("/api/"):
        headers = {"Cache-Control": "no-store", **error.headers}
        return web.json_response(error.body, status=error.status, headers=headers)
    inner = error.body["error"]
    context = {
        "status": error.status,
        "title": _title(error.status),
        "message": inner["message"],
        "error_id": inner.get("error_id"),
    }
    return render_template("error.html", request, context, status=error.status)


def _title(status: int) -> str:
    return {404: "Not found", 403: "Not allowed", 405: "Not possible"}.get(status, "Something went wrong")


def _wording(status: int) -> str:
    return {
        404: "There is nothing at this address, or it is not yours.",
        405: "This address cannot be used like that.",
        413: "That was too long.",
    }.get(status, "The request could not be answered.")
