"""A connection survives what happens to servers and tokens, and says what it was."""

import asyncio
import contextlib
import gc
from typing import Any

import pytest
from aiohttp import web
from mcp import types
from mcp.server.fastmcp import Context, FastMCP
from pydantic import BaseModel
from tests.support.company import INNER, company_proxy
from tests.support.served import Serve

from mcpsecurity.client import (
    InsufficientScopeError,
    McpConnection,
    ProtocolError,
    ServerUnavailableError,
    SessionLostError,
    SignInRequiredError,
    TokenAuth,
)


class Name(BaseModel):
    """A form."""

    name: str


def program() -> FastMCP[Any]:
    """Return a server with tools that ask, report and wait."""
    mcp: FastMCP[Any] = FastMCP("Program")
    mcp.cancelled = asyncio.Event()  # type: ignore[attr-defined] # for the test to look at

    @mcp.tool()
    async def ask(message: str, ctx: Context[Any, Any, Any]) -> str:
        """Ask, and report meanwhile."""

        async def tick() -> None:
            await ctx.report_progress(1, 2, "still here")

        ticking = asyncio.create_task(tick())
        answer = await ctx.elicit(message, Name)
        await ticking
        return answer.data.name if answer.action == "accept" else answer.action

    @mcp.tool()
    def quick() -> str:
        """Answer at once."""
        return "quick"

    @mcp.tool()
    async def wait() -> str:
        """Wait for ever."""
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            mcp.cancelled.set()  # type: ignore[attr-defined] # see above
            raise
        return "never"

    return mcp


@web.middleware
async def silence(_: web.Request, handler: Any) -> web.StreamResponse:
    """Answer nothing."""
    await asyncio.Event().wait()
    raise AssertionError


def refuse(status: int, **headers: str) -> Any:
    """Return a middleware that answers every request with a status."""

    @web.middleware
    async def refusing(request: web.Request, handler: Any) -> web.StreamResponse:
        return web.Response(status=status, headers=headers)

    return refusing


async def test_while_a_form_is_open_progress_results_and_a_second_form_arrive(serve: Serve) -> None:
    asked: asyncio.Queue[str] = asyncio.Queue()
    answers = {"first": asyncio.Event(), "second": asyncio.Event()}
    progress = asyncio.Event()

    async def answer(context: Any, params: Any) -> types.ElicitResult:
        await asked.put(params.message)
        await answers[params.message].wait()
        return types.ElicitResult(action="accept", content={"name": params.message})

    async def heard(progress_: float, total: float | None, message: str | None) -> None:
        progress.set()

    async with (
        asyncio.timeout(30),
        serve(program()) as url,
        McpConnection(url, elicitation=answer) as connection,
        asyncio.TaskGroup() as group,
    ):
        first = group.create_task(connection.call_tool("ask", {"message": "first"}, heard))  # type: ignore[arg-type] # a protocol with other names
        assert await asked.get() == "first"
        await progress.wait()
        quick = await connection.call_tool("quick", {})
        assert quick.content == [types.TextContent(type="text", text="quick")]
        second = group.create_task(connection.call_tool("ask", {"message": "second"}))
        assert await asked.get() == "second"
        answers["second"].set()
        assert (await second).structuredContent == {"result": "second"}
        assert not first.done()
        answers["first"].set()
        assert (await first).structuredContent == {"result": "first"}


async def test_a_cancelled_call_is_cancelled_at_the_server(serve: Serve) -> None:
    mcp = program()
    async with asyncio.timeout(30), serve(mcp) as url, McpConnection(url) as connection:
        call = asyncio.create_task(connection.call_tool("wait", {}))
        await connection.call_tool("quick", {})
        call.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await call
        await mcp.cancelled.wait()  # type: ignore[attr-defined] # see `program`


@pytest.mark.parametrize(
    ("status", "challenge", "kind"),
    [
        (401, 'Bearer scope="api://x/mcp:tools"', SignInRequiredError),
        (403, 'Bearer error="insufficient_scope", scope="mcp:tools more"', InsufficientScopeError),
        (503, "Bearer", ServerUnavailableError),
    ],
)
async def test_a_refusal_at_connect_is_typed_and_hangs_nobody(
    serve: Serve, status: int, challenge: str, kind: type[Exception]
) -> None:
    async with serve(program(), refuse(status, **{"WWW-Authenticate": challenge})) as url:
        async with asyncio.timeout(30):
            with pytest.raises(kind) as caught:
                await McpConnection(url).open()
        if status != 503:
            assert caught.value.scope == challenge.partition('scope="')[2].rstrip('"')  # type: ignore[attr-defined] # both have it


async def test_no_server_is_said_so() -> None:
    with pytest.raises(ServerUnavailableError, match=r"127\.0\.0\.1:9 does not answer"):
        await McpConnection("http://127.0.0.1:9/mcp").open()


