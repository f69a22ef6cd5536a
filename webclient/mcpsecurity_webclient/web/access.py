"""Access rules for every request: a signed-in person, commands from our own pages only, errors as answers."""

import hmac
import logging
import secrets
from collections import Counter
from typing import Any

from aiohttp import web
from aiohttp_jinja2 import render_template
from aiohttp_session import get_session

from mcpsecurity.redis.errors import RedisUnavailableError
from mcpsecurity.runtime.request_context import begin_request
from mcpsecurity_webclient.auth.person import PERSON, Handler, Person
from mcpsecurity_webclient.auth.urls import safe_next
from mcpsecurity_webclient.errors import StoreUnavailableError
from mcpsecurity_webclient.languages import gettext as _
from mcpsecurity_webclient.languages import marked
from mcpsecurity_webclient.settings import WebSettings
from mcpsecurity_webclient.web.bodies import body_of
from mcpsecurity_webclient.web.errors import ApiError, to_api_error

_log = logging.getLogger(__name__)

_OUTDATED = marked("This page is out of date. Please reload it.")

DENIALS: Counter[str] = Counter()
"""Counts the refused requests of this process, by error code."""


@web.middleware
async def number_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give each request its correlation id; a run that the request starts logs with the same id."""
    begin_request()
    return await handler(request)


def guard_middleware(settings: WebSettings) -> Any:
    """Return the middleware that requires a signed-in person, and commands that come from our own pages."""

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
    """Turn errors into answers. An unexpected error gets an id, and a line with its traceback in the log."""
    try:
        return await handler(request)
    except web.HTTPRedirection:
        raise
    except Exception as error:  # noqa: BLE001 - the boundary of the application
        if isinstance(error, StoreUnavailableError | RedisUnavailableError):
            _log.warning("%s: %s", error, type(error.__cause__).__name__)
        return _answer(request, to_api_error(error, request) or _unexpected(request))


def _unexpected(request: web.Request) -> ApiError:
    error_id = secrets.token_hex(4)
    _log.exception("request failed (error %s): %s %s", error_id, request.method, request.path)
    text = _("Something went wrong (reference {error_id}). Please try again.").format(error_id=error_id)
    return ApiError(500, "internal", text, retryable=True, error_id=error_id)


def _sign_in(request: web.Request) -> web.Response:
    if request.path.startswith("/api/"):
        return _answer(
            request,
            ApiError(401, "signed_out", _("Your session has ended. Please sign in."), sign_in_url="/signin"),
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
        raise ApiError(403, "foreign_origin", _(_OUTDATED))
    token = request.headers.get("X-CSRF-Token")
    if request.content_type == "application/x-www-form-urlencoded" and request.path == "/signout":
        token = await _form_token(request)
    elif request.content_type != "application/json":
        raise ApiError(415, "not_json", _(_OUTDATED))
    if token is None or not hmac.compare_digest(token.encode(errors="replace"), csrf.encode()):
        raise ApiError(403, "csrf", _(_OUTDATED), retryable=True)


async def _form_token(request: web.Request) -> str | None:
    await body_of(request)
    try:
        return str((await request.post()).get("csrf_token", ""))
    except (ValueError, LookupError):  # bytes that are not text, or an unknown encoding
        return None


def _answer(request: web.Request, error: ApiError) -> web.Response:
    if error.status in (401, 403, 429):
        DENIALS[error.code] += 1
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
    return {404: _("Not found"), 403: _("Not allowed"), 405: _("Not possible")}.get(
        status, _("Something went wrong")
    )
