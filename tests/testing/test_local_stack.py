"""The local stack serves any FastMCP instance behind real tokens, and fails when it is told to."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from mcp.server.fastmcp import FastMCP

from mcpsecurity.client import (
    AccessDeniedError,
    InsufficientScopeError,
    ServerUnavailableError,
    SignInRequiredError,
)
from mcpsecurity.settings import load_settings
from mcpsecurity.testing import Answers, FaultSwitches, LocalStack, ServedMcp
from mcpsecurity.testing.background import BackgroundLoop
from mcpsecurity_webclient.settings import WebSettings


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def server(stack: LocalStack) -> ServedMcp:
    return stack.serve(FastMCP("Empty"), required_roles=("Reader",))


async def test_tokens_are_good_until_something_is_wrong_with_them(server: ServedMcp) -> None:
    async with server.session("alice", roles=("Reader",)) as session:
        assert await session.list_tools() == []
    for wrong in ({"expired": True}, {"not_yet_valid": True}, {"audience": "other"}, {"tampered": True}):
        with pytest.raises(SignInRequiredError):
            async with server.session("alice", roles=("Reader",), **wrong):
                pass
    with pytest.raises(InsufficientScopeError):
        async with server.session("alice", scope=None):
            pass
    with pytest.raises(AccessDeniedError):
        async with server.session("alice"):
            pass


async def test_nobody_and_the_daemon_get_no_session(server: ServedMcp) -> None:
    with pytest.raises(SignInRequiredError):
        async with server.session(None):
            pass
    with pytest.raises(InsufficientScopeError):
        async with server.session("alice", app_only=True):
            pass


async def test_users_are_known_by_name_or_sign_in_name(stack: LocalStack) -> None:
    assert stack.tokens.sign_in_name("guest") == "guest@fabrikam.example"
    assert stack.tokens.sign_in_name("bob@contoso.example") == "bob@contoso.example"
    with pytest.raises(LookupError, match="it has alice@contoso"):
        stack.tokens("mallory")


async def test_an_unknown_user_fails_at_once_and_those_that_exist_are_named(
    stack: LocalStack, server: ServedMcp
) -> None:
    every_name = "has no user 'carol'; it has alice@.*bob@.*guest@"
    with pytest.raises(LookupError, match=every_name):
        async with server.session("carol"):
            pass
    with pytest.raises(LookupError, match=every_name):
        server.http("carol")
    with pytest.raises(LookupError, match=every_name):
        stack.credential("carol")


@pytest.mark.parametrize("wrong", [{"expird": True}, {"audiance": "x"}, {"app_olny": True}])
async def test_a_misspelt_fault_is_no_claim(server: ServedMcp, wrong: dict[str, Any]) -> None:
    """The token would be good, and a test of the refusal would look for the fault elsewhere."""
    with pytest.raises(TypeError, match=f"There is no {next(iter(wrong))}; write "):
        async with server.session("alice", **wrong):
            pass


def test_an_answer_is_values_a_refusal_or_a_dismissal() -> None:
    wrong: Any = "yes"
    with pytest.raises(TypeError, match="not 'yes'"):
        Answers({"text": "x"}, wrong)


def test_sync_code_has_clients_too(server: ServedMcp) -> None:
    with server.http("alice", roles=("Reader",)) as http, server.http(None) as nobody:
        assert http.get("/health").status_code == 200
        assert http.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "ping"}).json()["result"] == {}
        assert nobody.post("/mcp", json={}).status_code == 401


async def test_a_tenant_that_is_down_is_a_server_that_cannot_answer(stack: LocalStack) -> None:
    stack.faults.tenant.down = True
    try:
        server = stack.serve(FastMCP("Empty"))
        with pytest.raises(ServerUnavailableError, match="503"):
            async with server.session():
                pass
    finally:
        stack.faults.clear()
    assert not stack.faults.tenant.down


def _break(faults: FaultSwitches) -> None:
    faults.model.down, faults.model.silent, faults.model.drop_after = True, True, 3
    faults.weather.down, faults.weather.slow = True, 1.0


def test_clearing_turns_every_switch_off(stack: LocalStack) -> None:
    faults = stack.faults
    _break(faults)
    faults.clear()
    assert not faults.model.down
    assert not faults.model.silent
    assert faults.model.drop_after is None
    assert not faults.weather.down
    assert not faults.weather.slow


async def test_many_servers_run_side_by_side_and_stop_alone(stack: LocalStack) -> None:
    one, two = stack.serve(FastMCP("One")), stack.serve()
    one.stop()
    one.stop()
    with pytest.raises(ServerUnavailableError):
        async with one.session():
            pass
    async with two.session() as session:
        assert "get_random_number" in {tool.name for tool in await session.list_tools()}


def test_serving_leaves_logging_as_it_is(stack: LocalStack) -> None:
    before = (list(logging.getLogger().handlers), logging.getLogger().level)
    stack.serve()
    assert (list(logging.getLogger().handlers), logging.getLogger().level) == before


def test_a_stack_stops_twice_and_serves_nothing_before_it_runs() -> None:
    stack = LocalStack()
    with pytest.raises(RuntimeError, match="not running"):
        stack.serve()
    server = stack.start().serve()
    stack.stop()
    stack.stop()
    server.stop()


def test_the_environment_configures_the_services(stack: LocalStack) -> None:
    assert stack.environment["ENTRA_AUTHORITY"] == stack.cloud.authority
    assert "MCP_SERVER_URL" not in stack.environment, "that is the caller's to choose"


OWN = {
    "WEBCLIENT_CLIENT_ID": "10000000-0000-4000-8000-000000000002",
    "WEBCLIENT_CLIENT_SECRET": "local-development-only",
    "MCP_SERVER_URL": "http://localhost:7133/mcp",
    "WEBCLIENT_URL": "http://localhost:5001",
}


def test_the_environment_hides_settings_of_another_model(
    stack: LocalStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "https://elsewhere.example/v1")
    monkeypatch.setenv("WEBCLIENT_MODELS", "elsewhere")
    for key, value in (stack.environment | OWN).items():
        monkeypatch.setenv(key, value)
    settings = load_settings(WebSettings)
    assert settings.model_url == stack.cloud.openai_endpoint
    assert settings.openai_base_url is None


def test_the_base_installation_is_enough() -> None:
    code = (
        "import asyncio, sys\n"
        "for name in ('semantic_kernel', 'openai', 'azure', 'ipywidgets', 'rich', 'prompt_toolkit'):\n"
        "    sys.modules[name] = None\n"
        "from mcpsecurity.testing import LocalStack\n"
        "async def main(server):\n"
        "    async with server.session('alice') as session:\n"
        "        print(len(await session.list_tools()))\n"
        "with LocalStack() as stack:\n"
        "    asyncio.run(main(stack.serve()))\n"
    )
    done = subprocess.run(  # noqa: S603 - our own text
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=50, check=False
    )
    assert done.stdout.strip() == "7", done.stderr


def test_a_background_loop_says_when_it_cannot_run_anything() -> None:
    loop = BackgroundLoop("test")

    async def inside() -> None:
        loop.run(asyncio.sleep(0))

    with pytest.raises(RuntimeError, match="waits for itself"):
        loop.run(inside())
    with pytest.raises(TimeoutError):
        loop.run(asyncio.sleep(60), timeout=0.01)
    loop.close()
    loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        loop.run(asyncio.sleep(0))
