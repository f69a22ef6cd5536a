"""Stand-ins for gateways and for clouds that serve models of several makers.

What LiteLLM and Portkey stream was written down from them, in front of stand-ins for Anthropic's and Gemini's
own APIs; the other shapes are from public reports and documentation, named beside each.
"""

from typing import Any

from tests.support.partner import (
    DONE,
    PROMPT_FILTER,
    WRITTEN,
    Body,
    Events,
    Partner,
    Refused,
    call,
    chunk,
    error,
    plain,
    since_question,
    words,
)

__all__ = ["CLOUDS"]

_SIGNATURE = "c2lnbmVk" * 60
_PIECES = ('{"city": ', '"Bern"}')


def _in_pieces(name: str, call_id: str, **more: Any) -> Events:
    """A call whose arguments come in pieces."""
    begun = call(name, "", index=0, id=call_id, **more)
    rest = [{"index": 0, "type": "function", "function": {"arguments": piece}} for piece in _PIECES]
    return [chunk({"content": "", "tool_calls": [made]}) for made in (begun, *rest)]


# LiteLLM in front of Claude that thinks; what it refuses is Anthropic's: BerriAI/litellm#15601
def _claude_calls(name: str) -> Events:
    def thought(reasoning: str, **more: Any) -> Body:
        blocks = [{"type": "thinking", "thinking": reasoning, "index": 0} | more]
        fields = {"thinking_blocks": blocks}
        return chunk({"reasoning_content": reasoning, **fields, "provider_specific_fields": fields})

    sealed = {"thinking_blocks": [{"type": "redacted_thinking", "data": "b3BhcXVl", "index": 1}]}
    return [
        thought("I should "),
        thought("look."),
        thought("", signature="U2ln"),
        chunk({**sealed, "provider_specific_fields": sealed, "content": ""}),
        chunk({"content": "Let me look."}),
        *_in_pieces(name, "toolu_01"),
        chunk({}, "tool_calls"),
        DONE,
    ]


def _claude_refuses(body: Body) -> Refused | None:
    made = [m for m in since_question(body) if m.get("tool_calls")]
    for message in made:
        blocks = [{k: v for k, v in b.items() if k != "index"} for b in message.get("thinking_blocks", ())]
        if blocks != [
            {"type": "thinking", "thinking": "I should look.", "signature": "U2ln"},
            {"type": "redacted_thinking", "data": "b3BhcXVl"},
        ]:
            text = (
                "litellm.BadRequestError: AnthropicException - messages.1.content.0.type: Expected `thinking`"
            )
            return Refused(400, error(text, code="400"))
    return None


# LiteLLM in front of Gemini 3: the signature stands beside the call and in its id; BerriAI/litellm#16895
def _gemini_calls(name: str) -> Events:
    fields = {"thought_signature": _SIGNATURE}
    made = call(
        name, index=0, id=f"call_2b2a722a901e__thought__{_SIGNATURE}", provider_specific_fields=fields
    )
    signed = {"provider_specific_fields": {"thought_signatures": [_SIGNATURE]}, "tool_calls": [made]}
    more: Body = {"vertex_ai_grounding_metadata": [], "vertex_ai_safety_ratings": []}
    return [
        chunk({"reasoning_content": "Hm, weather.", "role": "assistant"}, **more),
        chunk(signed, **more),
        chunk({}, "tool_calls"),
        DONE,
    ]


def _gemini_refuses(body: Body) -> Refused | None:
    for made in (c for message in since_question(body) for c in message.get("tool_calls", ())):
        beside = made.get("provider_specific_fields", {}).get("thought_signature")
        if _SIGNATURE not in (beside, made["id"].partition("__thought__")[2]):
            return Refused(400, error("Function call is missing a thought_signature", code="400"))
    return None


# Portkey (1.15.2, not strict) in front of Gemini 3: the signature stands in the call's function
def _portkey_calls(name: str) -> Events:
    made = call(name, index=0, id="portkey-9d829b47-d731-430f-ada8-81f9f2491e24")
    made["function"]["thought_signature"] = _SIGNATURE
    blocks = {"content": "", "content_blocks": [{"index": 0, "delta": {"thinking": "Hm."}}]}
    return [chunk({"role": "assistant", **blocks}), chunk({"tool_calls": [made]}, "STOP"), DONE]


