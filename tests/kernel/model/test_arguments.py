"""A call whose arguments are no JSON object does not end the conversation for endpoints that read them."""

import json

import pytest
from semantic_kernel.contents import AuthorRole, ChatHistory, ChatMessageContent, FunctionCallContent
from tests.kernel.model.conftest import Endpoint, Made

from mcpsecurity.kernel import ChatModelSettings
from mcpsecurity.kernel.model.arguments import sent_arguments


@pytest.mark.parametrize("broken", ['{"city": "Os', "Oslo", '["Oslo"]', "", None])
@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_arguments_that_are_no_object_go_back_as_none(
    endpoint: Endpoint, model_at: Made, api: str, broken: str | None
) -> None:
    """LiteLLM refuses them before it asks Claude, Gemini reads them itself, llama.cpp's templates, too."""
    history = ChatHistory()
    history.add_user_message("Hello?")
    call = FunctionCallContent(id="a", name="T-t", arguments=broken)
    history.add_message(ChatMessageContent(role=AuthorRole.ASSISTANT, items=[call]))
    history.add_tool_message("Error: the arguments cannot be read.", tool_call_id="a")
    await model_at("/v1", azure=False, api=api).get_chat_message_content(history, ChatModelSettings())
    (body,) = endpoint.bodies
    if api == "chat":
        assert body["messages"][1]["tool_calls"][0]["function"]["arguments"] == "{}"
    else:
        assert [i["arguments"] for i in body["input"] if i["type"] == "function_call"] == ["{}"]


@pytest.mark.parametrize("written", ['{"city": "Os\\ud83dlo"}', '{ "n": 1.10 }', "{}"])
def test_arguments_that_are_an_object_go_back_as_the_model_wrote_them(written: str) -> None:
    assert sent_arguments(written) == written
    assert json.loads(sent_arguments({"city": "Oslo"})) == {"city": "Oslo"}
