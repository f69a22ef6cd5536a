"""The API Responses: the requests and how their answers are read, over HTTP."""

from typing import Any

import pytest
from mcp import types
from semantic_kernel import Kernel
from semantic_kernel.connectors.ai.function_choice_behavior import FunctionChoiceBehavior
from semantic_kernel.contents import (
    AuthorRole,
    ChatHistory,
    ChatMessageContent,
    FunctionCallContent,
    FunctionResultContent,
    ImageContent,
    TextContent,
)
from semantic_kernel.exceptions import ServiceResponseException
from semantic_kernel.functions import kernel_function
from tests.kernel.model.conftest import Endpoint, Made, Refusal, asked_whole, called, delta, ended, item

from mcpsecurity.client.results import ToolText
from mcpsecurity.kernel import ChatModelSettings
from mcpsecurity.kernel.model import BrokenOffError, NotAStreamError, ProviderError

DONE = [delta("Done."), ended()]
PIXEL = "iVBORw0KGgo="
USAGE = {
    "input_tokens": 9,
    "output_tokens": 7,
    "input_tokens_details": {"cached_tokens": 4},
    "output_tokens_details": {"reasoning_tokens": 5},
}


def thought(name: str) -> dict[str, Any]:
    return item("reasoning", id=name, summary=[], encrypted_content=f"sealed {name}", status="completed")


def shape(body: dict[str, Any]) -> list[str]:
    """Return the kinds of a request's items, with the ids of reasoning and calls."""
    return [f"{i['type']} {i.get('call_id') or i.get('id') or i.get('role')}" for i in body["input"]]


class Tools:
    """A plugin."""

    def __init__(self) -> None:
        self.made: list[int] = []

    @kernel_function(description="Remember a number.")
    def keep(self, number: int) -> str:
        """Remember it."""
        self.made.append(number)
        return f"kept {number}"


async def test_a_request_is_stateless_and_has_only_what_is_set(endpoint: Endpoint, model_at: Made) -> None:
    await asked_whole(model_at())
    (body,) = endpoint.bodies
    assert body == {
        "model": "m",
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello?"}]}],
        "stream": True,
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }


async def test_settings_have_the_names_of_this_api(endpoint: Endpoint, model_at: Made) -> None:
    schema = {"name": "n", "schema": {"type": "object"}, "strict": True}
    form = {"type": "json_schema", "json_schema": schema}
    settings = ChatModelSettings(
        max_output_tokens=3, reasoning_effort="high", reasoning_summary="auto", response_format=form
    )
    await asked_whole(model_at(), settings)
    (body,) = endpoint.bodies
    assert body["max_output_tokens"] == 16, "less is refused"
    assert body["reasoning"] == {"effort": "high", "summary": "auto"}
    assert body["text"] == {"format": {"type": "json_schema", **schema}}


async def test_text_usage_model_and_summary_are_read(endpoint: Endpoint, model_at: Made) -> None:
    endpoint.answers.append(
        [delta("Think", "reasoning_summary_text"), delta("ing", "reasoning_summary_text"), delta("Hel"),
         delta("lo"), ended(usage=USAGE)]
    )  # fmt: skip
    answer = await asked_whole(model_at())
    assert str(answer) == "Hello"
    assert answer.finish_reason == "stop"
    assert answer.metadata["reasoning_summary"] == "Thinking"
    assert answer.metadata["model"] == "m-1"
    usage = answer.metadata["usage"]
    assert (usage.prompt_tokens, usage.completion_tokens) == (9, 7)
    assert usage.completion_tokens_details.reasoning_tokens == 5
    assert usage.prompt_tokens_details.cached_tokens == 4


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("max_output_tokens", "length"),
        ("content_filter", "content_filter"),
        ("odd", "odd"),
        (None, "incomplete"),
    ],
)
async def test_an_incomplete_answer_says_why(
    endpoint: Endpoint, model_at: Made, reason: str | None, finish: str
) -> None:
    details = {"reason": reason} if reason else None
    endpoint.answers.append([delta("Once"), ended("incomplete", incomplete_details=details)])
    answer = await asked_whole(model_at())
    assert (str(answer), answer.metadata["finish_reason"]) == ("Once", finish)


async def test_a_refusal_is_told_apart_from_text(endpoint: Endpoint, model_at: Made) -> None:
    endpoint.answers.append([delta("I can", "refusal"), delta("not.", "refusal"), ended()])
    answer = await asked_whole(model_at())
    assert (str(answer), answer.metadata["refusal"]) == ("", "I cannot.")


