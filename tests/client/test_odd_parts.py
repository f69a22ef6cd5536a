"""Results, prompts, resources and listings with an odd part: the rest is read, and that part named."""

import json
from typing import Any

import pytest
from aiohttp import web
from tests.client.odd import GREETING, Answer, Odd, connected, rpc, said, sse

from mcpsecurity.client import ProtocolError, result_text
from mcpsecurity.client.parts import part_text, resource_text


def deep(levels: int) -> Any:
    """Return so many objects within each other."""
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


def nested(levels: int) -> Answer:
    """Return an answer with a structure of so many levels."""
    return lambda m: web.json_response(rpc(m, {"content": [], "structuredContent": deep(levels)}))


PNG = {"type": "image", "data": "AAAA", "mimeType": "image/png"}
READABLE: dict[str, tuple[Answer, str | None]] = {
    "a lone surrogate": (
        lambda m: web.Response(text=json.dumps(said(m, "cut \ud83d")), content_type="application/json"),
        "cut \ufffd",
    ),
    "a lone surrogate in a stream": (lambda m: sse(said(m, "cut \ud83d")), "cut \ufffd"),
    "a batch": (lambda m: web.json_response([{"jsonrpc": "2.0", "method": "x"}, said(m)]), "fine"),
    "the id with a fraction": (
        lambda m: web.json_response({**said(m), "id": float(m["id"])}),
        "fine",
    ),
    "the id as text": (lambda m: web.json_response({**said(m), "id": str(m["id"])}), "fine"),
    "NaN, which is no JSON": (
        lambda m: web.json_response(rpc(m, {"content": [], "structuredContent": {"v": float("nan")}})),
        '{"v": NaN}',
    ),
    "no jsonrpc": (lambda m: web.json_response({"id": m["id"], "result": said(m)["result"]}), "fine"),
    "an event without its blank line": (lambda m: sse(said(m), "\n"), "fine"),
    "carriage returns": (lambda m: sse(said(m), "\r\r"), "fine"),
    "a part of an unknown type": (
        lambda m: web.json_response(
            rpc(m, {"content": [{"type": "hologram"}, {"type": "text", "text": "x"}]})
        ),
        "[content of type 'hologram', which cannot be read]\nx",
    ),
    "a relative URI": (
        lambda m: web.json_response(
            rpc(m, {"content": [{"type": "resource_link", "uri": "users/me", "name": "me"}]})
        ),
        "[link to users/me: me]",
    ),
    "a blob of a relative URI": (
        lambda m: web.json_response(
            rpc(m, {"content": [{"type": "resource", "resource": {"uri": "a.pdf", "blob": "AAAA"}}]})
        ),
        "[resource a.pdf, which cannot be read]",
    ),
    "a picture that is described oddly": (
        lambda m: web.json_response(rpc(m, {"content": [{**PNG, "annotations": {"audience": ["all"]}}]})),
        "[image of type image/png, which the model cannot see]",
    ),
    "a task": (
        lambda m: web.json_response(rpc(m, {"task": {"taskId": "1"}})),
        "[The server goes on with this as a task, whose result cannot be had here.]",
    ),
    **{f"a structure of {levels} levels": (nested(levels), None) for levels in (148, 196, 200, 300)},
    "text of another type": (
        lambda m: web.json_response(rpc(m, {"content": [{"type": "text", "text": {"total": 7}}]})),
        '{"total": 7}',
    ),
    "a result of the protocol's first days": (
        lambda m: web.json_response(rpc(m, {"toolResult": {"total": 7}, "_meta": {"a": 1}})),
        '{"toolResult": {"total": 7}}',
    ),
    "content as text": (lambda m: web.json_response(rpc(m, {"content": "plain"})), "plain"),
    "a structured list": (
        lambda m: web.json_response(rpc(m, {"content": [], "structuredContent": [1]})),
        "[1]",
    ),
}


@pytest.mark.parametrize(("answer", "text"), READABLE.values(), ids=READABLE)
async def test_an_odd_answer_is_read_as_far_as_it_goes(answer: Answer, text: str | None) -> None:
    async with connected(Odd(call=answer)) as connection:
        read = result_text(await connection.call_tool("t", {}))
    assert read == text if text is not None else "nested too deeply" in read


@pytest.mark.parametrize(
    ("told", "failed"),
    [("false", False), ("", False), (0, False), (None, False), ("true", True), ("error", True)],
)
async def test_whether_a_tool_failed_is_read_by_meaning(told: Any, failed: bool) -> None:
    parts = [{"type": "text", "text": "x"}]
    server = Odd(call=lambda m: web.json_response(rpc(m, {"content": parts, "isError": told})))
    async with connected(server) as connection:
        assert (await connection.call_tool("t", {})).isError is failed


PROMPTS: dict[str, tuple[Any, list[tuple[str, str]]]] = {
    "text alone": ([{"role": "user", "content": "plain"}], [("user", "plain")]),
    "a list of parts": (
        [{"role": "assistant", "content": [{"type": "text", "text": "one"}, PNG]}],
        [("assistant", "one"), ("assistant", "[image of type image/png, which the model cannot see]")],
    ),
    "another role": ([{"role": "system", "content": {"type": "text", "text": "x"}}], [("user", "x")]),
    "a relative URI": (
        [{"role": "user", "content": {"type": "resource", "resource": {"uri": "a b", "text": "x"}}}],
        [("user", "[resource a b]\nx")],
    ),
    "nothing": ([None, {"role": "user"}], []),
}


