"""What goes wrong with a model besides what the `openai` client tells of."""

from typing import Any

__all__ = ["BrokenOffError", "NotAStreamError", "ProviderError"]


class BrokenOffError(Exception):
    """The connection broke, or the stream ended before the answer did."""


class ProviderError(Exception):
    """The endpoint ended its stream with an error. `body` is what it says of it; `headers`, a mapping of
    strings, are the answer's."""

    def __init__(self, body: Any) -> None:
        super().__init__("the model's endpoint ended its answer with an error")
        self.body = body
        self.headers: Any = {}


class NotAStreamError(ProviderError):
    """The endpoint answered with success, and not with an answer; `body` is the error in it, if any."""

    def __init__(self, body: Any = None) -> None:
        super().__init__(body)
