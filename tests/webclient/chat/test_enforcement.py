"""Where a call is made, nothing is believed but an approval of this very call with these very arguments."""

import time
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from mcp import types
from semantic_kernel import Kernel
from semantic_kernel.exceptions import KernelInvokeException
from semantic_kernel.functions import KernelArguments, KernelPlugin

from mcpsecurity_webclient.chat.mcp.plugins import cached_toolset
from mcpsecurity_webclient.chat.mcp.policy import ToolPolicy
from mcpsecurity_webclient.chat.mcp.servers import McpServers
from mcpsecurity_webclient.chat.models import Decision, PendingFunctionCall, User
from mcpsecurity_webclient.chat.requests.deadlines import WaitingTime
from mcpsecurity_webclient.chat.state import ConversationState
from mcpsecurity_webclient.chat.tools.approvals import Approvals
from mcpsecurity_webclient.chat.tools.calls import NotApprovedError, ToolCalls, UnknownToolError
from mcpsecurity_webclient.chat.tools.grants import SCOPES, Grants
from mcpsecurity_webclient.chat.tools.person_grants import PersonGrants
from mcpsecurity_webclient.server_settings import McpServerSettings
from mcpsecurity_webclient.store import Grant, GrantKey, Owner

AFTER = "Error: Something went wrong after the call was made. It is not known whether it was completed."
TOOL = types.Tool(name="pay", inputSchema={"type": "object"})


class Server:
    """A server that takes down what it is called with, or fails as nobody expected."""

    plugin_name = "s"
    questions = 0

    def __init__(self, *, breaks: bool = False, tools: Any = None) -> None:
        self.settings = SimpleNamespace(name="s", asks=False)
        self.policy = ToolPolicy(McpServerSettings(name="s", url="http://s.example/mcp"), frozenset)
        self.functions = self.listed = {"pay": TOOL} if tools is None else tools
        self.called: list[tuple[str, dict[str, Any]]] = []
        self._breaks = breaks

    async def call_tool(self, name: str, arguments: dict[str, Any], *_: Any) -> types.CallToolResult:
        self.called.append((name, arguments))
        if self._breaks:
            raise RuntimeError(name)
        return types.CallToolResult(content=[types.TextContent(type="text", text="Paid.")])


class NoGrants:
    """A store of grants that has none and takes none."""

    async def all(self, owner: Owner) -> list[Grant]:  # noqa: ARG002 - as the store has it
        return []

    async def keep(self, owner: Owner, grant: Grant) -> None:
        raise NotImplementedError

    async def remove(self, owner: Owner, key: GrantKey) -> None:
        raise NotImplementedError


async def _nothing() -> None:
    """Save nothing."""


def _conversation(
    save: Callable[[], Awaitable[None]] = _nothing, server: Server | None = None
) -> tuple[ToolCalls, ConversationState, list[str]]:
    heard: list[str] = []
    servers: Any = [server or Server()]
    state = ConversationState(
        chat_id="chat", user=User("Alice", "alice"), model="m", created_at=0.0, updated_at=0.0
    )

    def publish(name: str, _: object) -> None:
        heard.append(name)

    no_grants: Any = NoGrants()
    person = PersonGrants(no_grants, Owner("t", "o"))
    grants = Grants(state, person, McpServers(servers), publish, save=save, allowed=SCOPES, clock=time.time)
    time_to_decide = WaitingTime(1, 10)
    approvals = Approvals(
        state, McpServers(servers), grants, publish, save=save, time_to_decide=time_to_decide
    )
    return ToolCalls(state, approvals, McpServers(servers), publish), state, heard


def _call(**changes: Any) -> PendingFunctionCall:
    call = PendingFunctionCall(
        call_id="c", batch_id="b", message_id="m", server="s", tool="pay", function="s-pay", title="Pay",
        description="", arguments={"amount": 1}, input_schema={}, annotations=None,
    )  # fmt: skip
    call.status, call.approved_hash = "approved", call.args_hash
    for name, value in changes.items():
        setattr(call, name, value)
    return call