async def test_a_refused_token_is_renewed_once(serve: Serve) -> None:
    asked_for: list[bool] = []

    async def token(force: bool) -> str:
        asked_for.append(force)
        return "new" if force else "old"

    @web.middleware
    async def only_new(request: web.Request, handler: Any) -> web.StreamResponse:
        if request.headers.get("Authorization") != "Bearer new":
            return web.Response(status=401)
        response: web.StreamResponse = await handler(request)
        return response

    async with serve(program(), only_new) as url, McpConnection(url, auth=TokenAuth(token)) as connection:
        await connection.call_tool("quick", {})
    assert asked_for[:2] == [False, True], "with the first request, and after its refusal"


async def test_a_restarted_server_is_met_again(serve: Serve) -> None:
    async with serve(program()) as url:
        connection = McpConnection(url)
        await connection.open()
    port = int(url.rpartition(":")[2].partition("/")[0])
    async with serve(program(), port=port):
        assert (await connection.call_tool("quick", {})).structuredContent == {"result": "quick"}
        await connection.aclose()
        await connection.aclose()


async def test_a_stopped_server_is_unavailable_and_the_connection_can_go_on(serve: Serve) -> None:
    async with serve(program()) as url:
        connection = McpConnection(url)
        await connection.open()
    async with asyncio.timeout(30):
        with pytest.raises(ServerUnavailableError):
            await connection.call_tool("quick", {})
    await connection.aclose()


async def test_an_error_of_the_protocol_has_its_code(serve: Serve) -> None:
    async with serve(program()) as url, McpConnection(url) as connection:
        with pytest.raises(ProtocolError) as caught:
            await connection.call_tool("no_such_tool", {})
        assert caught.value.code == types.INVALID_PARAMS


async def test_a_server_that_says_nothing_is_given_up(serve: Serve) -> None:
    async with serve(program(), silence) as url:
        with pytest.raises(ServerUnavailableError, match=r"did not answer within 0\.2 s"):
            await McpConnection(url, timeout=0.2).open()


@pytest.mark.slow
async def test_a_prompt_that_does_not_come_is_given_up_but_not_while_a_person_is_asked(serve: Serve) -> None:
    mcp = program()
    answered = asyncio.Event()

    @mcp.prompt()
    async def silent() -> str:
        await asyncio.Event().wait()
        return "never"

    @mcp.prompt()
    async def asking() -> str:
        context = mcp.get_context()
        form = await context.session.elicit_form(
            "Who?", {"type": "object", "properties": {}}, context.request_id
        )
        return str(form.action)

    async def answer(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        await asyncio.sleep(2.5)
        answered.set()
        return types.ElicitResult(action="accept", content={})

    async with serve(mcp) as url, McpConnection(url, timeout=1.5, elicitation=answer) as connection:
        with pytest.raises(ServerUnavailableError, match=r"did not answer within 1\.5 s"):
            await connection.get_prompt("silent", {})
        (message,) = (await connection.get_prompt("asking", {})).messages
    assert answered.is_set()
    assert "accept" in str(message.content)


@pytest.mark.parametrize(
    "lost", [pytest.param(False, id="closed"), pytest.param(True, id="lost", marks=pytest.mark.slow)]
)
async def test_a_session_that_ends_under_a_call_ends_the_call(serve: Serve, lost: bool) -> None:
    known = True

    @web.middleware
    async def forget(request: web.Request, handler: Any) -> web.StreamResponse:
        if not known and "Mcp-Session-Id" in request.headers:
            return web.Response(status=404)
        response: web.StreamResponse = await handler(request)
        return response

    async with serve(program(), forget) as url, McpConnection(url) as connection:
        call = asyncio.create_task(connection.call_tool("wait", {}))
        await connection.call_tool("quick", {})
        if lost:
            known = False
            with contextlib.suppress(SessionLostError):
                await connection.call_tool("quick", {})
        else:
            await connection.aclose()
        with pytest.raises(ServerUnavailableError, match="not known whether"):
            await call


async def test_an_idle_session_holds_no_list_of_tools(serve: Serve) -> None:
    async with serve(program()) as url, McpConnection(url) as connection:
        assert {tool.name for tool in await connection.list_tools()} >= {"quick", "wait"}
        gc.collect()
        responses = [one for one in gc.get_objects() if isinstance(one, types.JSONRPCResponse)]
    assert [response for response in responses if "tools" in response.result] == []


async def test_a_server_outside_is_reached_through_the_companys_proxy_and_no_other(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with company_proxy(monkeypatch) as company:
        async with serve(program()) as url, McpConnection(url) as connection:
            assert await connection.list_tools()
        for host, asked in ((INNER, set[str]()), ("mcp.contoso.example", {"mcp.contoso.example"})):
            with pytest.raises(ServerUnavailableError):
                async with McpConnection(f"https://{host}/mcp"):
                    pass
            assert company.asked == asked
        assert not company.others
