"""What Azure OpenAI refuses the local cloud refuses as well, with Azure's codes and words."""

import json
import re
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from mcpsecurity.localcloud.openai import MODEL_NAME, ModelEndpoints, add_openai_routes

USER = {"role": "user", "content": "hello"}
LIMIT = 1_048_576


@pytest.fixture
async def url() -> AsyncIterator[str]:
    app = web.Application()
    add_openai_routes(app, ModelEndpoints(api_key="k"))
    async with TestServer(app) as server:
        path = f"/openai/deployments/{MODEL_NAME}/chat/completions?api-version=2024-10-21"
        yield str(server.make_url(path))


async def post(url: str, body: Any) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession(headers={"api-key": "k"}) as http,
        http.post(
            url, data=BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
        ) as response,
    ):
        return response.status, await response.json()


async def refused(url: str, body: Any) -> tuple[str | None, str | None, str]:
    """Return param, code and message of the refusal."""
    status, answer = await post(url, body)
    assert status == 400
    assert answer["error"]["type"] == "invalid_request_error"
    return answer["error"]["param"], answer["error"]["code"], answer["error"]["message"]


def tool(name: Any = "T-t", **function: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "description": "d", **function}}


def call(name: Any = "t", arguments: Any = "{}", call_id: Any = "c") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def calling(*calls: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls)}


def result(call_id: Any = "c", content: Any = "x") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


@pytest.mark.parametrize(
    ("tools", "param", "code", "words"),
    [
        ([], "tools", "empty_array", "empty array"),
        ([tool(f"t{i}") for i in range(129)], "tools", "array_above_max_length", "length 128, .* 129"),
        ([tool(""), tool()], "tools[0].function.name", "empty_string", "minimum length 1"),
        ([tool(), tool("a.b")], "tools[1].function.name", "invalid_value", "does not match pattern"),
        ([tool("a\n")], "tools[0].function.name", "invalid_value", "does not match pattern"),
        ([tool("a" * 65)], "tools[0].function.name", "string_above_max_length", "maximum length 64, .* 65"),
        ([tool(None)], "tools[0].function.name", "invalid_type", "expected a string, but got null"),
        ([tool(), tool()], "tools[1].function.name", "invalid_value", "unique, but 'T-t'"),
        ([tool(description="d" * 1025)], "tools[0].function.description", "string_above_max_length", "1025"),
        ([tool(description=5)], "tools[0].function.description", "invalid_type", "got an integer"),
        ([{"type": "function"}], "tools[0].function", "missing_required_parameter", "Missing"),
        ([{"type": "other"}], "tools[0].type", "invalid_value", "Supported values are: 'function'"),
        (["t"], "tools[0]", "invalid_type", "expected an object"),
    ],
)  # fmt: skip
async def test_tools(url: str, tools: Any, param: str, code: str, words: str) -> None:
    found = await refused(url, {"messages": [USER], "tools": tools})
    assert found[:2] == (param, code)
    assert re.search(words, found[2]), found[2]


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "array"}, "got 'type: \"array\"'"),
        ([], "schema must be a JSON Schema of 'type: \"object\"'"),
        ({"type": "object"}, "object schema missing properties"),
        ({"type": "object", "properties": None}, "None is not of type 'object'"),
        ({"type": "object", "properties": {}, "required": None}, "None is not of type 'array'"),
        ({"type": "object", "properties": {}, "required": [1]}, "1 is not of type 'string'"),
    ],
)
async def test_schemas(url: str, schema: Any, words: str) -> None:
    body = {"messages": [USER], "tools": [tool(parameters=schema)]}
    param, code, message = await refused(url, body)
    assert (param, code) == ("tools[0].function.parameters", "invalid_function_parameters")
    assert message.startswith("Invalid schema for function 'T-t': ")
    assert words in message


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "array"}, "In context=('properties', 'x'), array schema missing items."),
        ({"type": ["array", "null"]}, "array schema missing items."),
        ({"type": {}}, "{} is not valid under any of the given schemas."),
        ({"type": "int"}, "'int' is not valid under any"),
        ({"type": []}, "[] is not valid under any"),
        ({"type": "array", "items": [{}]}, "[{}] is not of type 'object', 'boolean'."),
        ({"type": "array", "items": {"type": "array"}}, "('properties', 'x', 'items'), array schema missing"),
        ({"enum": "a"}, "'a' is not of type 'array'"),
        ({"description": None}, "None is not of type 'string'"),
        ({"$ref": "#/definitions/O"}, "'#/definitions/O' which was not found"),
        ({"$ref": "other.json"}, "reference can only point to definitions"),
        ({"anyOf": []}, "[] is not of type"),
        ({"anyOf": [{"type": "string"}, {"type": "x"}]}, "'anyOf', '1'), 'x' is not valid"),
        ({"additionalProperties": "no"}, "'no' is not of type 'object', 'boolean'"),
        ("string", "'string' is not of type 'object', 'boolean'"),
        ({"pattern": r"^\p{L}+$"}, r"'^\\p{L}+$' is not a 'regex'."),
        ({"patternProperties": {"(?<a>b)": {}}}, "'(?<a>b)' is not a 'regex'."),
        ({"patternProperties": {"a": 1}}, "1 is not of type 'object', 'boolean'"),
        ({"title": 5}, "5 is not of type 'string'"),
        ({"minimum": "0"}, "'0' is not of type 'number'"),
        ({"exclusiveMinimum": True}, "True is not of type 'number'"),
        ({"maxLength": 1.5}, "1.5 is not of type 'integer'"),
    ],
)  # fmt: skip
async def test_schemas_of_parameters(url: str, schema: Any, words: str) -> None:
    parameters = {"type": "object", "properties": {"x": schema}}
    body = {"messages": [USER], "tools": [tool(parameters=parameters)]}
    assert words in (await refused(url, body))[2]


