"""What cannot be sent to a model, and what it refused because it was too much."""

import json

import openai

from mcpsecurity.kernel.model.errors import ProviderError
from mcpsecurity.model_error import error_of
from mcpsecurity.model_refusal import kind_of
from mcpsecurity.runtime.failures import causes

__all__ = ["TooLongError", "overflow_in"]

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
    for cause in causes(error):
        if isinstance(cause, openai.APIError | ProviderError):
            status = cause.status_code if isinstance(cause, openai.APIStatusError) else None
            too_long = kind_of(status, error_of(cause.body)) == "too_long"
            return json.dumps(cause.body, default=str) if too_long else None
    return None
