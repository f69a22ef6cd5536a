"""Stand-ins for endpoints that people use beside Azure: what each streams, wants back, and refuses.

The shapes are from public reports and documentation, named beside each.
"""

from typing import Any

from tests.support.clouds import CLOUDS
from tests.support.partner import (
    ARGUMENTS,
    DONE,
    PROMPT_FILTER,
    SAFE,
    WRITTEN,
    Body,
    Events,
    Partner,
    Refused,
    call,
    chunk,
    error,
    in_messages,
    plain,
    since_question,
    words,
)

__all__ = ["PARTNERS"]


# DeepSeek V4, Kimi: api-docs.deepseek.com/guides/thinking_mode; NousResearch/hermes-agent#18263
def _deepseek_calls(name: str) -> Events:
    begun = call(name, "", index=0, id="call_00_x")
    rest = [{"index": 0, "function": {"arguments": piece}} for piece in ('{"city"', ': "Bern"}')]
    head: Body = {"role": "assistant", "content": None, "reasoning_content": "The person"}
    thought = [chunk(head), chunk({"content": None, "reasoning_content": " wants to know."})]
    details = {"reasoning_tokens": 1}
    usage = {"prompt_tokens": 300, "completion_tokens": 2, "completion_tokens_details": details}
    return [
        ": keep-alive\n\n",
        *thought,
        *(chunk({"tool_calls": [m]}) for m in (begun, *rest)),
        chunk({"content": ""}, "tool_calls", usage=usage),
        DONE,
    ]


def _deepseek_refuses(body: Body) -> Refused | None:
    called = any(message.get("tool_calls") for message in body["messages"])
    for message in in_messages(body, "assistant"):
        thought = message.get("reasoning_content")
        if called and not thought:
            return Refused(
                400, error("The `reasoning_content` in the thinking mode must be passed back to the API.")
            )
        if message.get("tool_calls") and thought != "The person wants to know.":
            return Refused(400, error("This is not what I thought."))
    return None


# Gemini: googleapis/python-genai#2868, open-webui/computer#224
_SIGNED = {"extra_content": {"google": {"thought_signature": "c2lnbmVk"}}}


def _gemini_calls(name: str) -> Events:
    return [
        chunk({"role": "assistant", "tool_calls": [call(name, id="function-call-1", **_SIGNED)]}),
        chunk({"role": "assistant", "content": ""}, "stop"),
        DONE,
    ]


def _gemini_refuses(body: Body) -> Refused | None:
    made = [c for message in since_question(body) for c in message.get("tool_calls", ())]
    if all(c.get("extra_content") == _SIGNED["extra_content"] for c in made):
        return None
    text = "Function call is missing a thought_signature in functionCall parts."
    return Refused(400, [{"error": {"code": 400, "message": text, "status": "INVALID_ARGUMENT"}}])


# Mistral: editor-code-assistant/eca#231 and #233, dnakov/anon-kode#53
def _forbidden(*where: str) -> Body:
    detail = [{"type": "extra_forbidden", "loc": ["body", *where], "msg": "Extra inputs are not permitted"}]
    return {
        "object": "error",
        "message": {"detail": detail},
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }


def _mistral_refuses(body: Body) -> Refused | None:
    for name in ("max_completion_tokens", "stream_options", "user", "reasoning_content"):
        if name in body:
            return Refused(422, _forbidden(name))
    for message in body["messages"]:
        if extra := message.keys() - {"role", "content", "tool_calls", "tool_call_id", "name"}:
            return Refused(422, _forbidden("messages", "0", *extra))
        ids = [made["id"] for made in message.get("tool_calls", ())] + [message.get("tool_call_id", "a" * 9)]
        if bad := [i for i in ids if len(i) != 9 or not i.isalnum()]:
            text = f"Tool call id was {bad[0]} but must be a-z, A-Z, 0-9, with a length of 9."
            return Refused(
                400, {"object": "error", "message": text, "type": "invalid_function_call", "code": "3280"}
            )
    return None


# OpenRouter: openrouter.ai/docs/api/reference/streaming and /use-cases/reasoning-tokens
_DETAIL = {"type": "reasoning.text", "index": 0, "format": "x", "signature": None}