async def test_what_came_in_the_last_event_only_is_read(endpoint: Endpoint, model_at: Made) -> None:
    message = {"type": "message", "content": [{"type": "output_text", "text": "All at once"}]}
    call = {"type": "function_call", "call_id": "c", "name": "t", "arguments": '{"a'}
    endpoint.answers.append([ended("incomplete", output=[message, call])])
    answer = await asked_whole(model_at())
    assert answer.content == "All at once"
    (made,) = (i for i in answer.items if isinstance(i, FunctionCallContent))
    assert (made.id, made.name, made.arguments) == ("c", "t", '{"a')


async def test_arguments_that_are_an_object_keep_their_digits(endpoint: Endpoint, model_at: Made) -> None:
    made = '{"type": "function_call", "call_id": "c", "name": "t", "arguments": {"a": 1.10, "b": 1e400}}'
    whole = f'{{"type": "response.completed", "response": {{"status": "completed", "output": [{made}]}}}}'
    for events in ([f'{{"type": "response.output_item.done", "item": {made}}}', ended()], [whole]):
        endpoint.answers.append(events)
        (call,) = (await asked_whole(model_at())).items
        assert isinstance(call, FunctionCallContent)
        assert call.arguments == '{"a": 1.10, "b": 1e400}'


@pytest.mark.parametrize(
    ("events", "error"),
    [
        ([delta("a"), {"type": "error", "code": "server_error", "message": "no"}], ProviderError),
        ([{"type": "response.failed", "response": {"error": {"code": "x"}}}], ProviderError),
        ([delta("a")], BrokenOffError),
        (["<html>"], NotAStreamError),
    ],
)
async def test_what_ends_an_answer_badly_is_the_cause_of_the_error(
    endpoint: Endpoint, model_at: Made, events: list[Any], error: type[Exception]
) -> None:
    endpoint.answers.append(events)
    with pytest.raises(ServiceResponseException) as raised:
        await asked_whole(model_at())
    assert isinstance(raised.value.__cause__, error)


async def test_calls_made_side_by_side_are_answered_with_reasoning_in_its_places(
    endpoint: Endpoint, model_at: Made
) -> None:
    kernel, tools, model = Kernel(), Tools(), model_at()
    kernel.add_plugin(tools, "Tools")
    endpoint.answers += [
        [thought("r1"), delta("Let me see."), thought("r2"), called("Tools-keep", "c1", '{"number": 1}'),
         thought("r3"), called("Tools-keep", "c2", '{"number": 2}'), ended()],
        [thought("r4"), called("Tools-keep", "c3", '{"number": 3}'), ended()],
        [thought("r5"), delta("All kept."), ended()],
    ]  # fmt: skip
    history = ChatHistory()
    history.add_user_message("Keep 1, 2 and 3.")
    settings = ChatModelSettings(function_choice_behavior=FunctionChoiceBehavior.Auto())
    answer = await model.get_chat_message_content(history, settings, kernel=kernel)
    assert answer is not None
    assert (str(answer), tools.made) == ("All kept.", [1, 2, 3])
    first = ["reasoning r1", "message assistant", "reasoning r2", "function_call c1", "reasoning r3",
             "function_call c2", "function_call_output c1", "function_call_output c2"]  # fmt: skip
    second = ["reasoning r4", "function_call c3", "function_call_output c3"]
    assert shape(endpoint.bodies[1]) == ["message user", *first]
    assert shape(endpoint.bodies[2]) == ["message user", *first, *second]
    assert endpoint.bodies[2]["input"][1] == {
        "type": "reasoning", "id": "r1", "summary": [], "encrypted_content": "sealed r1",
    }  # fmt: skip
    history.add_message(answer)
    history.add_user_message("Thanks.")
    await model.get_chat_message_content(history, ChatModelSettings())
    assert not any(kind.startswith("reasoning") for kind in shape(endpoint.bodies[3]))


async def test_a_stream_is_answered_by_functions_as_well(endpoint: Endpoint, model_at: Made) -> None:
    kernel, tools = Kernel(), Tools()
    kernel.add_plugin(tools, "Tools")
    endpoint.answers += [
        [thought("r1"), delta("Wait."), called("Tools-keep", "c1", '{"number": 1}'), ended()],
        [delta("Ke"), delta("pt."), ended(usage=USAGE)],
    ]
    history = ChatHistory()
    history.add_user_message("Keep 1.")
    settings = ChatModelSettings(function_choice_behavior=FunctionChoiceBehavior.Auto())
    parts = [
        part
        async for parts in model_at().get_streaming_chat_message_contents(history, settings, kernel=kernel)
        for part in parts
    ]
    assert "".join(part.content for part in parts if part.role == "assistant") == "Wait.Kept."
    assert parts[-1].metadata["usage"].completion_tokens == 7
    assert shape(endpoint.bodies[1])[1:] == [
        "reasoning r1", "message assistant", "function_call c1", "function_call_output c1",
    ]  # fmt: skip


