"""The local cloud's Responses API is as strict as Azure's, and so are its kinds of deployments."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from mcpsecurity.localcloud.openai import ModelEndpoints, add_openai_routes

CHAT, RESPONSES = "/openai/v1/chat/completions", "/openai/v1/responses"
USER = {"role": "user", "content": "a random number between 3 and 6"}
DICE = {
    "type": "function",
    "name": "T-get_random_number",
    "parameters": {
        "type": "object",
        "properties": {"min": {"type": "integer"}, "max": {"type": "integer"}},
    },
}
CHAT_DICE = {"type": "function", "function": {k: v for k, v in DICE.items() if k != "type"}}
ENCRYPTED = ["reasoning.encrypted_content"]
PIXEL = "data:image/png;base64,iVBORw0KGgo="
OUTPUT = {"type": "function_call_output", "call_id": "c", "output": "3"}
CALL = {"type": "function_call", "call_id": "c", "name": "T-t", "arguments": "{}"}


class Client:
    """Posts to the local cloud's endpoints."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self.http = http
        self.url = url

    async def post(self, path: str, **body: Any) -> tuple[int, Any]:
        """Return status and JSON."""
        body = {"model": "offline-model"} | body
        async with self.http.post(self.url + path, json=body) as response:
            return response.status, await response.json()

    async def refused(self, path: str, **body: Any) -> tuple[str | None, str | None, str]:
        """Return param, code and message of the refusal."""
        status, answer = await self.post(path, **body)
        assert status == 400, answer
        return answer["error"]["param"], answer["error"]["code"], answer["error"]["message"]

    async def events(self, **body: Any) -> list[dict[str, Any]]:
        """Return the events of a streamed answer; each has its name twice."""
        body = {"model": "offline-model", "stream": True, "store": False} | body
        async with self.http.post(self.url + RESPONSES, json=body) as response:
            assert response.status == 200, await response.text()
            blocks = (await response.text()).strip().split("\n\n")
        events = []
        for block in blocks:
            name, data = block.split("\n")
            events.append(json.loads(data.removeprefix("data: ")))
            assert name == f"event: {events[-1]['type']}"
        return events


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    app = web.Application()
    add_openai_routes(app, ModelEndpoints(api_key="k", accepts_token=lambda token: token == "good"))
    async with TestServer(app) as server, aiohttp.ClientSession(headers={"api-key": "k"}) as http:
        yield Client(http, str(server.make_url("")).rstrip("/"))


async def test_words_are_streamed_and_the_last_event_has_all_of_them(client: Client) -> None:
    events = await client.events(input="hello")
    said = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    last = events[-1]
    assert last["type"] == "response.completed"
    assert said == last["response"]["output"][0]["content"][0]["text"]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    usage = last["response"]["usage"]
    assert usage["input_tokens"] + usage["output_tokens"] == usage["total_tokens"]


async def test_a_tool_is_called_and_its_output_is_told(client: Client) -> None:
    call = (await client.events(input=[USER], tools=[DICE]))[-1]["response"]["output"][0]
    assert (call["name"], json.loads(call["arguments"])) == (DICE["name"], {"min": 3, "max": 6})
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "4"}
    status, answer = await client.post(RESPONSES, input=[USER, call, output], tools=[DICE])
    assert status == 200
    assert "4" in answer["output"][0]["content"][0]["text"]


async def test_a_reasoning_deployment_thinks_before_it_speaks(client: Client) -> None:
    events = await client.events(model="offline-reasoning", input=[USER], tools=[DICE], include=ENCRYPTED)
    response = events[-1]["response"]
    thought, call = response["output"]
    assert (thought["type"], call["type"]) == ("reasoning", "function_call")
    assert response["usage"]["output_tokens_details"]["reasoning_tokens"] > 0
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "4"}
    given = [USER, thought, call, output]
    status, _ = await client.post(RESPONSES, model="offline-reasoning", input=given, tools=[DICE])
    assert status == 200
    elsewhere = await client.refused(RESPONSES, input=given, tools=[DICE])
    assert elsewhere[:2] == ("input[1]", "invalid_encrypted_content")


async def test_reasoning_that_nothing_follows_is_refused(client: Client) -> None:
    events = await client.events(model="offline-reasoning", input=[USER], tools=[DICE], include=ENCRYPTED)
    thought, call = events[-1]["response"]["output"]
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "4"}
    for given in ([USER, thought], [USER, call, thought, output], [thought, USER]):
        _, _, message = await client.refused(RESPONSES, model="offline-reasoning", input=given, tools=[DICE])
        assert message.endswith("without its required following item.")