@pytest.mark.parametrize(("messages", "read"), PROMPTS.values(), ids=PROMPTS)
async def test_a_prompt_is_read_part_by_part(messages: Any, read: list[tuple[str, str]]) -> None:
    server = Odd(get=lambda m: web.json_response(rpc(m, {"messages": messages})))
    async with connected(server) as connection:
        result = await connection.get_prompt("p", {})
    assert [(message.role, part_text(message.content)) for message in result.messages] == read


CONTENTS: dict[str, tuple[Any, str]] = {
    "a relative URI": ({"uri": "users/me", "text": "x"}, "x"),
    "no URI": ({"text": "x", "mimeType": 7}, "x"),
    "a blob": (
        {"uri": "a", "blob": "AAAA", "mimeType": "x/y"},
        "[resource of type x/y, which the model cannot see]",
    ),
    "text alone": ("x", "x"),
    "a number as text": ({"uri": "file:///a", "text": 7}, "[resource file:///a]\n7"),
}


@pytest.mark.parametrize(("contents", "read"), CONTENTS.values(), ids=CONTENTS)
async def test_a_resource_is_read_as_far_as_it_goes(contents: Any, read: str) -> None:
    server = Odd(read=lambda m: web.json_response(rpc(m, {"contents": [contents]})))
    async with connected(server) as connection:
        (found,) = (await connection.read_resource("file:///a")).contents
    assert resource_text(found) == read


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("serverInfo", None),
        ("serverInfo", {"name": "odd"}),
        ("serverInfo", {"name": 7, "version": None, "icons": "none"}),
        ("capabilities", None),
        ("capabilities", {"tools": True, "prompts": None, "x": []}),
        ("capabilities", {"tools": {"listChanged": "maybe"}, "experimental": {"x": True}, "logging": 1}),
        ("instructions", 7),
    ],
)
async def test_what_a_server_says_of_itself_is_read_as_far_as_it_goes(part: str, value: Any) -> None:
    server = Odd(initialize=lambda m: web.json_response(rpc(m, {**GREETING, part: value})))
    async with connected(server) as connection:
        assert result_text(await connection.call_tool("t", {})) == "fine"
        said = connection.server
    assert said is not None
    assert isinstance(said.serverInfo.name, str)
    assert (said.capabilities.prompts, said.instructions) == (None, None)


async def test_one_odd_tool_leaves_the_others_and_is_named() -> None:
    schema = {"type": "object"}
    tools = [
        {"name": "good", "inputSchema": schema, "annotations": {"readOnlyHint": "perhaps"}},
        {"name": "bad", "inputSchema": 7},
        None,
        {"name": "good", "inputSchema": schema},
        {"name": "plain", "inputSchema": schema, "description": 7, "title": ["x"]},
        {"name": "deep", "inputSchema": {"type": "object", "properties": {"a": deep(300)}}},
    ]
    server = Odd(list=lambda m: web.json_response(rpc(m, {"tools": tools, "nextCursor": "again"})))
    async with connected(server) as connection:
        assert [tool.name for tool in await connection.list_tools()] == ["good", "plain", "deep"]
        assert set(connection.left_out) == {"bad", "(without a name)"}
    assert server.methods.count("tools/list") == 2, "a cursor that comes again ends the list"


async def test_a_tool_without_a_schema_takes_no_parameters() -> None:
    """As LiteMCP lists one: the official SDK refuses the whole list for it."""
    tools = [{"name": "absent", "description": "Fail"}, {"name": "null", "inputSchema": None}]
    server = Odd(list=lambda m: web.json_response(rpc(m, {"tools": tools})))
    async with connected(server) as connection:
        listed = await connection.list_tools()
    assert [(tool.name, tool.inputSchema) for tool in listed] == [
        ("absent", {"type": "object"}),
        ("null", {"type": "object"}),
    ]
    assert connection.left_out == []


@pytest.mark.parametrize(
    "uri",
    [
        "file:///tmp/My File.txt",
        "config://App Settings",
        "file:///a/../b",
        "notes://{id}",
        "notes://ö",
        "plain",
    ],
)
async def test_a_resource_is_read_by_the_uri_that_its_server_wrote(uri: str) -> None:
    asked = list[str]()

    def read(message: Any) -> web.Response:
        asked.append(message["params"]["uri"])
        return web.json_response(rpc(message, {"contents": [{"uri": uri, "text": "well"}]}))

    listed = {
        "resources/list": lambda m: web.json_response(rpc(m, {"resources": [{"name": "a", "uri": uri}]}))
    }
    async with connected(Odd(read=read, **listed)) as connection:
        (resource,) = await connection.list_resources()
        assert str(resource.uri) == uri
        assert json.loads(resource.model_dump_json())["uri"] == uri
        assert "well" in str((await connection.read_resource(str(resource.uri))).contents)
    assert asked == [uri]


@pytest.mark.parametrize("uri", ["", "file:///a\nb"])
async def test_a_uri_that_is_none_is_not_asked_for(uri: str) -> None:
    server = Odd()
    async with connected(server) as connection:
        with pytest.raises(ProtocolError, match="is not the URI of a resource"):
            await connection.read_resource(uri)
    assert "resources/read" not in server.methods