async def test_what_a_model_says_before_its_answer_is_apart_from_it_and_each_keeps_its_phase(
    endpoint: Endpoint, model_at: Made
) -> None:
    """GPT-5.4 stops early without: learn.microsoft.com/javascript/api/@azure/ai-projects/messagephase."""

    def message(phase: str) -> list[Any]:
        whole = item("message", phase=phase, content=[])
        return [
            {"type": "response.output_item.added", "item": whole["item"]},
            delta("Some "),
            delta(phase),
            whole,
        ]

    endpoint.answers += [
        [*message("commentary"), called("Tools-keep", "c1", '{"number": 1}'), ended()],
        [*message("commentary"), *message("final_answer"), ended()],
    ]
    kernel, history, model = Kernel(), ChatHistory(), model_at()
    kernel.add_plugin(Tools(), "Tools")
    history.add_user_message("Keep 1.")
    settings = ChatModelSettings(function_choice_behavior=FunctionChoiceBehavior.Auto())
    answer = await model.get_chat_message_content(history, settings, kernel=kernel)
    assert str(answer) == "Some commentary\n\nSome final_answer"
    assert answer is not None
    history.add_message(answer)
    await model.get_chat_message_content(history, ChatModelSettings())
    said = [i for i in endpoint.bodies[-1]["input"] if i.get("role") == "assistant"]
    assert [i["phase"] for i in said] == ["commentary", "final_answer"]


async def test_phases_are_left_out_where_they_are_not_known(endpoint: Endpoint, model_at: Made) -> None:
    endpoint.answers.append([item("message", phase="final_answer"), *DONE])
    history, model = ChatHistory(), model_at()
    history.add_user_message("Hello?")
    answer = await model.get_chat_message_content(history, ChatModelSettings())
    assert answer is not None
    history.add_message(answer)
    endpoint.answers.append(Refusal(400, "Unknown parameter: 'input[1].phase'.", "input[1].phase"))
    for _ in range(2):
        await model.get_chat_message_content(history, ChatModelSettings())
    assert ["phase" in body["input"][-1] for body in endpoint.bodies[1:]] == [True, False, False]


async def test_what_an_open_model_thinks_in_plain_text_is_the_summary(
    endpoint: Endpoint, model_at: Made
) -> None:
    endpoint.answers.append([delta("Hm", "reasoning_text"), delta(".", "reasoning_text"), *DONE])
    answer = await asked_whole(model_at())
    assert (str(answer), answer.metadata["reasoning_summary"]) == ("Done.", "Hm.")


async def test_reasoning_that_is_sealed_in_the_last_event_goes_back_in_its_place(
    endpoint: Endpoint, model_at: Made
) -> None:
    """LiteLLM 1.108.7 in front of Claude, which refuses results of calls without what it thought."""
    kernel, tools = Kernel(), Tools()
    kernel.add_plugin(tools, "Tools")
    summary = [{"type": "summary_text", "text": "Two."}]
    said = {"type": "message", "content": [{"type": "output_text", "text": "Let me see."}]}
    made = [called("Tools-keep", f"toolu_{n}", f'{{"number": {n}}}') for n in (1, 2)]
    sealed = {"type": "reasoning", "id": "rs_1", "content": [], "encrypted_content": '[{"type":"thinking"}]'}
    later = {"type": "reasoning", "id": "rs_2", "encrypted_content": "x"}
    output = [sealed, said, made[0]["item"], later, made[1]["item"]]
    endpoint.answers += [
        [item("reasoning", id="rs_0", summary=summary), *made, delta("Let me see."), ended(output=output)]
    ]
    history = ChatHistory()
    history.add_user_message("Keep 1 and 2.")
    settings = ChatModelSettings(function_choice_behavior=FunctionChoiceBehavior.Auto())
    await model_at().get_chat_message_content(history, settings, kernel=kernel)
    assert shape(endpoint.bodies[1])[1:] == [
        "reasoning rs_1", "message assistant", "function_call toolu_1", "reasoning rs_2",
        "function_call toolu_2", "function_call_output toolu_1", "function_call_output toolu_2",
    ]  # fmt: skip
    assert endpoint.bodies[1]["input"][1] == {
        "type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": '[{"type":"thinking"}]',
    }  # fmt: skip


