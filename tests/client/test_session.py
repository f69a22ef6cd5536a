"""The private names of the SDK that `client/session.py` uses."""

import inspect

import pytest
from mcp import ClientSession
from mcp.shared.session import BaseSession

METHODS = ["_handle_response", "_received_request", "_send_response"]
ATTRIBUTES = ["_request_id", "_response_streams", "_task_group"]


@pytest.mark.parametrize("name", METHODS)
def test_the_session_of_the_sdk_has_the_method(name: str) -> None:
    assert inspect.iscoroutinefunction(getattr(ClientSession, name))


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_the_session_of_the_sdk_has_the_attribute(name: str) -> None:
    assert name in BaseSession.__init__.__code__.co_names + BaseSession.__aenter__.__code__.co_names
