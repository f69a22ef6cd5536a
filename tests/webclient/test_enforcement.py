"""Where a call is made, nothing is believed but an approval of this very call with these very arguments."""

from typing import Any

import pytest
from mcp import types
from semantic_kernel import Kernel

from mcpsecurity_webclient.chat.calls import CallDesk, NotApprovedError, _current
from mcpsecurity_webclient.chat.models import PendingFunctionCall
from mcpsecurity_webclient.chat.servers import McpServers

TOOL = types.Tool(name="pay", inputSchema={"type": "object"})


def _desk() -> tuple[CallDesk, list[str]]:
    heard: list[str] = []
    desk = CallDesk(Kernel(), McpServers([]), lambda name, _: heard.append(name), timeout=1.0)
    return desk, heard


def _call(**changes: Any) -> PendingFunctionCall:
    call = PendingFunctionCall(
        call_id="c", batch_id="b", message_id="m", server="s", tool="pay", function="s-pay", title="Pay",
        description="", arguments={"amount": 1}, input_schema={}, annotations=None,
    )  # fmt: skip
    call.status, call.approved_hash = "approved", call.args_hash
    for name, value in changes.items():
        setattr(call, name, value)
    return call


async def test_a_call_that_nobody_proposed_is_not_made() -> None:
    desk, heard = _desk()
    with pytest.raises(NotApprovedError):
        await desk.call_tool(TOOL, {"amount": 1})
    assert heard == []


@pytest.mark.parametrize(
    ("changes", "arguments", "known"),
    [
        ({}, {"amount": 1000}, True),
        ({"approved_hash": None}, {"amount": 1}, True),
        ({"approved_hash": "0" * 32}, {"amount": 1}, True),
        ({"tool": "look"}, {"amount": 1}, True),
        ({"status": "proposed"}, {"amount": 1}, True),
        ({"status": "declined"}, {"amount": 1}, True),
        ({"status": "done"}, {"amount": 1}, True),
        ({}, {"amount": 1}, False),
        ({"server": "gone"}, {"amount": 1}, True),
    ],
)
async def test_a_forged_approval_is_none(
    changes: dict[str, Any], arguments: dict[str, Any], known: bool
) -> None:
    desk, heard = _desk()
    call = _call(**changes)
    if known:
        desk.calls[call.call_id] = call
    token = _current.set(call)
    try:
        with pytest.raises(NotApprovedError):
            await desk.call_tool(TOOL, arguments)
    finally:
        _current.reset(token)
    assert heard == []
