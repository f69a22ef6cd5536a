"""Whole numbers keep every digit, in every revision and in every place."""

from typing import Any

import pytest
from mcp.server.fastmcp import Context, FastMCP
from pydantic import BaseModel
from tests.server.transport.conftest import Serve
from tests.server.transport.either import REVISIONS, EitherClient

from mcpsecurity_server.transport import step

NUMBERS = [
    2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 2**64 - 1, 2**64, -(2**64), 10**22 + 1,
    123456789012345678901234567890, -int("9" * 4300), int("1" + "0" * 4299),
]  # fmt: skip


class Amount(BaseModel):
    """What a form asks for."""

    amount: int


def _program() -> FastMCP[Any]:
    mcp: FastMCP[Any] = FastMCP("Numbers")

    @mcp.tool()
    def echo(value: int) -> int:
        """Return it."""
        return value

    @mcp.tool()
    def wrap(values: list[Any]) -> dict[str, Any]:
        """Return them inside something."""
        return {"inside": [{"values": values}]}

    @mcp.tool()
    def power(digits: int) -> int:
        """Return a number of that many digits."""
        return int(10 ** (digits - 1))

    @mcp.tool()
    async def ask(ctx: Context[Any, Any, Any], least: int) -> int:
        """Ask for a number, after a step that makes one."""

        async def double() -> int:
            return least * 2

        doubled = await step("double", double)
        answer = await ctx.elicit(f"At least {doubled}", Amount)
        return answer.data.amount - doubled if answer.action == "accept" else 0

    return mcp


@pytest.mark.parametrize("revision", REVISIONS)
async def test_a_number_comes_back_as_it_was_sent(serve: Serve, revision: str) -> None:
    async with serve(_program()) as served:
        client = EitherClient(served, revision)
        for number in NUMBERS:
            answer = await client.call("echo", {"value": number}, id=number)
            assert answer["id"] == number
            assert answer["result"]["structuredContent"] == {"result": number}
            assert answer["result"]["content"][0]["text"] == str(number)


@pytest.mark.parametrize("revision", REVISIONS)
async def test_numbers_inside_lists_and_objects_come_back_beside_other_values(
    serve: Serve, revision: str
) -> None:
    values = [*NUMBERS, 0.1, 1.0, -0.0, 1e300, "12345678901234567890123", "\U0001f600", None, True]
    async with serve(_program()) as served:
        answer = await EitherClient(served, revision).call("wrap", {"values": values})
        (inside,) = answer["result"]["structuredContent"]["inside"]
        assert [(type(value), value) for value in inside["values"]] == [(type(v), v) for v in values]


@pytest.mark.parametrize("revision", REVISIONS)
async def test_a_progress_token_may_be_long(serve: Serve, revision: str) -> None:
    async with serve(_program()) as served:
        answer = await EitherClient(served, revision).call(
            "echo", {"value": 1}, meta={"progressToken": 2**70, "note": 2**90}
        )
        assert answer["result"]["structuredContent"] == {"result": 1}


async def test_a_form_is_answered_with_a_long_number(serve: Serve) -> None:
    async with serve(_program()) as served:
        client = EitherClient(served, "2026-07-28")
        least = 10**25
        asked = (await client.call("ask", {"least": least}))["result"]
        ((key, _),) = asked["inputRequests"].items()
        answer = {"action": "accept", "content": {"amount": 2 * least + 7}}
        retry = {"inputResponses": {key: answer}, "requestState": asked["requestState"]}
        done = await client.call("ask", {"least": least}, params=retry)
        assert done["result"]["structuredContent"] == {"result": 7}
        other = await client.call("ask", {"least": least + 1}, params=retry)
        assert "error" in other or other["result"]["resultType"] == "input_required"


async def test_a_number_longer_than_python_reads_is_a_clear_error(serve: Serve) -> None:
    async with serve(_program()) as served:
        headers = await served.initialize()
        body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"a":%s}}}'
        for digits in (4301, 100_000):
            error = await served.error(served.post(body % (b"7" * digits), headers))
            assert error == (400, -32700, "Parse error: a number has more than 4300 digits")


@pytest.mark.parametrize("revision", REVISIONS)
async def test_a_result_that_cannot_be_written_is_an_error(serve: Serve, revision: str) -> None:
    async with serve(_program()) as served:
        client = EitherClient(served, revision)
        assert (await client.call("power", {"digits": 4300}))["result"]["isError"] is False
        answer = await client.call("power", {"digits": 4301})
        assert answer["error"]["code"] == -32603
        assert answer["error"]["message"].endswith("cannot be written as JSON")
        assert (await client.call("echo", {"value": 1}))["result"]["isError"] is False


@pytest.mark.parametrize(
    "text",
    [
        "NaN", "-Infinity", "1e400", '"\\ud800"', "12345678901234567890 1", "[" * 2000 + "]" * 2000,
        "1" * 400 + ".5", "012345678901234567890", "\xff",
    ],
)  # fmt: skip
async def test_a_long_number_lets_nothing_else_in(serve: Serve, text: str) -> None:
    async with serve(_program()) as served:
        headers = await served.initialize()
        body = b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":1234567890123456789012,"b":%s}}'
        status, code, _ = await served.error(served.post(body % text.encode("latin-1"), headers))
        # Python 3.12 can read that, 3.11 not.
        refused = (-32700, -32600) if text.startswith("[[") else (-32700,)
        assert status == 400
        assert code in refused


@pytest.mark.parametrize("text", ["1e400", "-1E+400", "9" * 400 + ".5", "[12345678901234567890, 1e400]"])
async def test_a_number_beyond_all_doubles_is_a_clear_error(serve: Serve, text: str) -> None:
    async with serve(_program()) as served:
        headers = await served.initialize()
        body = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"a":%s}}}'
        error = await served.error(served.post((body % text).encode(), headers))
        assert error == (400, -32700, "Parse error: a number is too large for a double")