def _portkey_refuses(body: Body) -> Refused | None:
    for made in (c for message in since_question(body) for c in message.get("tool_calls", ())):
        if made["function"].get("thought_signature") != _SIGNATURE:
            return Refused(400, error("google error: Function call is missing a thought_signature"))
    return None


# agentgateway keeps the signature in the id alone: agentgateway/agentgateway#3342
def _gateway_calls(name: str) -> Events:
    return [*_in_pieces(name, f"call_1__thought__{_SIGNATURE}"), chunk({}, "tool_calls"), DONE]


def _gateway_refuses(body: Body) -> Refused | None:
    now = since_question(body)
    ids = [made["id"] for message in now for made in message.get("tool_calls", ())]
    ids += [message["tool_call_id"] for message in now if message["role"] == "tool"]
    if all(call_id == f"call_1__thought__{_SIGNATURE}" for call_id in ids):
        return None
    return Refused(400, error("Function call is missing a thought_signature in functionCall parts."))


# Anthropic's own compatible endpoint: platform.claude.com/docs/en/api/openai-sdk. It thinks in silence, and
# refuses what the Messages API refuses: empty texts, results that do not follow their calls.
def _anthropic_calls(name: str) -> Events:
    usage = {"choices": [], "usage": {"prompt_tokens": 300, "completion_tokens": 2, "total_tokens": 302}}
    head = chunk({"role": "assistant", "content": "I look it up."})
    return [head, *_in_pieces(name, "toolu_01"), chunk({}, "tool_calls"), chunk() | usage, DONE]


def _anthropic_refuses(body: Body) -> Refused | None:
    waiting: set[str] = set()
    for number, message in enumerate(body["messages"]):
        if message.get("content") == "" or not (message.get("content") or message.get("tool_calls")):
            text = f"messages.{number}: text content blocks must be non-empty"
            return Refused(400, error(text, code="invalid_request_error"))
        if message["role"] == "tool":
            waiting.discard(message["tool_call_id"])
            continue
        if waiting:
            text = f"messages.{number}: `tool_use` ids were found without `tool_result` blocks"
            return Refused(400, error(text, code="invalid_request_error"))
        waiting = {made["id"] for made in message.get("tool_calls", ())}
    return None


# Microsoft Foundry. The router answers by the model that it chose, after a chunk of the filter's:
# learn.microsoft.com/azure/foundry/openai/concepts/model-router-reference
def _routed(events: Events) -> Events:
    usage = {"choices": [], "usage": {"prompt_tokens": 300, "completion_tokens": 2}, "obfuscation": "x"}
    done = [{**e, "model": "gpt-5-nano-2025-08-07"} if isinstance(e, dict) else e for e in events[:-1]]
    return [PROMPT_FILTER, *done, {**chunk(), **usage, "model": "gpt-5-nano-2025-08-07"}, DONE]


def _router_calls(name: str) -> Events:
    return _routed([*_in_pieces(name, "call_x"), chunk({}, "tool_calls"), DONE])


# Databricks: continuedev/continue#12936, maximhq/bifrost#6958, cline/cline#6515
def _databricks_says() -> Events:
    summary = [{"type": "summary_text", "text": "Hm.", "signature": "U2ln"}]
    thought = {"type": "reasoning", "summary": summary}
    return [chunk({"content": [thought]}), *words(), chunk({}, "stop"), DONE]


def _databricks_refuses(body: Body) -> Refused | None:
    for name in ("stream_options", "reasoning_effort"):
        if name in body:
            text = f'Bad request: json: unknown field "{name}"'
            return Refused(400, {"error_code": "BAD_REQUEST", "message": text})
    return None


# Amazon Bedrock's gpt-oss writes its thoughts between tags, each piece by itself:
# CherryHQ/cherry-studio#10225
def _bedrock_calls(name: str) -> Events:
    thoughts = [chunk({"content": f"<reasoning>{word}</reasoning>"}) for word in ("We", " need", " weather.")]
    return [*thoughts, *_in_pieces(name, "chatcmpl-tool-1"), chunk({}, "tool_calls"), DONE]


