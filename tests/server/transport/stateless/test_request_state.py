"""The server accepts only state that it has sealed for this very request."""

import gc
import weakref
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.server.fastmcp import Context, FastMCP
from pydantic import BaseModel
from tests.server.transport.stateless.conftest import Connect, accept

from mcpsecurity_server.transport.identity import Owner
from mcpsecurity_server.transport.stateless.channel import InputRequiredChannel
from mcpsecurity_server.transport.stateless.input_required import Journal
from mcpsecurity_server.transport.stateless.request_state import (
    RequestStateCodec,
    RequestStateError,
    binding_of,
    make_binding,
)

ToolContext = Context[Any, Any, Any]
RING = RequestStateCodec([b"k" * 32])
BOUND = b"b" * 32
SEALED = RING.encode({"q": {}, "a": {}, "s": {}, "n": 1, "p": 0}, BOUND)

_scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=20)
_json = st.recursive(
    _scalars,
    lambda child: st.lists(child, max_size=3) | st.dictionaries(st.text(max_size=10), child, max_size=3),
    max_leaves=8,
)


class Name(BaseModel):
    name: str


def program() -> FastMCP[Any]:
    mcp: FastMCP[Any] = FastMCP()

    @mcp.tool()
    async def greet(ctx: ToolContext, greeting: str = "Hello") -> str:
        answer = await ctx.elicit("What is your name?", Name)
        return f"{greeting}, {answer.data.name if answer.action == 'accept' else answer.action}!"

    @mcp.tool()
    async def other(ctx: ToolContext) -> str:
        return (await ctx.elicit("What is your name?", Name)).action

    return mcp


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")) | _json)
def test_no_value_but_the_sealed_one_opens(text: Any) -> None:
    if text == SEALED:
        return
    with pytest.raises(RequestStateError):
        RING.decode(text, BOUND)


@given(st.integers(0, len(SEALED) - 1), st.characters())
def test_no_changed_character_goes_unnoticed(place: int, character: str) -> None:
    changed = SEALED[:place] + character + SEALED[place + 1 :]
    if changed != SEALED:
        with pytest.raises(RequestStateError):
            RING.decode(changed, BOUND)


@pytest.mark.parametrize("padding", ["", "a", "aa"])
def test_no_other_spelling_of_a_state_opens(padding: str) -> None:
    sealed = RING.encode({"padding": padding}, BOUND)
    for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=":
        if sealed[-1] != last:
            with pytest.raises(RequestStateError):
                RING.decode(sealed[:-1] + last, BOUND)


@given(st.integers(0, len(SEALED)), st.integers(0, len(SEALED)))
def test_no_piece_of_a_state_opens(start: int, end: int) -> None:
    piece = SEALED[start:end]
    if piece != SEALED:
        with pytest.raises(RequestStateError):
            RING.decode(piece, BOUND)


@given(_json, _json)
def test_a_state_belongs_to_its_arguments(sealed_for: Any, sent_with: Any) -> None:
    owner = Owner("t", "u", "c")

    def bound(arguments: Any) -> bytes:
        return make_binding(owner, "tools/call", "x", None, arguments)

    same = (sealed_for or None) == (sent_with or None) and repr(sealed_for or None) == repr(sent_with or None)
    if same:
        assert bound(sealed_for) == bound(sent_with)
    elif (sealed_for or None) != (sent_with or None):
        assert bound(sealed_for) != bound(sent_with)


@pytest.mark.parametrize(
    ("owner", "method", "params"),
    [
        (Owner("t", "other", "c"), "tools/call", {"name": "x"}),
        (Owner("t", "u", "other"), "tools/call", {"name": "x"}),
        (Owner("other", "u", "c"), "tools/call", {"name": "x"}),
        (Owner("t", "u", "c"), "prompts/get", {"name": "x"}),
        (Owner("t", "u", "c"), "tools/call", {"name": "y"}),
        (Owner("t", "u", "c"), "tools/call", {"name": "x", "arguments": {"a": 1}}),
    ],
)
def test_a_state_belongs_to_caller_application_method_and_name(
    owner: Owner, method: str, params: dict[str, Any]
) -> None:
    first = _body("tools/call", {"name": "x"})
    sealed = RING.encode({"n": 1}, binding_of(Owner("t", "u", "c"), first))
    same = _body("tools/call", {"name": "x", "arguments": {}, "_meta": {"progressToken": 1}})
    assert RING.decode(sealed, binding_of(Owner("t", "u", "c"), same)) == {"n": 1}
    with pytest.raises(RequestStateError):
        RING.decode(sealed, binding_of(owner, _body(method, params)))


