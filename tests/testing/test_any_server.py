"""The plugin tests servers of every kind, each behind the local tenant."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from mcp.server.fastmcp import Context, FastMCP
from pydantic import BaseModel
from tests.sdk2.environment import sdk2_python
from tests.support.installed import ROOT

from mcpsecurity.client import SignInRequiredError
from mcpsecurity.testing import Answers, LocalStack, ServerCommand

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack() as stack:
        yield stack


class Card(BaseModel):
    text: str


def program() -> FastMCP[Any]:
    mcp: FastMCP[Any] = FastMCP("Mine", log_level="WARNING")

    @mcp.tool()
    async def write_card(ctx: Context[Any, Any, Any]) -> str:
        """Ask what to write."""
        answer = await ctx.elicit("What shall it say?", Card)
        return answer.data.text if answer.action == "accept" else answer.action

    return mcp


async def test_an_asgi_application_is_served_as_it_is(stack: LocalStack) -> None:
    server = stack.serve(program().streamable_http_app())
    async with server.session(None) as session:
        assert [tool.name for tool in await session.list_tools()] == ["write_card"]
    server.stop()


async def test_an_application_can_be_made_from_the_tenants_settings(stack: LocalStack) -> None:
    given: dict[str, str] = {}

    def make(environment: Mapping[str, str]) -> web.Application:
        given.update(environment)
        app = web.Application()

        async def hello(request: web.Request) -> web.Response:
            return web.json_response({"authorized": "Authorization" in request.headers})

        app.router.add_get("/hello", hello)
        return app

    server = stack.serve(make)
    assert given["MCP_SERVER_URL"] == server.url
    assert given["ENTRA_ISSUER"] == stack.cloud.issuer
    with server.http("alice") as http:
        assert http.get("/hello").json() == {"authorized": True}


async def test_a_server_that_runs_already_is_named_by_its_address(stack: LocalStack) -> None:
    running = stack.serve(program())
    server = stack.serve(running.url)
    async with server.session("bob") as session:
        assert len(await session.list_tools()) == 1
    with pytest.raises(SignInRequiredError):
        async with server.session("bob", expired=True):
            pass


async def test_a_command_in_another_sdk_verifies_tokens_by_the_settings_that_it_gets(
    stack: LocalStack,
) -> None:
    folder = ROOT / "examples" / "testing" / "sdk2"
    server = stack.serve(ServerCommand([str(sdk2_python()), "server.py"], folder=folder))
    async with server.session("alice") as session:
        result = await session.call_tool("greet", {})
        assert result.structuredContent == {"result": "Hello, Alice Adams"}
    for wrong in ({"expired": True}, {"audience": "other"}, {"tampered": True}):
        with server.http("alice", **wrong) as http:
            assert http.post("/mcp", json={}).status_code == 401
    server.stop()


def test_a_command_that_ends_says_why(stack: LocalStack) -> None:
    command = ServerCommand([sys.executable, "-c", "raise SystemExit('no port for me: {port}')"])
    with pytest.raises(RuntimeError, match=r"status 1:\nno port for me: \d+"):
        stack.serve(command)


def test_settings_are_for_fastmcp_only(stack: LocalStack) -> None:
    with pytest.raises(TypeError, match="Only FastMCP"):
        stack.serve("http://127.0.0.1:1/mcp", approval="never")


async def test_answers_are_given_in_order_and_questions_recorded(stack: LocalStack) -> None:
    answers = Answers({"text": "Well done!"}, "decline")
    async with stack.serve(program()).session("alice", elicitation=answers) as session:
        said = [await session.call_tool("write_card", {}) for _ in range(3)]
    assert [result.structuredContent for result in said[:2]] == [
        {"result": "Well done!"},
        {"result": "decline"},
    ]
    assert said[2].isError, "a third answer is not listed"
    assert [question.message for question in answers.asked] == ["What shall it say?"] * 3
    assert answers.asked[0].schema is not None
    assert list(answers.asked[0].schema["properties"]) == ["text"]
    async with stack.serve(program()).session("alice", answers=["cancel"]) as session:
        assert (await session.call_tool("write_card", {})).structuredContent == {"result": "cancel"}


async def test_people_of_ones_own_have_roles_groups_and_tenants(stack: LocalStack) -> None:
    stack.add_user("Carol Clark", "carol@contoso.example", roles=["Reader"], groups=["g-1"])
    stack.add_user("Dan Dow", "dan@other.example", tenant_id="0000000d-0000-4000-8000-00000000000d")
    readers = stack.serve(program(), required_roles=("Reader",), allow_guests=False)
    async with readers.session("carol") as session:
        assert len(await session.list_tools()) == 1
    with readers.http("dan", roles=("Reader",)) as http:
        assert http.post("/mcp", json={}).status_code == 403
    assert "g-1" in str(_claims(stack.tokens("carol")))


def _claims(token: str) -> dict[str, Any]:
    import jwt

    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def test_the_web_chat_runs_for_the_server(stack: LocalStack) -> None:
    chat = stack.web_chat(stack.serve(program()))
    with chat.client("alice@contoso.example") as http:
        page = http.get("/", follow_redirects=True)
    assert page.status_code == 200
    assert "Alice Adams" in page.text
    assert Path(chat.url).name.startswith("localhost")
    chat.stop()
