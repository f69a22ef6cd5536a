"""The MCP Inspector's command line lists and calls the whole server's tools in both eras, if it has a
token."""

import json
from typing import Any

import pytest
from tests.conformance.programs import Ended, run_program

from mcpsecurity.localcloud import LocalCloud

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(120)]

ERAS = pytest.mark.parametrize("era", ["legacy", "modern"])


async def _inspect(url: str, era: str, token: str | None, *arguments: str) -> Ended:
    header = ["--header", f"Authorization: Bearer {token}"] if token is not None else []
    return await run_program(
        *("mcp-inspector", "--cli", url, "--transport", "http", "--protocol-era", era),
        *header,
        *arguments,
        seconds=60,
    )


def _result(ended: Ended) -> Any:
    assert ended.code == 0, ended.output + ended.errors
    return json.loads(ended.output)


@ERAS
async def test_the_inspector_lists_the_tools(url: str, cloud: LocalCloud, era: str) -> None:
    listed = _result(await _inspect(url, era, cloud.access_token(), "--method", "tools/list"))
    assert {"get_random_number", "get_city_weather"} <= {tool["name"] for tool in listed["tools"]}


@ERAS
async def test_the_inspector_calls_a_tool(url: str, cloud: LocalCloud, era: str) -> None:
    call = ("--method", "tools/call", "--tool-name", "get_random_number", "--tool-arg", "min=3", "max=4")
    result = _result(await _inspect(url, era, cloud.access_token(), *call))
    assert result["structuredContent"]["number"] == 3


@ERAS
async def test_the_inspector_is_refused_without_a_token(url: str, era: str) -> None:
    ended = await _inspect(url, era, None, "--method", "tools/list")
    assert ended.code != 0
    assert json.loads(ended.errors)["error"]["code"] == "auth_required"
