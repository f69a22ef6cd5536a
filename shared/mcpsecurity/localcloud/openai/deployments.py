"""The deployments of the local Azure OpenAI, each with the limits and parameters of a kind of model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mcpsecurity.localcloud.openai.refusal import RefusedError

MODEL_NAME = "offline-model"
"""The deployment that the demo uses."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment.

    Attributes:
        name: its name, which is also what answers name as their model.
        reasons: it thinks before it speaks, and takes tools by the Responses API only, as GPT-5.6 does.
        sees: it takes pictures.
        window: how many tokens it reads and writes for one answer.
    """

    name: str
    reasons: bool = False
    sees: bool = False
    window: int = 1_000_000

    def check_length(self, tokens: int, answer: Any, *, responses: bool) -> None:
        """Raise `RefusedError` for a request of more tokens than the window has, with the answer's limit."""
        asked = tokens + (answer if isinstance(answer, int) else 0)
        if asked <= self.window:
            return
        text = (
            f"This model's maximum context length is {self.window} tokens. However, you requested "
            f"{asked} tokens ({tokens} in the messages, {asked - tokens} in the completion). Please reduce "
            "the length of the messages or completion."
        )
        if responses:
            text = (
                "Your input exceeds the context window of this model. Please adjust your input and try again."
            )
        raise RefusedError(text, param="input" if responses else "messages", code="context_length_exceeded")

    def check_chat(self, body: Mapping[str, Any]) -> None:
        """Raise `RefusedError` for parameters that this kind of model refuses in Chat Completions."""
        if self.reasons:
            if "max_tokens" in body:
                raise _unsupported_parameter("max_tokens", "max_completion_tokens")
            self._check_sampling(body)
            if body.get("tools") and body.get("reasoning_effort") != "none":
                text = (
                    f"Function tools with reasoning_effort are not supported for {self.name} in "
                    "/v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort "
                    "to 'none'."
                )
                raise RefusedError(text, param="reasoning_effort")
        elif body.get("reasoning_effort") is not None:
            raise _unrecognized("reasoning_effort")

    def check_responses(self, body: Mapping[str, Any]) -> None:
        """Raise `RefusedError` for parameters that this kind of model refuses in Responses."""
        if self.reasons:
            self._check_sampling(body)
            return
        if body.get("reasoning"):
            name = next(iter(body["reasoning"])) if isinstance(body["reasoning"], dict) else "effort"
            raise _not_with_this_model(f"reasoning.{name}")
        if "reasoning.encrypted_content" in (body.get("include") or ()):
            raise RefusedError("Encrypted content is not supported with this model.", param="include")

    def check_picture(self, where: str) -> None:
        """Raise `RefusedError` for an image if the model accepts none."""
        if not self.sees:
            text = "Invalid content type. image_url is only supported by certain models."
            raise RefusedError(text, param=where, code="invalid_value")

    def _check_sampling(self, body: Mapping[str, Any]) -> None:
        for name in ("temperature", "top_p"):
            if body.get(name) not in (None, 1):
                raise _not_with_this_model(name)
        if body.get("stop") is not None:
            raise _not_with_this_model("stop")


DEPLOYMENTS = {
    each.name: each
    for each in (
        Deployment(MODEL_NAME),
        Deployment("offline-reasoning", reasons=True),
        Deployment("offline-vision", sees=True),
    )
}


def _unsupported_parameter(name: str, other: str) -> RefusedError:
    text = f"Unsupported parameter: '{name}' is not supported with this model. Use '{other}' instead."
    return RefusedError(text, param=name, code="unsupported_parameter")


def _not_with_this_model(name: str) -> RefusedError:
    text = f"Unsupported parameter: '{name}' is not supported with this model."
    return RefusedError(text, param=name, code="unsupported_parameter")


def _unrecognized(name: str) -> RefusedError:
    return RefusedError(f"Unrecognized request argument supplied: {name}", param=name)
