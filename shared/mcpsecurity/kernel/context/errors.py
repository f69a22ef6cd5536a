"""Requests that are too long for a model, and its refusals of them."""

import json
from typing import Any

import openai

from mcpsecurity.kernel.model.errors import ProviderError
from mcpsecurity.model_error import error_of
from mcpsecurity.model_refusal import Kind, kind_of
from mcpsecurity.runtime.failures import causes

_TOO_LONG = {
    "message": "This message is longer than what the model reads for one answer. Please make it shorter.",
    "tools": "The descriptions of the tools are longer than what the model reads for one answer.",
}


class TooLongError(Exception):
    """Not even the last message fits into the model's context window. `what` is `message` or `tools`."""

    def __init__(self, what: str) -> None:
        super().__init__(_TOO_LONG[what])
        self.what = what


def overflow_in(error: BaseException) -> str | None:
    """Return the endpoint's words for a request that is too long for the model; None for another error."""
    kind, body = _refusal_in(error)
    return json.dumps(body, default=str) if kind == "too_long" else None


def refuses_pictures(error: BaseException) -> bool:
    """Tell whether the endpoint says that the model sees no pictures."""
    return _refusal_in(error)[0] == "no_pictures"


def _refusal_in(error: BaseException) -> tuple[Kind | None, Any]:
    """Return what the endpoint's refusal means, and its body."""
    for cause in causes(error):
        if isinstance(cause, openai.APIError | ProviderError):
            status = cause.status_code if isinstance(cause, openai.APIStatusError) else None
            return kind_of(status, error_of(cause.body)), cause.body
    return None, None