async def test_a_call_whose_id_is_its_signature_goes_back_by_it(endpoint: Endpoint, model_at: Made) -> None:
    """LiteLLM 1.108.7 in front of Gemini; such an id is longer than those that are kept."""
    signed = "call_28fb8fda89644c__thought__" + "c2lnbmVk" * 20
    endpoint.answers += [[called("Tools-keep", signed), called("Tools-keep", "call_2"), ended()]]
    history, model = ChatHistory(), model_at()
    history.add_user_message("Keep it.")
    answer = await model.get_chat_message_content(history, ChatModelSettings())
    assert answer is not None
    calls = [call for call in answer.items if isinstance(call, FunctionCallContent)]
    for call, short in zip(calls, ("c1", "c2"), strict=True):
        call.id = short
    history.add_message(answer)
    for call in calls:
        result = FunctionResultContent.from_function_call_content_and_result(call, "kept")
        history.add_message(result.to_chat_message_content())
    await model.get_chat_message_content(history, ChatModelSettings())
    assert shape(endpoint.bodies[1])[1:] == [
        f"function_call {signed}", "function_call c2",
        f"function_call_output {signed}", "function_call_output c2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "text", "code"),
    [
        (400, "It is wrong.", "invalid_encrypted_content"),
        (400, "The encrypted content gAAA...wXBV could not be verified.", None),  # openai-agents-python#2063
        (404, "Item with id 'r1' not found. Items are not persisted when `store` is set to false.", None),
    ],
    ids=["its code", "Azure", "Bifrost"],
)
async def test_reasoning_of_another_deployment_is_left_out_when_it_is_refused(
    endpoint: Endpoint, model_at: Made, status: int, text: str, code: str | None
) -> None:
    history = ChatHistory()
    history.add_user_message("Hello?")
    sealed = {"type": "reasoning", "id": "r1", "summary": [], "encrypted_content": "theirs"}
    call = FunctionCallContent(id="c1", name="T-t", arguments="{}")
    said = ChatMessageContent(role=AuthorRole.ASSISTANT, items=[call], metadata={"reasoning": [(0, sealed)]})
    result = FunctionResultContent.from_function_call_content_and_result(call, "x")
    history.messages += [said, result.to_chat_message_content()]
    endpoint.answers.append(Refusal(status, text, code=code))
    answer = await model_at().get_chat_message_content(history, ChatModelSettings())
    assert str(answer) == "Done."
    calls = ["message user", "function_call c1", "function_call_output c1"]
    assert shape(endpoint.bodies[0]) == [calls[0], "reasoning r1", *calls[1:]]
    assert shape(endpoint.bodies[1]) == calls
    assert "include" in endpoint.bodies[1], "its own reasoning is still wanted"
    assert said.metadata["reasoning"], "the history stays as it is"


def _with_pictures() -> ChatHistory:
    """Return a history with a picture in a message, and one in a tool's result."""
    call = FunctionCallContent(id="c1", name="T-t", arguments="{}")
    shown = types.CallToolResult(
        content=[
            types.TextContent(type="text", text="a pixel"),
            types.ImageContent(type="image", data=PIXEL, mimeType="image/png"),
            types.ImageContent(type="image", data=PIXEL, mimeType="image/svg+xml"),
        ]
    )
    result = FunctionResultContent.from_function_call_content_and_result(call, "x")
    result.result = ToolText.of(shown)
    picture = ImageContent(data_uri=f"data:image/png;base64,{PIXEL}")
    return ChatHistory(
        messages=[
            ChatMessageContent(role=AuthorRole.USER, items=[TextContent(text="Look:"), picture]),
            ChatMessageContent(role=AuthorRole.ASSISTANT, items=[call]),
            result.to_chat_message_content(),
        ]
    )


async def test_pictures_in_messages_and_in_results_of_tools_reach_the_model(
    endpoint: Endpoint, model_at: Made
) -> None:
    await model_at().get_chat_message_content(_with_pictures(), ChatModelSettings())
    said, _, output = endpoint.bodies[0]["input"]
    picture = {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}"}
    assert said["content"] == [{"type": "input_text", "text": "Look:"}, picture]
    text, *shown = output["output"]
    assert (text["type"], text["text"].startswith("a pixel")) == ("input_text", True)
    assert shown == [picture]


async def test_pictures_reach_it_by_chat_completions_as_well(endpoint: Endpoint, model_at: Made) -> None:
    await model_at(api="chat").get_chat_message_content(_with_pictures(), ChatModelSettings())
    said, _, result, shown = endpoint.bodies[0]["messages"]
    url = f"data:image/png;base64,{PIXEL}"
    assert said["content"][0] == {"type": "text", "text": "Look:"}
    assert said["content"][1]["image_url"]["url"] == url
    assert (result["role"], result["content"].startswith("a pixel")) == ("tool", True)
    assert shown == {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}
