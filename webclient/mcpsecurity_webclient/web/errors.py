"""HTTP answers for errors: `to_api_error` translates the package's errors at the edge, in one place."""

from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from mcpsecurity.client import BridgeError, SignInRequiredError
from mcpsecurity.elicitation import InvalidContentError
from mcpsecurity.redis.errors import RedisUnavailableError
from mcpsecurity_webclient.auth.urls import sign_in_url
from mcpsecurity_webclient.errors import (
    AlreadyDecidedError,
    BusyError,
    InvalidArgumentsError,
    NoMoreTimeError,
    NothingToDoError,
    RequestEndedError,
    RequestExpiredError,
    StaleConversationError,
    StoreError,
    TooManyChatsError,
    TooManyStreamsError,
    UnknownRequestError,
    UnknownServerError,
    WebClientError,
)
from mcpsecurity_webclient.languages import gettext as _
from mcpsecurity_webclient.languages import marked, translated

_ENDED: Final = marked("This request has ended: the service was restarted. Try again to be asked anew.")
_STALE: Final = marked("This chat was changed elsewhere. Please reload the page.")
_TOO_MANY_CHATS: Final = marked("There are too many chats, and all of them are busy.")
_TOO_MANY_TABS: Final = marked("This chat is open in too many tabs. Close some of them.")
_ANSWERS: Final[tuple[tuple[type[Exception], int, str, str], ...]] = (
    (UnknownRequestError, 404, "no_such_request", marked("There is nothing of that kind here.")),
    (UnknownServerError, 404, "no_such_server", marked("There is no such MCP server.")),
    (AlreadyDecidedError, 409, "already_decided", marked("This was already decided.")),
    (RequestExpiredError, 410, "expired", marked("It is too late: this has expired.")),
    (RequestEndedError, 410, "ended", _ENDED),
    (NoMoreTimeError, 409, "no_more_time", marked("There is no more time to be had.")),
    (BusyError, 409, "busy", marked("An answer is being written. Stop it, or wait for it.")),
    (NothingToDoError, 409, "nothing_to_do", marked("There is nothing left to do.")),
    (TooManyChatsError, 429, "too_many_chats", _TOO_MANY_CHATS),
    (TooManyStreamsError, 429, "too_many_streams", _TOO_MANY_TABS),
    (StaleConversationError, 409, "changed_elsewhere", _STALE),
)  # fmt: skip
_HTTP_TEXTS: Final = {
    404: marked("There is nothing at this address, or it is not yours."),
    405: marked("This address cannot be used like that."),
    413: marked("That was too long."),
}


class ApiError(WebClientError):
    """An answer to a command (docs/chat-protocol.md): status, code, and a message for the person."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        retryable: bool = False,
        fields: dict[str, str] | None = None,
        sign_in_url: str | None = None,
        error_id: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = {"Retry-After": str(retry_after)} if retry_after is not None else {}
        more = {
            "fields": fields,
            "sign_in_url": sign_in_url,
            "error_id": error_id,
            "retry_after": retry_after,
        }
        self.body: dict[str, Any] = {
            "error": {
                "code": code,
                "message": message,
                "retryable": retryable,
                **{key: value for key, value in more.items() if value is not None},
            }
        }


def to_api_error(error: Exception, request: web.Request) -> ApiError | None:
    """Return the answer for an error that a handler raised; None for an unexpected error."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, web.HTTPException):
        text = _(_HTTP_TEXTS.get(error.status, marked("The request could not be answered.")))
        return ApiError(error.status, "http", text)
    for kind, status, code, text in _ANSWERS:
        if isinstance(error, kind):
            return ApiError(status, code, _(text))
    if isinstance(error, InvalidArgumentsError | InvalidContentError):
        fields = {name: translated(message) for name, message in error.fields.items()}
        return ApiError(422, "invalid", _("Some values do not fit."), fields=fields)
    return _unavailable(error) or _from_server(error, request)


def _unavailable(error: Exception) -> ApiError | None:
    status = HTTPStatus.SERVICE_UNAVAILABLE
    if isinstance(error, RedisUnavailableError):
        text = _("The chat cannot be reached at the moment. Nothing was done; please try again.")
        return ApiError(status, "not_shared", text, retryable=True)
    if isinstance(error, StoreError):
        text = _("Chats cannot be reached at the moment. Nothing was done; please try again.")
        return ApiError(status, "not_kept", text, retryable=True)
    return None


def _from_server(error: Exception, request: web.Request) -> ApiError | None:
    if isinstance(error, SignInRequiredError):
        chat_id = request.match_info.get("chat_id")
        url = sign_in_url(f"/chats/{chat_id}" if chat_id else "/", error.claims, error.scope)
        return ApiError(401, "sign_in", _("Please sign in again; your chat is kept."), sign_in_url=url)
    if isinstance(error, BridgeError):
        return ApiError(502, "mcp", translated(str(error)), retryable=True)
    return None
