"""What a model thought and signed goes back with its calls, unless the endpoint does not take it."""

from typing import Any

import pytest
from semantic_kernel.contents import ChatHistory
from tests.kernel.model.conftest import TOOL, Endpoint, Made, Refusal, called, chunk, ended, item

from mcpsecurity.kernel import ChatModel, ChatModelSettings

SETTINGS = ChatModelSettings(tools=[TOOL], tool_choice="auto")
CALLED = {"id": "a", "function": {"name": "T-t", "arguments": "{}"}}


async def _with_result(endpoint: Endpoint, model: ChatModel, called: Any, *refusals: Refusal) -> list[Any]:
    """Return the answers that were sent back to a model with the result of its call."""
    history = ChatHistory()
    history.add_user_message("Hello?")
    endpoint.answers += [[called, "[DONE]"], *refusals]
    made = await model.get_chat_message_content(history, SETTINGS)
    assert made is not None
    history.add_message(made)
    history.add_tool_message("sun", tool_call_id="a")
    assert str(await model.get_chat_message_content(history, SETTINGS)) == "Done."
    history.add_assistant_message("Done.")
    history.add_user_message("Thanks!")
    await model.get_chat_message_content(history, SETTINGS)
    return [body["messages"][1] for body in endpoint.bodies[1:]]


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
async def test_a_thought_goes_back_by_its_name_while_the_answer_is_under_way(
    endpoint: Endpoint, model_at: Made, name: str
) -> None:
    """Models that think between their calls answer worse without: MiniMax-M2, GLM, gpt-oss (vllm#28531)."""
    first = chunk("tool_calls", tool_calls=[CALLED], **{name: "Hm."})
    now, later = await _with_result(endpoint, model_at("/v1", azure=False), first)
    assert {key: now[key] for key in now.keys() - {"role", "tool_calls"}} == {name: "Hm."}
    assert name not in later


@pytest.mark.parametrize(
    ("said", "content"),
    [
        ("<think>\nHm.\n</think>\n\nI look.", "<think>\nHm.\n</think>\n\nI look."),  # MiniMax, Qwen3
        ("<think>Hm.</think>", "<think>Hm.</think>\n\n"),
        ("Hm.\n</think>\n\nI look.", "<think>Hm.\n</think>\n\nI look."),
        ("<reasoning>Hm.</reasoning>I look.", "I look."),  # gpt-oss at Amazon Bedrock
        ("I look.", "I look."),
    ],
)
async def test_a_thought_between_tags_goes_back_there_while_the_answer_is_under_way(
    endpoint: Endpoint, model_at: Made, said: str, content: str
) -> None:
    """MiniMax asks for it; DeepSeek and Qwen ask not to be sent the thoughts of answers that have ended."""
    now, later = await _with_result(
        endpoint, model_at("/v1", azure=False), chunk("tool_calls", content=said, tool_calls=[CALLED])
    )
    assert now["content"] == content
    assert "think" not in str(later)


async def test_a_thought_that_comes_twice_goes_back_once(endpoint: Endpoint, model_at: Made) -> None:
    """MiniMax sends it between tags and by a name, too."""
    called = chunk("tool_calls", content="<think>Hm.</think>", reasoning_content="Hm.", tool_calls=[CALLED])
    now, _ = await _with_result(endpoint, model_at("/v1", azure=False), called)
    assert (now.get("content"), now["reasoning_content"]) == (None, "Hm.")


@pytest.mark.parametrize(
    ("name", "refusal"),
    [
        (
            "reasoning_content",  # Groq: janhq/jan#8136
            Refusal(
                400,
                "'messages.1' : for 'role:assistant' the following must be satisfied[('messages.1' : "
                "property 'reasoning_content' is unsupported)]",
            ),
        ),
        ("reasoning", Refusal(400, "messages[1].reasoning: reasoning is not supported with this model")),
        (
            "reasoning_content",  # Cerebras: anomalyco/opencode#33413
            Refusal(
                400,
                "messages.1.assistant.reasoning_content: property 'messages.1.assistant.reasoning_content' "
                "is unsupported",
            ),
        ),
        ("reasoning_content", Refusal(400, "")),  # QwenLM/qwen-code#11045
    ],
)
async def test_a_thought_that_is_not_taken_back_is_left_out(
    endpoint: Endpoint, model_at: Made, name: str, refusal: Refusal
) -> None:
    first = chunk("tool_calls", tool_calls=[CALLED], **{name: "Hm."})
    sent = await _with_result(endpoint, model_at("/v1", azure=False), first, refusal)
    assert [message.get(name) for message in sent] == ["Hm.", None, None]


async def test_a_call_that_gemini_did_not_sign_is_marked_so(endpoint: Endpoint, model_at: Made) -> None:
    refusal = Refusal(400, "Function call is missing a thought_signature in functionCall parts.")
    sent = await _with_result(
        endpoint, model_at("/v1", azure=False), chunk("tool_calls", tool_calls=[CALLED]), refusal
    )
    marks = [message["tool_calls"][0].get("extra_content") for message in sent]
    skipped = {"google": {"thought_signature": "skip_thought_signature_validator"}}
    assert marks == [None, skipped, skipped]


@pytest.mark.parametrize(
    "words",
    ["Corrupted thought signature.", "messages.1.content.0: Invalid `signature` in `thinking` block"],
)
async def test_a_signature_of_another_model_is_left_out(
    endpoint: Endpoint, model_at: Made, words: str
) -> None:
    signed = CALLED | {"extra_content": {"google": {"thought_signature": "x"}}}
    first = chunk("tool_calls", tool_calls=[signed], reasoning_details=[{"type": "reasoning.text"}])
    sent = await _with_result(endpoint, model_at("/v1", azure=False), first, Refusal(400, words))
    assert ["extra_content" in message["tool_calls"][0] for message in sent[:2]] == [True, False]
    assert ["reasoning_details" in message for message in sent[:2]] == [True, False]


@pytest.mark.parametrize("refusal", [None, "input[1]: unknown item type: reasoning"])
async def test_a_plain_thought_of_responses_goes_back_as_it_came_unless_it_is_refused(
    endpoint: Endpoint, model_at: Made, refusal: str | None
) -> None:
    """llama.cpp's template gets it from there; its seal is empty."""
    text = [{"type": "reasoning_text", "text": "Hm."}]
    thinks = item("reasoning", id="rs_1", summary=[], content=text, encrypted_content="")
    history = ChatHistory()
    history.add_user_message("Hello?")
    endpoint.answers += [[thinks, called("T-t", "a"), ended()], *([Refusal(400, refusal)] if refusal else [])]
    made = await model_at().get_chat_message_content(history, SETTINGS)
    assert made is not None
    history.add_message(made)
    history.add_tool_message("sun", tool_call_id="a")
    assert str(await model_at().get_chat_message_content(history, SETTINGS)) == "Done."
    plain = {"type": "reasoning", "id": "rs_1", "summary": [], "content": text}
    sent = [plain in body["input"] for body in endpoint.bodies]
    assert sent == ([False, True, False] if refusal else [False, True])