def _openrouter_calls(name: str) -> Events:
    def thought(text: str, **more: Any) -> Body:
        details = [_DETAIL | {"text": text} | more]
        return chunk({"role": "assistant", "content": "", "reasoning": text, "reasoning_details": details})

    made = {"tool_calls": [call(name, index=0, id="toolu_1")], "role": "assistant", "content": None}
    comment = ": OPENROUTER PROCESSING\n\n"
    usage = {"prompt_tokens": 300, "completion_tokens": 2, "cost": 0.1}
    last = {"id": "c", "choices": [chunk({}, "tool_calls")["choices"][0]], "usage": usage}
    return [comment, comment, thought("I "), comment, thought("see.", signature="s"), chunk(made), last, DONE]


def _openrouter_refuses(body: Body) -> Refused | None:
    made = [message for message in in_messages(body, "assistant") if message.get("tool_calls")]
    whole = [_DETAIL | {"text": "I see.", "signature": "s"}]
    if not made or body["messages"][-1]["role"] != "tool" or made[-1].get("reasoning_details") == whole:
        return None
    return Refused(400, error("Provider returned error", code=400, metadata={"raw": "no reasoning"}))


# Azure's dated API with the asynchronous filter: openai/openai-python#1677, microsoft/autogen#6465
def _azure_calls(name: str) -> Events:
    made = [
        {"index": 0, "id": "call_1", "type": "function", "function": {"name": name, "arguments": ""}},
        {"index": 0, "function": {"arguments": WRITTEN}},
    ]
    checked = chunk(None) | {"id": "", "model": ""}
    checked["choices"][0] |= {"content_filter_results": SAFE, "content_filter_offsets": {"end_offset": 9}}
    usage = {"choices": [], "usage": {"prompt_tokens": 300, "completion_tokens": 2}}
    head = chunk({"role": "assistant", "content": None, "refusal": None})
    return [
        PROMPT_FILTER,
        head,
        *(chunk({"tool_calls": [m]}) for m in made),
        chunk({}, "tool_calls"),
        checked,
        usage,
        DONE,
    ]


# Ollama: all calls at index 0, whole; ollama/ollama#7963
def _ollama_calls(name: str) -> Events:
    made = call(name, index=0, id="call_a")
    return [
        chunk({"role": "assistant", "content": "", "tool_calls": [made]}),
        chunk({"role": "assistant", "content": ""}, "stop"),
        DONE,
    ]


# LiteLLM for Oracle: another id for each fragment; BerriAI/litellm#40040
def _litellm_calls(name: str) -> Events:
    begun = call(name, "", index=0, id="chatcmpl-tool-1")
    rest = [
        {"index": 0, "id": f"call_{n}", "function": {"name": None, "arguments": piece}}
        for n, piece in enumerate(('{"city": ', '"Bern"}'))
    ]
    return [
        *(chunk({"tool_calls": [m], "content": None}, provider_specific_fields=None) for m in [begun, *rest]),
        chunk({}, "stop"),
        DONE,
    ]


# A gateway: `stop` with every chunk, arguments as an object, no [DONE]; su-kaka/gcli2api#403
def _gateway_calls(name: str) -> Events:
    usage = {"prompt_tokens": 300, "completion_tokens": 1}
    return [
        chunk({"role": "assistant", "reasoning_content": "Hm."}, "stop", usage=usage),
        chunk({"tool_calls": [call(name, ARGUMENTS, index=None, id="")]}, "stop", usage=usage),
    ]


def _vllm_calls(name: str) -> Events:
    begun = {"id": "chatcmpl-tool-a1", "type": "function", "index": 0, "function": {"name": name}}
    rest = [{"index": 0, "function": {"arguments": piece}} for piece in ('{"city": "', "Bern", '"}')]
    continuous: Body = {"usage": {"prompt_tokens": 300, "total_tokens": 301, "completion_tokens": 1}}
    return [
        chunk({"role": "assistant", "content": ""}, **continuous),
        *(chunk({"tool_calls": [m]}, **continuous) for m in [begun, *rest]),
        chunk({"content": ""}, "tool_calls", stop_reason=None),
        DONE,
    ]


