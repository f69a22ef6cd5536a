"""What went wrong with the model or a server, in words for the person who waits."""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import openai
from azure.core.exceptions import ClientAuthenticationError

from mcpsecurity.bridge import BridgeError, SignInRequiredError

__all__ = ["INTERRUPTED", "Failure", "failure_of", "sign_in_needed"]


@dataclass(frozen=True, slots=True)
class Failure:
    """An error for the page: `retry_after` is in seconds."""

    code: str
    message: str
    retryable: bool
    retry_after: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the page's view."""
        body: dict[str, Any] = {"code": self.code, "message": self.message, "retryable": self.retryable}
        return body | ({"retry_after": self.retry_after} if self.retry_after is not None else {})


INTERRUPTED = Failure(
    "interrupted", "This answer was stopped before its end: the service was restarted.", retryable=True
)


def sign_in_needed(error: BaseException) -> SignInRequiredError | None:
    """Return the error among the causes that only a sign-in mends."""
    return next((e for e in _causes(error) if isinstance(e, SignInRequiredError)), None)


def failure_of(error: BaseException, error_id: str) -> Failure:
    """Return what to tell the person; the unknown gets a number that is in the log."""
    for cause in _causes(error):
        found = _of_model(cause)
        if found is not None:
            return found
        if isinstance(cause, BridgeError):
            return Failure("mcp", str(cause), retryable=True)
    return Failure(
        "internal", f"Something went wrong here (error {error_id}). Please try again.", retryable=True
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _of_model(error: BaseException) -> Failure | None:
    match error:
        case openai.RateLimitError():
            return _busy(error)
        case openai.AuthenticationError() | openai.PermissionDeniedError() | ClientAuthenticationError():
            text = "The model refuses this application's credentials. Its operator has to mend that."
            return Failure("model_unauthorized", text, retryable=False)
        case openai.NotFoundError():
            text = "The model's deployment does not exist. Its operator has to mend that."
            return Failure("model_not_found", text, retryable=False)
        case openai.BadRequestError() if error.code == "content_filter":
            text = "The model's content filter refused this conversation. Please put it in other words."
            return Failure("content_filter", text, retryable=False)
        case openai.BadRequestError() if error.code == "context_length_exceeded":
            text = "This conversation is too long for the model. Please begin a new one."
            return Failure("too_long", text, retryable=False)
        case openai.APITimeoutError():
            return Failure("model_timeout", "The model did not answer in time.", retryable=True)
        case openai.APIConnectionError():
            return Failure("model_unreachable", "The model cannot be reached at the moment.", retryable=True)
        case openai.APIStatusError():
            return Failure(
                "model_error",
                f"The model answered with an error ({error.status_code}).",
                retryable=error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
                or error.status_code in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT),
            )
        case openai.APIError():
            return Failure("model_error", "The model's answer broke off.", retryable=True)
    return None


def _busy(error: openai.RateLimitError) -> Failure:
    if error.code == "insufficient_quota":
        text = "The model's quota is used up. Its operator has to mend that."
        return Failure("model_quota", text, retryable=False)
    wait = _wait_of(error.response.headers)
    text = "The model has too much to do."
    return Failure(
        "model_busy",
        text + (f" Try again in {wait} seconds." if wait else ""),
        retryable=True,
        retry_after=wait,
    )


def _wait_of(headers: Mapping[str, str]) -> int | None:
    """Return the seconds to wait, rounded up: of `retry-after-ms`, or `Retry-After` (RFC 9110, 10.2.3)."""
    after = headers.get("Retry-After", "")
    try:
        if "retry-after-ms" in headers:
            return max(0, math.ceil(float(headers["retry-after-ms"]) / 1000))
        if after.replace(".", "", 1).isdigit():
            return math.ceil(float(after))
        seconds = parsedate_to_datetime(after).timestamp() - time.time()
    except (OverflowError, ValueError):
        return None
    return max(0, math.ceil(seconds))
