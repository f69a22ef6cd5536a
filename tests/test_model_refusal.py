"""What refusals mean, in the words of those who send them (the sources are named in the module)."""

from typing import Any

import pytest
from tests.support.recorded import REFUSALS

from mcpsecurity.model_error import error_in
from mcpsecurity.model_refusal import Kind, kind_of

Case = tuple[Kind, int | None, Any]

CASES: dict[str, Case] = {
    "Groq's tools": (
        "no_tools",
        400,
        {"error": {"message": "`tool calling` is not supported with this model"}},
    ),
    "Mistral's tools": ("no_tools", 400, {"message": "Function calling is not enabled for this model"}),
    "GitHub's tools": ("no_tools", 422, {"error": {"message": "'tools' is not supported with this model"}}),
    "LiteLLM's tools": ("no_tools", 400, {"error": {"message": "x does not support parameters: ['tools']"}}),
    "OpenRouter's name": ("no_model", 400, {"error": {"message": "foo/bar is not a valid model ID"}}),
    "Groq's old model": (
        "no_model",
        400,
        {"error": {"code": "model_decommissioned", "message": "The model `x` has been decommissioned"}},
    ),
    "Azure's old model": ("no_model", 410, {"error": {"message": "The model gpt-4 has been deprecated."}}),
    "Bedrock's name": ("no_model", 400, {"error": {"message": "The provided model identifier is invalid."}}),
    "Ollama's embedding": ("no_model", 400, {"error": {"message": '"bge-m3" does not support chat'}}),
    "vLLM's new length": (
        "too_long",
        400,
        {"error": {"message": "The decoder prompt is longer than the maximum model length of 4096."}},
    ),
    "TGI's sum": (
        "too_long",
        422,
        {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096."},
    ),
    "Ollama's cut request": (
        "too_long",
        500,
        {"error": {"message": "no user query found in messages", "type": "api_error"}},
    ),
    "llama.cpp's pictures": (
        "no_pictures",
        500,
        {"error": {"message": "image input is not supported - hint"}},
    ),
    "vLLM's pictures": ("no_pictures", 400, {"error": {"message": "At most 0 image(s) may be provided"}}),
    "vLLM's text": ("no_pictures", 400, {"error": {"message": "x is not a multimodal model"}}),
    "API Management's tokens": (
        "no_quota",
        403,
        {"statusCode": 403, "message": "Token quota is exceeded. Try again in 3 days."},
    ),
    "API Management's rate": (
        "busy",
        429,
        {"statusCode": 429, "message": "Token limit is exceeded. Try again in 32 seconds."},
    ),
    "OpenRouter's provider": (
        "too_long",
        400,
        {
            "error": {
                "message": "Provider returned error",
                "code": 400,
                "metadata": {
                    "raw": '{"error":{"message":"prompt is too long: 210000 tokens > 200000 maximum"}}'
                },
            }
        },
    ),
    "OpenRouter's pictures": (
        "no_pictures",
        404,
        {"error": {"message": "No endpoints found that support image input"}},
    ),
    "llama.cpp's start": ("loading", 503, {"error": {"code": 503, "message": "Loading model"}}),
    "Hugging Face's start": ("loading", 503, {"error": "Model x is currently loading"}),
    "Gemini's header": (
        "credentials",
        400,
        {"error": {"message": "Missing or invalid Authorization header."}},
    ),
    "Gemini's region": (
        "network",
        400,
        {"error": {"message": "User location is not supported for the API use."}},
    ),
    "API Management's quota": ("no_quota", 403, {"statusCode": 403, "message": "Out of call volume quota."}),
    "OpenRouter's key limit": ("no_quota", 403, {"error": {"message": "Key limit exceeded (total limit)."}}),
    "OpenRouter's moderation": ("filtered", 403, {"error": {"code": 403, "message": "Input flagged"}}),
    "OpenAI's key": (
        "credentials",
        401,
        {"error": {"code": "invalid_api_key", "message": "Incorrect API key"}},
    ),
    "Gemini's key": (
        "credentials",
        400,
        [
            {
                "error": {
                    "code": 400,
                    "message": "API key not valid. Please pass one.",
                    "status": "INVALID_ARGUMENT",
                }
            }
        ],
    ),
    "xAI's key": (
        "credentials",
        400,
        {"code": "Client specified an invalid argument", "error": "Incorrect API key provided: xa***"},
    ),
    "Mistral's key": ("credentials", 401, {"message": "Unauthorized", "request_id": "r"}),
    "FastAPI's key": ("credentials", 403, {"detail": "Not authenticated"}),
    "LiteLLM's key": ("credentials", 400, {"error": {"message": "No connected db.", "code": "400"}}),
    "Databricks' token": ("credentials", 403, {"error_code": "403", "message": "Invalid access token."}),
    "Azure's role": (
        "credentials",
        403,
        {"error": {"code": "PermissionDenied", "message": "lacks the action"}},
    ),
    "Azure's network": (
        "network",
        403,
        {"error": {"code": "403", "message": "Access denied due to Virtual Network/Firewall rules."}},
    ),
    "Azure's public access": (
        "network",
        403,
        {
            "error": {
                "code": "403",
                "message": "Public access is disabled. Please configure private endpoint.",
            }
        },
    ),
    "Azure's deployment": (
        "no_model",
        404,
        {"error": {"code": "DeploymentNotFound", "message": "The API …"}},
    ),
    "Foundry's model": ("no_model", 400, {"error": {"code": "unknown_model", "message": "Unknown model: x"}}),
    "Ollama's model": ("no_model", 404, {"error": {"message": 'model "x" not found, try pulling it first'}}),
    "Anthropic's model": (
        "no_model",
        404,
        {"error": {"code": "not_found_error", "message": "model: claude-x"}},
    ),
    "LiteLLM's model": (
        "no_model",
        400,
        {"error": {"message": "/chat/completions: Invalid model name passed in"}},
    ),
    "Databricks' endpoint": (
        "no_model",
        404,
        {
            "error_code": "RESOURCE_DOES_NOT_EXIST",
            "message": "The given endpoint does not exist, please retry",
        },
    ),
    "a proxy's page": ("no_address", 404, "<html><body>404</body></html>"),
    "FastAPI's path": ("no_address", 404, {"detail": "Not Found"}),
    "FastAPI's method": ("no_address", 405, {"detail": "Method Not Allowed"}),
    "OpenAI's quota": (
        "no_quota",
        429,
        {"error": {"code": "insufficient_quota", "message": "You exceeded …"}},
    ),
    "DeepSeek's balance": ("no_quota", 402, {"error": {"message": "Insufficient Balance"}}),
    "OpenRouter's credits": ("no_quota", 402, {"error": {"code": 402, "message": "Insufficient credits"}}),
    "OpenRouter's credits later": (
        "no_quota",
        None,
        {"error": {"code": 402, "message": "Insufficient credits"}},
    ),
    "Anthropic's credit": (
        "no_quota",
        400,
        {"error": {"message": "Your credit balance is too low to access the Anthropic API."}},
    ),
    "xAI's credit": (
        "no_quota",
        403,
        {"code": "x", "error": "Your team doesn't have any credits or licenses"},
    ),
    "LiteLLM's budget": (
        "no_quota",
        400,
        {"error": {"message": "Budget has been exceeded! Current cost: 1", "type": "budget_exceeded"}},
    ),
    "Gemini's minute": (
        "busy",
        429,
        [
            {
                "error": {
                    "code": 429,
                    "message": "You exceeded your current quota",
                    "status": "RESOURCE_EXHAUSTED",
                }
            }
        ],
    ),
    "Databricks' minute": ("busy", 429, {"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "Exceeded …"}),
    "Cohere's trial": (
        "busy",
        429,
        {"message": "You are using a Trial key, which is limited to 20 API calls"},
    ),
    "OpenRouter's limit later": ("busy", None, {"error": {"code": 429, "message": "Rate limit exceeded"}}),
    "Groq's size": (
        "too_long",
        413,
        {
            "error": {
                "message": "Request too large for model `x` on tokens per minute",
                "code": "rate_limit_exceeded",
            }
        },
    ),
    "OpenAI's size": (
        "too_long",
        429,
        {
            "error": {
                "message": "Request too large for gpt-x on tokens per min",
                "code": "rate_limit_exceeded",
            }
        },
    ),
    "GitHub's size": (
        "too_long",
        413,
        {
            "error": {
                "code": "tokens_limit_reached",
                "message": "Request body too large for gpt-4o. Max size: 8000",
            }
        },
    ),
    "nginx's size": (
        "too_long",
        413,
        "<html><head><title>413 Request Entity Too Large</title></head></html>",
    ),
    "Anthropic's length": (
        "too_long",
        400,
        {"error": {"message": "prompt is too long: 210000 tokens > 200000 maximum"}},
    ),
    "Gemini's length": (
        "too_long",
        400,
        [
            {
                "error": {
                    "code": 400,
                    "message": "The input token count (2) exceeds the maximum number of tokens allowed (1).",
                }
            }
        ],
    ),
    "xAI's length": (
        "too_long",
        400,
        {
            "code": "x",
            "error": "This model's maximum prompt length is 131072 but the request contains 150000 tokens.",
        },
    ),
    "SGLang's length": (
        "too_long",
        400,
        {
            "object": "error",
            "message": "The input (5000 tokens) is longer than the model's context length (4096 tokens).",
        },
    ),
    "TGI's length": (
        "too_long",
        422,
        {
            "error": "Input validation error: `inputs` must have less than 4095 tokens. Given: 5000",
            "error_type": "validation",
        },
    ),
    "Bedrock's length": ("too_long", 400, {"error": {"message": "Input is too long for requested model."}}),
    "Moonshot's length": (
        "too_long",
        400,
        {"error": {"message": "Invalid request: Your request exceeded model token limit: 262144"}},
    ),
    "LM Studio's length later": (
        "too_long",
        None,
        {"error": {"message": "the model is loaded with context length of only 4096 tokens"}},
    ),
    "LiteLLM's length": (
        "too_long",
        400,
        {
            "error": {
                "message": "litellm.ContextWindowExceededError: this is a mock context window exceeded error"
            }
        },
    ),
    "an answer's limit": (
        "refused",
        400,
        {
            "error": {
                "message": "max_tokens: 99999 > 64000, which is the maximum allowed number of output tokens"
            }
        },
    ),
    "OpenRouter's tools": (
        "no_tools",
        404,
        {"error": {"code": 404, "message": "No endpoints found that support tool use."}},
    ),
    "Groq's call": (
        "bad_call",
        400,
        {"error": {"message": "Failed to call a function.", "code": "tool_use_failed"}},
    ),
    "Azure's filter": ("filtered", 400, {"error": {"code": "content_filter", "message": "…"}}),
    "a page that moved": ("redirect", 302, ""),
    "Anthropic's load": (
        "passing",
        529,
        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
    ),
    "Cloudflare's page": ("passing", 524, "error code: 524"),
    "OpenRouter's provider later": (
        "passing",
        None,
        {"error": {"code": 502, "message": "Provider returned error"}},
    ),
    "LiteLLM's model later": (
        "no_model",
        None,
        {
            "type": "error",
            "error": {"type": "error", "code": "not_found_error", "message": "litellm.NotFoundError: b'…'"},
        },
    ),
    "LiteLLM's key later": (
        "credentials",
        None,
        {"type": "error", "error": {"code": "authentication_error", "message": "litellm: b'…'"}},
    ),
    "Anthropic's limit later": (
        "busy",
        None,
        {"type": "error", "error": {"type": "rate_limit_error", "message": "This would exceed your limit"}},
    ),
    "Anthropic's bill later": ("no_quota", None, {"error": {"type": "billing_error", "message": "…"}}),
    "Anthropic's load later": (
        "passing",
        None,
        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
    ),
    "LiteLLM's cooldown": (
        "busy",
        429,
        {
            "error": {
                "message": "No deployments available for selected model, Try again in 5 seconds.",
                "type": "all_deployments_in_cooldown",
                "code": "429",
            }
        },
    ),
    "an unknown error": ("passing", None, {"error": {"message": "no"}}),
    "a wrong value": (
        "refused",
        400,
        {"error": {"message": "Invalid value for temperature", "code": "other"}},
    ),
    "FastAPI's validation": ("refused", 422, {"detail": [{"loc": ["body", "x"], "msg": "not permitted"}]}),
}


@pytest.mark.parametrize("case", [*CASES.values(), *REFUSALS.values()], ids=[*CASES, *REFUSALS])
def test_a_refusal_means_the_same_in_whichever_words(case: Case) -> None:
    kind, status, body = case
    assert kind_of(status, error_in(body) or {}) == kind