# MiniMax, by its guide to calls of functions: platform.minimax.io/docs/guides/text-m2-function-call
def _minimax_calls(name: str) -> Events:
    pieces = ("<think>\n", "The person wants to", " know.\n</think>\n\n")
    return [
        *(chunk({"role": "assistant", "content": piece}) for piece in pieces),
        chunk({"tool_calls": [call(name, index=0, id="call_function_1")]}, "tool_calls"),
        DONE,
    ]


def _minimax_refuses(body: Body) -> Refused | None:
    """It refuses nothing, and answers worse; here it says so."""
    said = [m.get("content") or "" for m in since_question(body) if m["role"] == "assistant"]
    if all(text == "<think>\nThe person wants to know.\n</think>\n\n" for text in said):
        return None
    return Refused(400, error("What I thought is missing."))


def _llama_calls(name: str) -> Events:
    pieces = [
        {"index": 0, "id": "Xy1", "type": "function", "function": {"name": name, "arguments": "{"}},
        *({"index": 0, "function": {"arguments": piece}} for piece in ('"city":', '"Bern"', "}")),
    ]
    timings = {"timings": {"prompt_n": 3}}
    return [
        chunk({"role": "assistant", "content": None}),
        *(chunk({"tool_calls": [p]}) for p in pieces),
        chunk({}, "tool_calls", **timings),
        DONE,
    ]


def _lm_studio_refuses(body: Body) -> Refused | None:
    """LM Studio wants each schema to be an object with properties: lmstudio-ai/lmstudio-bug-tracker#2203."""
    for tool in body.get("tools", ()):
        schema = tool["function"].get("parameters", {})
        if schema.get("type") != "object" or not isinstance(schema.get("properties"), dict):
            return Refused(
                400, {"error": '[{"code": "invalid_type", "path": [0, "function", "parameters"]}]'}
            )
    return None


def _llama_cpp_python_refuses(body: Body) -> Refused | None:
    """With `chatml-function-calling` llama-cpp-python 0.3.36 streams no calls: the stream is empty, and a
    whole answer has each call twice, in the old form, too."""
    if not body.get("tools") or body["messages"][-1]["role"] == "tool":
        return None
    if body["stream"]:
        return Refused(200, "")
    name = body["tools"][0]["function"]["name"]
    made: Body = {"role": "assistant", "content": None}
    made |= {"tool_calls": [call(name, id=f"call__0_{name}_cmpl-1")]}
    made |= {"function_call": {"name": f"{name}:", "arguments": WRITTEN}}
    choice = {"index": 0, "message": made, "logprobs": None, "finish_reason": "tool_calls"}
    return Refused(200, {"id": "chatcmpl-1", "object": "chat.completion", "model": "m", "choices": [choice]})


def _says_thinking() -> Events:
    """Magistral's content: parts; some are thoughts."""
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    parts = [thinking, {"type": "text", "text": "It is"}]
    return [chunk({"content": parts}), chunk({"content": " sunny."}), chunk({"content": ""}, "stop"), DONE]


PARTNERS = [
    Partner("DeepSeek", _deepseek_calls, plain, _deepseek_refuses, base=""),
    Partner("Gemini", _gemini_calls, plain, _gemini_refuses, path="/v1beta/openai", base="/v1beta/openai/"),
    Partner(
        "Mistral",
        lambda n: [chunk({"tool_calls": [call(n, index=0, id="D681PevKs")]}, "tool_calls"), DONE],
        _says_thinking,
        _mistral_refuses,
    ),
    Partner("OpenRouter", _openrouter_calls, plain, _openrouter_refuses, path="/api/v1", base="/api/v1"),
    Partner("Azure's filter", _azure_calls, plain),
    Partner("Ollama", _ollama_calls, plain, base="/v1/"),
    Partner("LiteLLM", _litellm_calls, plain),
    Partner("a gateway", _gateway_calls, lambda: [*words(), chunk({}, "stop")]),
    Partner("MiniMax", _minimax_calls, plain, _minimax_refuses),
    Partner("vLLM", _vllm_calls, plain, base="/v1/chat/completions"),
    Partner("llama.cpp", _llama_calls, plain, base=""),
    Partner("LM Studio", _ollama_calls, plain, _lm_studio_refuses),
    Partner("llama-cpp-python", lambda _: [], plain, _llama_cpp_python_refuses),
    Partner("Groq", _vllm_calls, plain, path="/openai/v1", base="/openai/v1"),
    *CLOUDS,
]