def _body(method: str, params: dict[str, Any]) -> bytes:
    return orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})


def test_a_state_expires() -> None:
    now = [1000.0]
    ring = RequestStateCodec([b"k" * 32], seconds=60, clock=lambda: now[0])
    sealed = ring.encode({"n": 1}, BOUND)
    now[0] = 1059.0
    assert ring.decode(sealed, BOUND) == {"n": 1}
    now[0] = 1060.0
    with pytest.raises(RequestStateError):
        ring.decode(sealed, BOUND)


def test_keys_are_long_and_different_and_can_be_changed_one_after_the_other() -> None:
    old, new = b"o" * 32, b"n" * 32
    sealed = RequestStateCodec([old]).encode({"n": 1}, BOUND)
    assert RequestStateCodec([new, old]).decode(sealed, BOUND) == {"n": 1}
    with pytest.raises(RequestStateError):
        RequestStateCodec([new]).decode(sealed, BOUND)
    with pytest.raises(RequestStateError):
        RequestStateCodec([old], service="another").decode(sealed, BOUND)
    with pytest.raises(RequestStateError):
        RequestStateCodec().decode(RequestStateCodec().encode({"n": 1}, BOUND), BOUND)
    with pytest.raises(ValueError, match="at least 32 bytes"):
        RequestStateCodec([b"short"])
    with pytest.raises(ValueError, match="twice"):
        RequestStateCodec([old, old])


@given(st.dictionaries(st.text(max_size=10) | st.just("k"), _json, max_size=4))
def test_responses_of_any_form_are_taken_or_left(responses: dict[str, Any]) -> None:
    asked = {"k": ("digest", "elicitation/create"), "s": ("digest", "sampling/createMessage")}
    state = {"q": asked, "a": {}, "s": {}, "n": 1, "p": 0}
    journal = Journal.resume(state, responses)
    assert set(journal.answers) <= set(asked) & set(responses)
    for _, answer in journal.answers.values():
        assert isinstance(answer, dict)


async def test_what_is_refused_is_refused_with_one_error_that_tells_nothing(connect: Connect) -> None:
    async with connect(program()) as client:
        asked = await client.call("greet")
        state = asked.result["requestState"]
        answers = {key: accept(name="Eve") for key in asked.result["inputRequests"]}
        tries = [
            await client.call("greet", {"greeting": "Bye"}, inputResponses=answers, requestState=state),
            await client.call("other", inputResponses=answers, requestState=state),
            await client.call("greet", inputResponses=answers, requestState=state[:-2] + "AA"),
            await client.call("greet", inputResponses=answers, requestState=""),
            await client.call("greet", inputResponses=answers, requestState={"a": 1}),
        ]
        done = await client.call("greet", {}, inputResponses=answers, requestState=state)
    assert {(reply.status, str(reply.body["error"])) for reply in tries} == {
        (400, str({"code": -32602, "message": "Invalid or expired requestState"}))
    }
    assert done.result["content"][0]["text"] == "Hello, Eve!"


async def test_a_handler_may_change_its_arguments(connect: Connect) -> None:
    mcp: FastMCP[Any] = FastMCP()

    @mcp.tool()
    async def order(things: Any, ctx: ToolContext) -> int:
        things["names"].append("wrapping")
        things.pop("wish")
        return len(things["names"]) if (await ctx.elicit("Sure?", Name)).action == "accept" else 0

    async with connect(mcp) as client:
        arguments = {"things": {"names": ["a", "b"], "wish": "none"}}
        asked = await client.call("order", arguments)
        done = await client.retry("order", asked, accept(name="Ada"), arguments=arguments)
    assert done.result["content"][0]["text"] == "3"


async def test_nothing_of_a_call_is_kept_after_its_answer(connect: Connect) -> None:
    alive: list[weakref.ref[Any]] = []
    mcp: FastMCP[Any] = FastMCP()

    @mcp.tool()
    async def greet(ctx: ToolContext) -> str:
        channel = channel_of(ctx)
        alive.append(weakref.ref(channel))
        return (await ctx.elicit("What is your name?", Name)).action

    async with connect(mcp) as client:
        asked = await client.call("greet")
        await client.retry("greet", asked, accept(name="Ada"))
        await client.call("greet")
        await client.request("tools/list")  # the connection forgets the request before
        gc.collect()
        assert len(alive) == 3
        assert [reference() for reference in alive] == [None, None, None]


def channel_of(ctx: ToolContext) -> InputRequiredChannel:
    from mcpsecurity_server.transport.dispatch.relay_session import current_channel

    channel = current_channel.get()
    assert isinstance(channel, InputRequiredChannel)
    return channel
