"""What goes wrong with a model besides what the `openai` client tells of."""

from typing import Any

__all__ = ["BrokenOffError", "NotAStreamError", "ProviderError"]


class BrokenOffError(Exception):
    """The connection broke, or the stream ended before the answer did."""


class NotAStreamError(Exception):
    """The endpoint answered with success, and with something else than a stream of events."""


class ProviderError(Exception):
    """The endpoint ended its stream with an error. `body` is what it says of it; `headers`, a mapping of
    strings, are the answer's."""

    def __init__(self, body: Any) -> None:
        super().__init__("the model's endpoint ended its answer with an error")
        self.body = body
        self.headers: Any = {}
