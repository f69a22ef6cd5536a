"""An error as a model's endpoint words it, in whichever form it comes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_WORDS = ("message", "Message", "msg", "error_msg", "errorMessage", "detail")
"""Names of what an error says."""


_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Refusal:
    """A status that tells of a failure, and what its body says of it; "" for what it does not."""

    status_code: int
    message: str
    code: str
    param: str


def error_in(body: Any) -> Mapping[str, Any] | None:
    """Return the error in a body or in an event of a stream; None without an error.

    OpenAI wraps an object in `error`; Gemini puts that into a list, Cloudflare has a list of `errors`,
    Mistral and old versions of vLLM leave the wrapping out, FastAPI writes `detail`, and some write a text.
    `message` is always text.
    """
    if isinstance(body, list):
        return next((found for item in body if (found := error_in(item)) is not None), None)
    if not isinstance(body, Mapping):
        return None
    response = body.get("response")
    error = response.get("error") if isinstance(response, Mapping) else body.get("error")
    if error is None and (body.get("type") == "error" or body.get("object") in ("error", "Error")):
        error = body
    if error is None and "detail" in body:
        error = {"message": body["detail"]}
    if error is None and any(isinstance(body.get(name), str) for name in _WORDS):
        error = body
    error = _first(body) if error is None else error
    if not isinstance(error, Mapping):
        return {"message": _text(error)} if error else None
    if not any(error.get(name) for name in _WORDS) and isinstance(inner := _first(error), Mapping):
        error = inner
    said = next((_text(error[name]) for name in _WORDS if error.get(name)), "")
    return {**error, "message": said + _upstream(error)}


def _upstream(error: Mapping[str, Any]) -> str:
    """Return what OpenRouter repeats of the provider behind it, after "Provider returned error"."""
    metadata = error.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, Mapping) else None
    return f": {_text(raw)[:_LONGEST]}" if raw else ""


def _first(body: Mapping[str, Any]) -> Any:
    """Return the first one of a list of errors; None without any."""
    errors = body.get("errors")
    return errors[0] if isinstance(errors, list) and errors else None


def error_of(body: Any) -> Mapping[str, Any]:
    """Return the error in the body that an error of the `openai` client has, without its wrapping."""
    return error_in(body if isinstance(body, list) else {"error": body}) or {}


def refusal_of(status: int, body: Any) -> Refusal:
    """Return the refusal in an error of the `openai` client, whose own message may lack the words."""
    error = error_of(body)
    return Refusal(status, error.get("message", ""), _text(error.get("code")), _text(error.get("param")))


def _text(said: Any) -> str:
    if isinstance(said, str):
        return said
    return "" if said is None else json.dumps(said, default=str)
