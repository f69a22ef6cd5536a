"""Where a call is made, nothing is believed but an approval of this very call with these very arguments."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from mcp import types
from semantic_kernel import Kernel
from semantic_kernel.exceptions import KernelInvokeException
from semantic_kernel.functions import KernelArguments, KernelPlugin, kernel_function

from mcpsecurity_webclient.chat.mcp.plugins import toolset
from mcpsecurity_webclient.chat.mcp.servers import McpServers
from mcpsecurity_webclient.chat.models import Decision, PendingFunctionCall
from mcpsecurity_webclient.chat.tools.calls import (
    NotApprovedError,
    ToolCalls,
    _at_work,
    _current,
    call_approved,
)

AFTER = "Error: Something went wrong here after the call was made. It is not known whether it was completed."
TOOL = types.Tool(name="pay", inputSchema={"type": "object"})


async def _nothing() -> None:
    """Save nothing, and bring nothing up to date."""


def _desk(
    save: Callable[[], Awaitable[None]] = _nothing, kernel: Kernel | None = None
) -> tuple[ToolCalls, list[str]]:
    heard: list[str] = []
    desk = ToolCalls(
        kernel or Kernel(),
        McpServers([]),
        lambda name, _: heard.append(name),
        save=save,
        prepare=_nothing,
        timeout=1.0,
    )
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


def test_conversations_that_see_the_same_tools_share_their_plugin() -> None:
    mine, theirs = (toolset("s", (TOOL.model_dump_json(by_alias=True),)) for _ in range(2))
    assert mine.plugin is theirs.plugin
    assert mine.functions == {"pay": TOOL}
    assert toolset("other", (TOOL.model_dump_json(by_alias=True),)).plugin is not mine.plugin


async def test_a_shared_function_that_no_desk_invokes_makes_no_call() -> None:
    kernel, arguments = Kernel(), KernelArguments(amount=1)
    kernel.plugins["s"] = toolset("s", (TOOL.model_dump_json(by_alias=True),)).plugin
    with pytest.raises(KernelInvokeException) as caught:
        await kernel.invoke(kernel.get_function("s", "pay"), arguments)
    causes: list[BaseException | None] = [caught.value]
    while causes[-1] is not None:
        causes.append(causes[-1].__cause__)
    assert any(isinstance(cause, NotApprovedError) for cause in causes)


async def test_a_shared_function_makes_no_call_that_another_conversation_approved() -> None:
    mine, heard_by_me = _desk()
    theirs, heard_by_them = _desk()
    call = _call()
    theirs.calls[call.call_id] = call
    tokens = _current.set(call), _at_work.set(mine)
    try:
        with pytest.raises(NotApprovedError):
            await call_approved(TOOL, {"amount": 1})
    finally:
        _current.reset(tokens[0])
        _at_work.reset(tokens[1])
    assert heard_by_me == heard_by_them == []


@kernel_function(name="pay")
async def _breaks(amount: int) -> str:
    """Fail as nobody expected."""
    raise RuntimeError(amount)


@pytest.mark.parametrize(
    ("plugin", "changes", "said"),
    [
        (None, {}, "Error: There is no tool pay."),
        (
            toolset("s", (TOOL.model_dump_json(by_alias=True),)).plugin,
            {"approved_hash": None},
            "Error: This call was not made: it is not the one that was approved.",
        ),
        (
            KernelPlugin.from_object("s", {"pay": _breaks}),
            {},
            "Error: This call was not made: something went wrong here.",
        ),
        (
            KernelPlugin.from_object("s", {"pay": _breaks}),
            {"started_at": 1.0},
            AFTER,
        ),
    ],
    ids=["no tool", "not approved", "before", "after"],
)
async def test_why_a_call_failed_here_is_told(
    plugin: KernelPlugin | None, changes: dict[str, Any], said: str
) -> None:
    kernel = Kernel()
    if plugin is not None:
        kernel.plugins["s"] = plugin
    desk, heard = _desk(kernel=kernel)
    call = _call(**changes)
    desk.calls[call.call_id] = call
    assert await desk._make(call, Decision(True, "user", call.arguments)) == said
    assert heard == ["tool.done"]


async def test_a_grant_that_is_taken_back_while_a_call_is_kept_makes_none() -> None:
    async def take_back() -> None:
        desk.grants.clear()

    desk, heard = _desk(take_back)
    call = desk.propose("s-pay", {"amount": 1}, "b", "m", "i")
    desk.grants["", "s-pay"] = call.definition_hash
    call.expires_at = 0.0  # nobody decides it
    assert (
        await desk.carry_out(call) == "The person declined this call. Their reason: nobody answered in time"
    )
    assert heard == ["tool.decided", "tool.done"]