async def test_reasoning_without_its_encrypted_content_is_not_found(client: Client) -> None:
    thought = {"type": "reasoning", "id": "rs_1", "summary": []}
    _, _, message = await client.refused(RESPONSES, model="offline-reasoning", input=[thought, USER])
    assert "Items are not persisted" in message


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"input": "x", "messages": []}, "messages", "unknown_parameter"),
        ({"input": "x", "max_tokens": 5}, "max_tokens", "unknown_parameter"),
        ({"input": "x", "max_output_tokens": 15}, "max_output_tokens", "integer_below_min_value"),
        ({}, "input", "invalid_type"),
        ({"input": []}, "input", "empty_array"),
        ({"input": [{**USER, "name": "n"}]}, "input[0].name", "unknown_parameter"),
        ({"input": [{"type": "odd"}]}, "input[0].type", "invalid_value"),
        ({"input": [{"type": "function_call", "call_id": "c"}]}, "input[0].name",
         "missing_required_parameter"),
        ({"input": [{**USER, "content": [{"type": "text", "text": "x"}]}]}, "input[0].content[0].type",
         "invalid_value"),
        ({"input": "x", "tools": [CHAT_DICE]}, "tools[0].name", "missing_required_parameter"),
        ({"input": [USER, OUTPUT]}, "messages.[1].role", None),
        ({"input": [USER, {**CALL, "name": "a.b"}, OUTPUT]}, "messages[1].tool_calls[0].function.name",
         "invalid_value"),
        ({"input": "x", "reasoning": {"effort": "low"}}, "reasoning.effort", "unsupported_parameter"),
        ({"input": "x", "include": ENCRYPTED}, "include", None),
        ({"input": "x", "model": "offline-reasoning", "temperature": 0.5}, "temperature",
         "unsupported_parameter"),
    ],
)  # fmt: skip
async def test_what_responses_refuses(
    client: Client, body: dict[str, Any], param: str, code: str | None
) -> None:
    assert (await client.refused(RESPONSES, **body))[:2] == (param, code)


@pytest.mark.parametrize(
    ("body", "param", "words"),
    [
        ({"tools": [CHAT_DICE]}, "reasoning_effort", "use /v1/responses or set reasoning_effort to 'none'"),
        ({"tools": [CHAT_DICE], "reasoning_effort": "low"}, "reasoning_effort", "not supported for offline"),
        ({"max_tokens": 5}, "max_tokens", "Use 'max_completion_tokens' instead"),
        ({"temperature": 0.5}, "temperature", "not supported with this model"),
        ({"top_p": 0.5}, "top_p", "not supported with this model"),
        ({"stop": "x"}, "stop", "not supported with this model"),
        ({"top_k": 5}, "top_k", "Unrecognized request argument"),
    ],
)
async def test_what_a_reasoning_deployment_refuses_by_chat_completions(
    client: Client, body: dict[str, Any], param: str, words: str
) -> None:
    found = await client.refused(CHAT, model="offline-reasoning", messages=[USER], **body)
    assert found[0] == param
    assert words in found[2]


async def test_it_takes_tools_without_effort_and_words_with_the_default(client: Client) -> None:
    more: dict[str, Any] = {"tools": [CHAT_DICE], "reasoning_effort": "none"}
    for taken in (more, {"max_completion_tokens": 50, "temperature": 1}):
        status, _ = await client.post(CHAT, model="offline-reasoning", messages=[USER], **taken)
        assert status == 200


@pytest.mark.parametrize(("deployment", "taken"), [("offline-vision", True), ("offline-model", False)])
async def test_pictures_are_for_models_that_see(client: Client, deployment: str, taken: bool) -> None:
    said = {"role": "user", "content": [{"type": "input_image", "image_url": PIXEL}]}
    shown = {**OUTPUT, "output": [{"type": "input_image", "image_url": PIXEL}]}
    chat = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": PIXEL}}]}
    answers = [
        await client.post(RESPONSES, model=deployment, input=[said]),
        await client.post(RESPONSES, model=deployment, input=[USER, CALL, shown]),
        await client.post(CHAT, model=deployment, messages=[chat]),
    ]
    assert [status for status, _ in answers] == [200 if taken else 400] * 3
    assert taken or all("image_url is only supported" in a["error"]["message"] for _, a in answers)


@pytest.mark.parametrize("path", [CHAT, RESPONSES])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"api-key": "k"}, 200),
        ({"api-key": "other"}, 401),
        ({"Authorization": "Bearer good"}, 200),
        ({"Authorization": "Bearer other"}, 401),
        ({"Authorization": "Basic good"}, 401),
        ({}, 401),
    ],
)
async def test_a_key_or_a_token_is_needed(
    client: Client, path: str, headers: dict[str, str], status: int
) -> None:
    body = (
        {"model": "offline-model", "input": "x"}
        if path == RESPONSES
        else {"model": "offline-model", "messages": [USER]}
    )
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(client.url + path, json=body) as response,
    ):
        assert response.status == status


async def test_a_deployment_that_does_not_exist_is_not_found(client: Client) -> None:
    status, answer = await client.post(RESPONSES, model="other", input="x")
    assert (status, answer["error"]["code"]) == (404, "DeploymentNotFound")
