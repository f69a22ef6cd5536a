"""What a refusal of a model's endpoint means, in the words of any provider.

The words are from documentation and public reports of OpenAI, Azure, Anthropic, Google, AWS, Databricks,
Mistral, xAI, Groq, Cohere, DeepSeek, Moonshot, Alibaba, GitHub, OpenRouter, LiteLLM, vLLM, SGLang, TGI,
transformers, mlx-lm, llama.cpp, LM Studio and Ollama.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

Kind = Literal[
    "filtered",
    "no_quota",
    "too_long",
    "busy",
    "no_tools",
    "no_pictures",
    "bad_call",
    "network",
    "credentials",
    "no_model",
    "no_address",
    "redirect",
    "loading",
    "passing",
    "refused",
]
"""`bad_call`: the model made a call that its endpoint could not read. `no_address`: the path does not exist.
`loading`: the model is being loaded. `passing`: the same request may succeed later. `refused`: it never will,
for another reason."""

_FILTERED = {"content_filter", "ResponsibleAIPolicyViolation", "content_policy_violation", "invalid_prompt"}
_FILTERED_WORDS = re.compile(r"^input flagged|flagged by .{0,20}moderation", re.IGNORECASE)
_NO_QUOTA = {"insufficient_quota", "billing_hard_limit_reached", "quota_exceeded", "budget_exceeded"}
_NO_CREDIT = re.compile(
    r"credit balance|insufficient (balance|credit|funds)|out of credits|have any credits"
    r"|exceeded your monthly|budget has been exceeded|key limit exceeded|out of call volume quota"
    r"|token quota is exceeded",
    re.IGNORECASE,
)
_TOO_LONG = {
    "context_length_exceeded",
    "exceed_context_size_error",
    "string_above_max_length",
    "request_too_large",
    "tokens_limit_reached",
}
_TOO_LONG_WORDS = re.compile(
    r"context (size|window|length)|maximum (prompt|input) length|number of tokens allowed|prompt exceeds max"
    r"|too many (input )?tokens|(prompt|input|request body)( is)? too (long|large)|range of input length"
    r"|exceed\w* .{0,20}token limit|must have less than \d+ tokens|too large for model"
    r"|maximum model length|`inputs` tokens .{0,40}must be",
    re.IGNORECASE,
)
_TOO_LARGE = re.compile(r"request too large|no user query found in messages", re.IGNORECASE)
"""How OpenAI and Groq refuse, with 413 or 429, requests beyond their limit of tokens a minute; and Ollama,
with 500, those of which it has cut off so much that the question is not among the rest."""
_BUSY = {"rate_limit_exceeded", "too_many_requests", "RESOURCE_EXHAUSTED", "REQUEST_LIMIT_EXCEEDED"}
_BAD_CALL = {"tool_use_failed"}
_NO_TOOLS = re.compile(
    r"does not support (?:tools|function|parameters: \['tools)|no endpoints found that support tool"
    r"|(?:\btools?|tool use|tool calling|function calling)[`'\"]? (?:is|are) not (?:supported|enabled)"
    r"|requires? --(?:enable-auto-tool-choice|jinja)",
    re.IGNORECASE,
)
_NO_PICTURES = re.compile(
    r"image inputs? (?:is|are) not supported|at most 0 image|not a multimodal model"
    r"|(?:does not|doesn't) support (?:images?|vision|multimodal)|no endpoints found that support image"
    r"|image_url.{0,40}not supported|cannot read .{0,20}images?|only .?text.? content type",
    re.IGNORECASE,
)
_LOADING = re.compile(
    r"^loading model|is (?:currently |still )?(?:being )?load(?:ing|ed)\b|model is not ready", re.IGNORECASE
)
_NETWORK = re.compile(
    r"firewall|virtual network|public (network )?access|private endpoint|user location is not supported",
    re.IGNORECASE,
)
_NO_KEY = re.compile(
    r"api key (is )?(not valid|invalid|not found|expired)|(invalid|incorrect) (api key|proxy server token)"
    r"|no connected db|missing or invalid authorization",
    re.IGNORECASE,
)
"""How a wrong key is refused with 400: by Gemini, xAI, and LiteLLM without a database."""
_NO_MODEL = {
    "DeploymentNotFound",
    "model_not_found",
    "unknown_model",
    "model_decommissioned",
    "model_not_available",
    "ModelDeprecated",
}
_STATUSES = {
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "throttling_error": 429,
    "overloaded_error": 529,
}
"""What Anthropic and LiteLLM call in the middle of an answer what has this status otherwise."""
_NO_MODEL_WORDS = re.compile(
    r"(model|deployment|endpoint).{0,60}(not found|not exist|decommissioned|deprecated)"
    r"|(unknown|invalid|no such) model|not a valid model|model identifier is invalid|non-serverless model"
    r"|does not support chat|repository not found|snapshot folder for the specified revision"
    r"|server is pinned to",
    re.IGNORECASE,
)


def kind_of(status: int | None, error: Mapping[str, Any]) -> Kind:
    """Return what a refusal means.

    Args:
        status: of HTTP; None for an error in the middle of an answer.
        error: as `error_in` returns it.
    """
    message, codes = str(error.get("message", "")), codes_of(error)
    told = status or told_status(error)
    if kind := _of_words(told, message, codes):
        return kind
    if status is None and told == _STATUSES["not_found_error"]:  # the address exists, as it answered
        return "no_model"
    return _of_status(told, message) if told else "passing"


def told_status(error: Mapping[str, Any]) -> int | None:
    """Return the status that an error within an answer gives as its code, as OpenRouter does, or by name."""
    code = str(error.get("code", ""))
    if re.fullmatch(r"[45]\d\d", code):
        return int(code)
    return next((_STATUSES[name] for name in sorted(codes_of(error)) if name in _STATUSES), None)


def codes_of(error: Mapping[str, Any]) -> set[str]:
    """Return each code of an error, wherever it has it."""
    inner = error.get("innererror")
    found: Iterable[Any] = (
        *(error.get(name) for name in ("code", "type", "error_code", "status", "error_type")),
        inner.get("code") if isinstance(inner, Mapping) else None,
    )
    return {str(code) for code in found if isinstance(code, str | int)}


def _of_words(status: int | None, message: str, codes: set[str]) -> Kind | None:
    """Return what codes and words say, which counts more than the status."""
    bad = status in (None, 400, 404, 410, 422)
    kinds: tuple[tuple[Kind, object], ...] = (
        ("filtered", codes & _FILTERED or _FILTERED_WORDS.search(message)),
        ("no_quota", codes & _NO_QUOTA or status == 402 or (status != 429 and _NO_CREDIT.search(message))),
        ("too_long", codes & _TOO_LONG or status == 413 or _TOO_LARGE.search(message)),
        ("too_long", bad and _TOO_LONG_WORDS.search(message)),
        ("busy", status == 429 or codes & _BUSY),
        ("no_tools", _NO_TOOLS.search(message)),
        ("no_pictures", _NO_PICTURES.search(message)),
        ("loading", status in (None, 500, 503) and _LOADING.search(message)),
        ("bad_call", codes & _BAD_CALL),
        ("network", status in (400, 403) and _NETWORK.search(message)),
        ("credentials", status in (401, 403) or (bad and _NO_KEY.search(message))),
        ("no_model", codes & _NO_MODEL or (bad and _NO_MODEL_WORDS.search(message))),
    )
    return next((kind for kind, fits in kinds if fits), None)


def _of_status(status: int, message: str) -> Kind:
    if status in (404, 405):
        return "no_model" if re.search("deployment|model", message, re.IGNORECASE) else "no_address"
    if status < 400:
        return "redirect"
    return "passing" if status >= 500 or status in (408, 409) else "refused"
