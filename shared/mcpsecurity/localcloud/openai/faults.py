"""Switches that make the endpoint fail, as Azure's does."""

from collections import deque
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ModelFault:
    """One failure: a status with Azure's error `code` and `message`; `retry_after` in seconds, for 429."""

    status: int
    code: str
    message: str
    retry_after: int | None = None

    @classmethod
    def rate_limit(cls, retry_after: int = 7) -> "ModelFault":
        """Return 429: too many tokens in the last minute."""
        return cls(
            429,
            "429",
            f"Requests to the ChatCompletions_Create Operation have exceeded the token rate limit. "
            f"Please retry after {retry_after} seconds.",
            retry_after,
        )

    @classmethod
    def content_filter(cls) -> "ModelFault":
        """Return 400: the prompt was filtered."""
        text = (
            "The response was filtered due to the prompt triggering Azure OpenAI's content management policy."
        )
        return cls(400, "content_filter", text)

    @classmethod
    def server_error(cls) -> "ModelFault":
        """Return 500."""
        return cls(500, "InternalServerError", "The server had an error while processing your request.")


@dataclass(slots=True)
class ModelFaults:
    """The next failures: each of `upcoming` happens to one request, in order."""

    upcoming: deque[ModelFault] = field(default_factory=deque)
    down: bool = False
    """Every connection is closed without an answer."""
    silent: bool = False
    """No answer ever comes."""
    drop_after: int | None = None
    """The connection breaks after this many pieces of a streamed answer."""
