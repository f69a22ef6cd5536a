"""Arguments that are repeated in headers, so that proxies between client and server can route by them."""

from base64 import b64encode
from typing import Annotated, Any

import pytest
from mcp.server.fastmcp import FastMCP
from pydantic import Field
from tests.server.transport.stateless.conftest import Connect


def program() -> FastMCP[Any]:
    mcp: FastMCP[Any] = FastMCP()

    @mcp.tool()
    def query(
        region: Annotated[str | None, Field(json_schema_extra={"x-mcp-header": "Region"})] = None,
        text: str = "",
    ) -> str:
        return f"{region} {text}"

    tool = mcp._tool_manager.get_tool("query")
    assert tool is not None
    tool.parameters = {
        "type": "object",
        "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "limit": {"type": "integer", "x-mcp-header": "Limit"},
            "fresh": {"type": "boolean", "x-mcp-header": "Fresh"},
            "where": {"type": "object", "properties": {"zone": {"type": "string", "x-mcp-header": "Zone"}}},
            "text": {"type": "string"},
        },
    }
    return mcp


GOOD: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({}, {}),
    ({"region": None}, {}),
    ({"text": "x"}, {"Mcp-Param-Unknown": "y"}),
    ({"region": "us-west1"}, {"mcp-param-region": "us-west1"}),
    ({"region": "Zürich"}, {"Mcp-Param-Region": f"=?base64?{b64encode('Zürich'.encode()).decode()}?="}),
    ({"limit": 42}, {"Mcp-Param-Limit": "42.0"}),
    ({"limit": -7}, {"Mcp-Param-Limit": "-7"}),
    ({"fresh": True}, {"Mcp-Param-Fresh": "true"}),
    ({"where": {"zone": "a"}}, {"Mcp-Param-Zone": "a"}),
]
BAD: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"region": "us-west1"}, {}),
    ({}, {"Mcp-Param-Region": "us-west1"}),
    ({"region": None}, {"Mcp-Param-Region": "us-west1"}),
    ({"region": "us-west1"}, {"Mcp-Param-Region": "US-WEST1"}),
    ({"region": "Hello"}, {"Mcp-Param-Region": "=?base64?SGVsbG8?="}),
    ({"limit": 42}, {"Mcp-Param-Limit": "42.5"}),
    ({"limit": 42}, {"Mcp-Param-Limit": "4.2e1"}),
    ({"limit": "many"}, {"Mcp-Param-Limit": "1"}),
    ({"fresh": True}, {"Mcp-Param-Fresh": "1"}),
    ({"where": {"zone": "a"}}, {"Mcp-Param-Zone": "b"}),
    ({"where": "a"}, {"Mcp-Param-Zone": "a"}),
]


@pytest.mark.parametrize(("arguments", "headers"), GOOD)
async def test_a_header_that_repeats_its_argument_is_accepted(
    connect: Connect, arguments: dict[str, Any], headers: dict[str, str]
) -> None:
    async with connect(program()) as client:
        client.headers = headers
        assert (await client.call("query", arguments)).status == 200


@pytest.mark.parametrize(("arguments", "headers"), BAD)
async def test_a_header_and_an_argument_that_differ_are_refused(
    connect: Connect, arguments: dict[str, Any], headers: dict[str, str]
) -> None:
    async with connect(program()) as client:
        client.headers = headers
        reply = await client.call("query", arguments)
    assert (reply.status, reply.code) == (400, -32020)


async def test_a_tool_may_change_what_it_wants_repeated(connect: Connect) -> None:
    mcp = program()
    tool = mcp._tool_manager.get_tool("query")
    assert tool is not None
    marked, unmarked = tool.parameters, {"type": "object"}
    async with connect(mcp) as client:
        statuses = []
        for tool.parameters in (unmarked, marked, unmarked, marked):
            statuses += [(await client.call("query", {"region": "us-west1"})).status for _ in range(2)]
    assert statuses == [200, 200, 400, 400] * 2


@pytest.mark.parametrize(
    "schema",
    [
        {"a": {"type": "number", "x-mcp-header": "A"}},
        {"a": {"type": "string", "x-mcp-header": "A b"}},
        {"a": {"type": "string", "x-mcp-header": ""}},
        {"a": {"type": "string", "x-mcp-header": "A"}, "b": {"type": "string", "x-mcp-header": "a"}},
    ],
)
async def test_a_schema_that_says_it_wrongly_says_nothing(connect: Connect, schema: dict[str, Any]) -> None:
    mcp = program()
    tool = mcp._tool_manager.get_tool("query")
    assert tool is not None
    tool.parameters = {"type": "object", "properties": schema}
    async with connect(mcp) as client:
        assert (await client.call("query", {"a": "1"})).status == 200
