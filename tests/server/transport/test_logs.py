"""What people send to a program stays out of the log, also when it fails for them."""

import logging
from typing import Any

import pytest
from mcp import types
from mcp.server.fastmcp import FastMCP
from tests.server.transport.conftest import Serve
from tests.server.transport.either import REVISIONS, EitherClient

SECRET = "geheim-4711"


def _program() -> FastMCP[Any]:
    mcp: FastMCP[Any] = FastMCP("Fails")

    @mcp.prompt()
    def order(count: int) -> str:
        """Order some."""
        return f"Order {count}."

    @mcp.prompt()
    def refuse(reason: str) -> str:
        """Fail."""
        raise RuntimeError(f"no: {reason}")

    @mcp.resource("order://{number}")
    def one(number: int) -> str:
        """An order."""
        raise RuntimeError(f"no order {number}")

    @mcp.resource("note://{text}")
    def note(text: str) -> str:
        """A note."""
        raise KeyError(text)

    @mcp.tool()
    def add(a: int) -> int:
        """Add one."""
        return a + 1

    @mcp.tool()
    def lose(text: str) -> str:
        """Fail."""
        raise RuntimeError(f"lost {text}")

    @mcp.completion()  # type: ignore[no-untyped-call, untyped-decorator] # the SDK has no types for it
    async def complete(_: Any, argument: types.CompletionArgument, __: Any) -> types.Completion:
        raise LookupError(argument.value)

    return mcp


REQUESTS: list[tuple[str, dict[str, Any]]] = [
    ("prompts/get", {"name": "order", "arguments": {"count": SECRET}}),
    ("prompts/get", {"name": "order", "arguments": {SECRET: "1"}}),
    ("prompts/get", {"name": "order", "arguments": {"count": "1", "note": SECRET}}),
    ("prompts/get", {"name": "order", "arguments": {"count": [SECRET]}}),
    ("prompts/get", {"name": "refuse", "arguments": {"reason": SECRET}}),
    ("prompts/get", {"name": SECRET, "arguments": {}}),
    ("resources/read", {"uri": f"order://{SECRET}"}),
    ("resources/read", {"uri": f"note://{SECRET}"}),
    ("resources/read", {"uri": f"{SECRET}://x"}),
    ("resources/read", {"uri": SECRET}),
    ("tools/call", {"name": "add", "arguments": {"a": SECRET}}),
    ("tools/call", {"name": "lose", "arguments": {"text": SECRET}}),
    ("tools/call", {"name": "lose", "arguments": SECRET}),
    ("tools/call", {"name": SECRET, "arguments": {}}),
    (
        "completion/complete",
        {"ref": {"type": "ref/prompt", "name": "order"}, "argument": {"name": "count", "value": SECRET}},
    ),
]


@pytest.mark.parametrize("revision", REVISIONS)
@pytest.mark.parametrize(("method", "params"), REQUESTS, ids=lambda value: str(value)[:60])
async def test_no_value_of_a_failed_request_is_logged(
    serve: Serve, caplog: pytest.LogCaptureFixture, revision: str, method: str, params: dict[str, Any]
) -> None:
    caplog.set_level(logging.DEBUG)
    async with serve(_program()) as served:
        answer = await EitherClient(served, revision).request(method, params)
        assert "error" in answer or answer["result"].get("isError") or method == "prompts/get"
    assert SECRET not in caplog.text
    assert not any(record.exc_info for record in caplog.records)


async def test_a_failed_prompt_says_where_and_how_it_failed(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve(_program()) as served:
        params = {"name": "refuse", "arguments": {"reason": SECRET}}
        await EitherClient(served, REVISIONS[0]).request("prompts/get", params)
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    message = record.getMessage()
    assert message.startswith("get_prompt failed: ValueError (")
    assert " from RuntimeError (" in message
    assert "tests.server.transport.test_logs" in message
    assert " refuse)" in message