@pytest.mark.parametrize(
    ("messages", "param", "code"),
    [
        ([], "messages", "empty_array"),
        ("hello", "messages", "invalid_type"),
        (["hello"], "messages[0]", "invalid_type"),
        ([{"content": "x"}], "messages[0].role", "missing_required_parameter"),
        ([{"role": "person", "content": "x"}], "messages[0].role", "invalid_value"),
        ([USER, {"role": "assistant", "content": None}], "messages.[1].content", None),
        ([USER, {"role": "assistant"}], "messages.[1].content", None),
        ([USER, {"role": "assistant", "content": []}], "messages[1].content", "empty_array"),
        ([{"role": "user", "content": 5}], "messages[0].content", "invalid_type"),
        ([{"role": "user", "content": ["x"]}], "messages[0].content[0]", "invalid_type"),
        ([{"role": "user", "content": "x" * (LIMIT + 1)}], "messages[0].content", "string_above_max_length"),
        ([USER, result()], "messages.[1].role", None),
        ([USER, calling(call())], "messages", None),
        ([USER, calling(call()), USER], "messages", None),
        ([USER, calling(call()), result("other")], "messages.[2].role", None),
        ([USER, calling(call()), result(), result()], "messages.[3].tool_call_id", None),
        ([USER, calling(call(), call()), result()], "messages.[1].tool_call_id", None),
        ([USER, calling(call(call_id="")), result("")], "messages[1].tool_calls[0].id", "empty_string"),
        ([USER, calling(call(call_id=None))], "messages[1].tool_calls[0].id", "invalid_type"),
        ([USER, calling(call(call_id="i" * 41))], "messages[1].tool_calls[0].id", "string_above_max_length"),
        ([USER, calling(call("a.b")), result()], "messages[1].tool_calls[0].function.name", "invalid_value"),
        ([USER, calling(call("")), result()], "messages[1].tool_calls[0].function.name", "empty_string"),
        ([USER, calling(call("t", None)), result()],
         "messages[1].tool_calls[0].function.arguments", "invalid_type"),
        ([USER, calling(), USER], "messages[1].tool_calls", "empty_array"),
    ],
)  # fmt: skip
async def test_messages(url: str, messages: Any, param: str, code: str | None) -> None:
    assert (await refused(url, {"messages": messages}))[:2] == (param, code)


@pytest.mark.parametrize(
    ("more", "param", "code"),
    [
        ({"temperature": 2.5}, "temperature", "decimal_above_max_value"),
        ({"temperature": -1}, "temperature", "decimal_below_min_value"),
        ({"temperature": "hot"}, "temperature", "invalid_type"),
        ({"max_tokens": 0}, "max_tokens", "integer_below_min_value"),
        ({"max_tokens": 1.5}, "max_tokens", "invalid_type"),
        ({"parallel_tool_calls": False}, "parallel_tool_calls", None),
        ({"tool_choice": "auto"}, "tool_choice", None),
    ],
)
async def test_parameters(url: str, more: Any, param: str, code: str | None) -> None:
    assert (await refused(url, {"messages": [USER], **more}))[:2] == (param, code)


@pytest.mark.parametrize("body", [b"no JSON", b"[]", b"\xff", b"[" * 200_000])
async def test_bodies_that_are_no_request(url: str, body: bytes) -> None:
    assert "could not parse the JSON body" in (await refused(url, body))[2]


async def test_a_whole_conversation_with_a_tool_is_taken(url: str) -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}, "any": True}}
    parameters = {
        "type": "object",
        "properties": {
            "node": {"$ref": "#/$defs/Node"},
            "names": {"type": ["array", "null"], "items": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
        },
        "required": ["node"],
        "$defs": {"Node": node},
    }
    body = {
        "messages": [
            {"role": "system", "content": "Be kind."},
            USER,
            calling(call(call_id="c" * 40), call(call_id="d")),
            result("d"),
            result("c" * 40),
            {"role": "assistant", "content": [{"type": "text", "text": "Well."}]},
            USER,
        ],
        "tools": [tool("t" * 64, description="d" * 1024, parameters=parameters), tool("plain")],
        "temperature": 2,
        "max_tokens": 1,
        "tool_choice": "auto",
        "parallel_tool_calls": True,
    }
    assert (await post(url, body))[0] == 200


async def test_long_conversations_are_taken(url: str) -> None:
    messages = [{"role": "user", "content": "x" * LIMIT}] * 3
    assert (await post(url, {"messages": [*messages, USER]}))[0] == 200
