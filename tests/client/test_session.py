"""The private names of the SDK that `client/session.py` uses, and what the SDK logs."""

import asyncio
import inspect
from typing import Any

import anyio
import pytest
from mcp import ClientSession, types
from mcp.shared.message import SessionMessage
from mcp.shared.session import BaseSession
from tests.support.eventually import eventually

from mcpsecurity.client import ConcurrentSession

METHODS = ["_handle_response", "_received_request", "_send_response"]
ATTRIBUTES = ["_request_id", "_response_streams", "_task_group"]


@pytest.mark.parametrize("name", METHODS)
def test_the_session_of_the_sdk_has_the_method(name: str) -> None:
    assert inspect.iscoroutinefunction(getattr(ClientSession, name))


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_the_session_of_the_sdk_has_the_attribute(name: str) -> None:
    assert name in BaseSession.__init__.__code__.co_names + BaseSession.__aenter__.__code__.co_names


async def test_a_notification_that_cannot_be_read_is_logged_without_a_word_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    send, read = anyio.create_memory_object_stream[Any](5)
    write, sent = anyio.create_memory_object_stream[Any](5)
    params = {"level": "odd level", "data": "what alice wrote"}
    odd = types.JSONRPCNotification(jsonrpc="2.0", method="notifications/message", params=params)
    async with ConcurrentSession(read, write):
        await send.send(SessionMessage(types.JSONRPCMessage(odd)))
        await eventually(lambda: "cannot be read or passed on" in caplog.text)
    assert "what alice wrote" not in caplog.text
    assert "odd level" not in caplog.text
    sent.close()
    send.close()


async def test_a_question_whose_callback_is_cancelled_by_itself_does_not_end_the_session() -> None:
    send, read = anyio.create_memory_object_stream[Any](5)
    write, sent = anyio.create_memory_object_stream[Any](5)

    async def gives_up(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        raise asyncio.CancelledError

    form = {"message": "Sure?", "requestedSchema": {"type": "object", "properties": {}}}
    ping: dict[str, Any] = {"id": 2, "method": "ping"}
    async with ConcurrentSession(read, write, elicitation_callback=gives_up):
        for message in ({"id": 1, "method": "elicitation/create", "params": form}, ping):
            request = types.JSONRPCRequest.model_validate({"jsonrpc": "2.0"} | message)
            await send.send(SessionMessage(types.JSONRPCMessage(request)))
        with anyio.fail_after(30):
            answers = [(await sent.receive()).message.root for _ in range(2)]
    assert sorted((answer.id, type(answer).__name__) for answer in answers) == [
        (1, "JSONRPCError"),
        (2, "JSONRPCResponse"),
    ]
    sent.close()
    send.close()