def _bedrock_says() -> Events:
    return [chunk({"content": "<reasoning>Sunny.</reasoning>"}), *words(), chunk({}, "stop"), DONE]


# Qwen and DeepSeek's distilled models behind a server that does not know their template: LM Studio, llama.cpp
# with --reasoning-format none
def _tagged_says() -> Events:
    pieces = ["<th", "ink>\nThe person asks", " about <b>weather</b>.\n</thi", "nk>\n\nIt is", " sunny."]
    return [*(chunk({"content": piece}) for piece in pieces), chunk({}, "stop"), DONE]


# xAI: each call whole in one chunk, usage with each; docs.x.ai/docs/guides/function-calling
def _xai_calls(name: str) -> Events:
    usage = {
        "usage": {"prompt_tokens": 300, "completion_tokens": 2, "total_tokens": 302, "num_sources_used": 0}
    }
    made = chunk({"tool_calls": [call(name, WRITTEN, index=0, id="call_18437290")]}, **usage)
    return [
        chunk({"role": "assistant", "reasoning_content": "Hm."}, **usage),
        made,
        chunk({}, "tool_calls"),
        DONE,
    ]


# SGLang: sgl-project/sglang, python/sglang/srt/entrypoints/openai/protocol.py
def _sglang_calls(name: str) -> Events:
    empty = {"content": None, "reasoning_content": None, "tool_calls": None, "role": None}
    head = chunk({**empty, "role": "assistant", "content": ""}, usage=None)
    made = {"id": "call_f0", "index": 0, "type": "function", "function": {"name": name, "arguments": ""}}
    rest = [
        {"id": None, "index": 0, "type": "function", "function": {"name": None, "arguments": piece}}
        for piece in _PIECES
    ]
    calls = [chunk({**empty, "tool_calls": [piece]}, usage=None) for piece in (made, *rest)]
    return [head, *calls, chunk({**empty}, "tool_calls", matched_stop=None), DONE]


def _cohere_refuses(body: Body) -> Refused | None:
    """docs.cohere.com/docs/compatibility-api lists the unsupported fields."""
    unknown = [name for name in ("parallel_tool_calls", "store", "service_tier") if name in body]
    return Refused(422, {"id": "0a1b", "message": f"unsupported: {unknown[0]}"}) if unknown else None


_NO_RESPONSES = Refused(400, {"error": {"message": "This model is not supported by the Responses API."}})
_NO_PATH = Refused(404, {"error": {"code": "404", "message": "Resource not found"}})

CLOUDS = [
    Partner("LiteLLM's Claude", _claude_calls, plain, _claude_refuses, base=""),
    Partner("LiteLLM's Gemini", _gemini_calls, plain, _gemini_refuses, base=""),
    Partner("Portkey's Gemini", _portkey_calls, plain, _portkey_refuses),
    Partner("agentgateway", _gateway_calls, plain, _gateway_refuses),
    Partner("Anthropic", _anthropic_calls, plain, _anthropic_refuses, base="/v1/"),
    # anomalyco/opencode#12949, microsoft/sample-app-aoai-chatGPT#1266
    Partner(
        "Foundry's Kimi",
        _sglang_calls,
        plain,
        path="/openai/v1",
        base="/openai/v1/",
        azure=True,
        responses=_NO_RESPONSES,
    ),
    Partner(
        "Foundry's router",
        _router_calls,
        lambda: _routed(plain()),
        path="/openai/v1",
        base="/api/projects/p",
        azure=True,
        responses=_NO_PATH,
    ),
    Partner(
        "Databricks",
        lambda name: [*_in_pieces(name, "toolu_bdrk_01"), chunk({}, "tool_calls"), DONE],
        _databricks_says,
        _databricks_refuses,
        path="/serving-endpoints",
        base="/serving-endpoints",
    ),
    Partner("Bedrock", _bedrock_calls, _bedrock_says, path="/openai/v1", base="/openai/v1"),
    Partner("LM Studio's Qwen", _bedrock_calls, _tagged_says),
    Partner("xAI", _xai_calls, plain),
    Partner("SGLang", _sglang_calls, plain),
    Partner("Cohere", _xai_calls, plain, _cohere_refuses, path="/compatibility/v1", base="/compatibility/v1"),
]