async def test_an_approved_call_is_made_once_with_the_arguments_that_were_approved() -> None:
    server = Server()
    tool_calls, state, heard = _conversation(server=server)
    call = state.calls["c"] = _call()
    assert await tool_calls._make(call, Decision(True, "user", call.arguments)) == "Paid."
    assert server.called == [("pay", {"amount": 1})]
    assert heard == ["tool.started", "tool.done"]
    with pytest.raises(NotApprovedError):
        await tool_calls.call_tool(call, {"amount": 1})
    assert len(server.called) == 1


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
async def test_a_forged_approval_does_not_count(
    changes: dict[str, Any], arguments: dict[str, Any], known: bool
) -> None:
    server = Server()
    tool_calls, state, heard = _conversation(server=server)
    call = _call(**changes)
    if known:
        state.calls[call.call_id] = call
    with pytest.raises(NotApprovedError):
        await tool_calls.call_tool(call, arguments)
    assert (heard, server.called) == ([], [])


async def test_a_tool_that_its_server_has_withdrawn_is_not_called() -> None:
    server = Server(tools={})
    tool_calls, state, heard = _conversation(server=server)
    call = state.calls["c"] = _call()
    with pytest.raises(UnknownToolError):
        await tool_calls.call_tool(call, {"amount": 1})
    assert (heard, server.called) == ([], [])


def test_conversations_that_see_the_same_tools_share_their_functions() -> None:
    mine, theirs = (cached_toolset("s", (TOOL.model_dump_json(by_alias=True),)) for _ in range(2))
    assert mine.functions(["pay"])["pay"] is theirs.functions(["pay"])["pay"]
    assert mine.named == {"pay": TOOL}
    other = cached_toolset("other", (TOOL.model_dump_json(by_alias=True),))
    assert other.functions(["pay"])["pay"] is not mine.functions(["pay"])["pay"]


async def test_a_function_only_describes_its_tool_and_makes_no_call() -> None:
    kernel, arguments = Kernel(), KernelArguments(amount=1)
    toolset = cached_toolset("s", (TOOL.model_dump_json(by_alias=True),))
    kernel.plugins["s"] = KernelPlugin(name="s", functions=list(toolset.functions(["pay"]).values()))
    with pytest.raises(KernelInvokeException) as caught:
        await kernel.invoke(kernel.get_function("s", "pay"), arguments)
    causes: list[BaseException | None] = [caught.value]
    while causes[-1] is not None:
        causes.append(causes[-1].__cause__)
    assert "only describes" in str(causes[-2])


async def test_a_call_that_another_conversation_approved_is_not_made() -> None:
    server = Server()
    mine, _, heard_by_me = _conversation(server=server)
    _, theirs, heard_by_them = _conversation(server=server)
    call = theirs.calls["c"] = _call()
    with pytest.raises(NotApprovedError):
        await mine.call_tool(call, {"amount": 1})
    assert (heard_by_me, heard_by_them, server.called) == ([], [], [])


@pytest.mark.parametrize(
    ("server", "changes", "said", "told"),
    [
        (Server(tools={}), {}, "Error: There is no tool pay.", ["tool.done"]),
        (
            Server(),
            {"approved_hash": None},
            "Error: This call was not made: it is not the one that was approved.",
            ["tool.done"],
        ),
        (
            Server(tools=[TOOL]),
            {},
            "Error: This call was not made: something went wrong.",
            ["tool.done"],
        ),
        (Server(breaks=True), {}, AFTER, ["tool.started", "tool.done"]),
    ],
    ids=["no tool", "not approved", "before", "after"],
)
async def test_why_a_call_failed_here_is_told(
    server: Server, changes: dict[str, Any], said: str, told: list[str]
) -> None:
    tool_calls, state, heard = _conversation(server=server)
    call = state.calls["c"] = _call(**changes)
    assert await tool_calls._make(call, Decision(True, "user", call.arguments)) == said
    assert heard == told


async def test_a_grant_that_is_taken_back_while_a_call_is_kept_makes_none() -> None:
    async def take_back() -> None:
        state.grants.clear()

    tool_calls, state, heard = _conversation(take_back)
    call = tool_calls.propose("s-pay", {"amount": 1}, "b", "m", "i")
    state.grants["", "s-pay"] = call.definition_hash
    call.expires_at = 0.0  # nobody decides it
    assert await tool_calls.carry_out(call) == "There was no answer in time, so pay was not run."
    assert heard == ["tool.decided", "tool.done"]
