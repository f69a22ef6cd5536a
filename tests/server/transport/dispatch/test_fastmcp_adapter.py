"""The names of the SDK that it does not promise to keep. A failure here names what an update has changed."""

import dataclasses
import inspect
from typing import Any

import pytest
from mcp import types
from mcp.server.auth.middleware.auth_context import auth_context_var, get_access_token
from mcp.server.auth.provider import AccessToken
from mcp.server.fastmcp import Context, FastMCP
from mcp.server.fastmcp.utilities.func_metadata import FuncMetadata
from mcp.server.lowlevel.server import request_ctx
from mcp.server.session import ServerSession
from mcp.shared.context import RequestContext
from pydantic import BaseModel

from mcpsecurity_server.transport.dispatch.call_context import enter_call, leave_call
from mcpsecurity_server.transport.dispatch.fastmcp_adapter import CallContext, FastMcpAdapter
from mcpsecurity_server.transport.dispatch.relay_session import RelaySession
from mcpsecurity_server.transport.dispatch.results import tool_result


class Point(BaseModel):
    """A structured result."""

    x: int


@pytest.fixture
def mcp() -> FastMCP[Any]:
    mcp: FastMCP[Any] = FastMCP("Seams")

    @mcp.tool()
    def point(x: int) -> Point:
        """Return a point."""
        return Point(x=x)

    @mcp.tool()
    def image() -> types.ImageContent:
        """Return an image."""
        return types.ImageContent(type="image", data="", mimeType="image/png")

    @mcp.tool()
    async def words(text: str, more: list[str] | None = None) -> str:
        """Return words."""
        return " ".join([text, *(more or [])])

    @mcp.tool()
    def other_names(json: int, copy: bool = True) -> Point:
        """Take arguments that have the names of methods; FastMCP gives their fields other names."""
        return Point(x=json + copy)

    return mcp


def context(mcp: FastMCP[Any]) -> RequestContext[Any, Any, Any]:
    return RequestContext(request_id=1, meta=None, session=None, lifespan_context=None)


def test_fastmcp_has_its_managers_and_its_low_level_server(mcp: FastMCP[Any]) -> None:
    for name in ("_mcp_server", "_tool_manager"):
        assert hasattr(mcp, name), f"FastMCP.{name} is gone: adapt FastMcpAdapter"
    assert callable(mcp._tool_manager.get_tool), "ToolManager.get_tool is gone: adapt FastMcpAdapter.tool"


@pytest.mark.parametrize("name", ["request_handlers", "notification_handlers", "lifespan"])
def test_the_low_level_server_has_its_public_attributes(mcp: FastMCP[Any], name: str) -> None:
    assert hasattr(mcp._mcp_server, name), f"Server.{name} is gone: adapt FastMcpAdapter"


async def test_the_handlers_of_fastmcp_are_recognised_as_its_own(mcp: FastMCP[Any]) -> None:
    sdk = FastMcpAdapter(mcp)
    assert sdk.direct_tools(), "the tools/call handler wraps FastMCP.call_tool in another way: adapt _wraps"
    for kind in (
        types.ListToolsRequest,
        types.ListPromptsRequest,
        types.ListResourcesRequest,
        types.ListResourceTemplatesRequest,
    ):
        assert sdk.lists_whole(kind), f"the handler of {kind.__name__} has another form: adapt _wraps"
    assert await sdk.lacks_prompt("none"), "the prompts/get handler has another form: adapt _wraps"


async def test_a_tools_call_handler_of_the_programs_own_is_not_bypassed(mcp: FastMCP[Any]) -> None:
    @mcp._mcp_server.call_tool()  # type: ignore[untyped-decorator] # the SDK has no types for it
    async def call(_: str, __: dict[str, Any]) -> list[types.TextContent]:
        return []

    assert not FastMcpAdapter(mcp).direct_tools()


def test_a_program_that_overrides_call_tool_is_not_bypassed() -> None:
    class Own(FastMCP[Any]):
        async def call_tool(self, name: str, arguments: dict[str, Any]) -> Any:
            return [name, arguments]

    assert not FastMcpAdapter(Own("Own")).direct_tools()


def test_the_session_sends_through_the_two_methods_that_are_overridden() -> None:
    source = inspect.getsource(ServerSession)
    helpers = [
        name for name in dir(ServerSession) if name.startswith(("send_", "elicit", "create_message", "list_"))
    ]
    assert {"elicit_form", "elicit_url", "create_message", "list_roots", "send_log_message"} <= set(helpers)
    assert "self._write_stream" not in source.replace("await self._write_stream.send(message)", ""), (
        "ServerSession writes to its stream by itself: adapt RelaySession"
    )
    assert "_client_params" in source, "ServerSession._client_params is gone: adapt RelaySession"


def test_the_session_does_without_its_base_classes_streams() -> None:
    params = types.InitializeRequestParams.model_validate(
        {
            "protocolVersion": "2025-11-25",
            "capabilities": {"roots": {}},
            "clientInfo": {"name": "x", "version": "1"},
        }
    )
    session = RelaySession(None, params)  # type: ignore[arg-type] # nothing is sent
    assert session.client_params is params
    assert session.check_client_capability(types.ClientCapabilities(roots=types.RootsCapability()))
    assert not session.check_client_capability(types.ClientCapabilities(sampling=types.SamplingCapability()))


def test_the_request_context_has_the_fields_that_are_filled() -> None:
    fields = {field.name for field in dataclasses.fields(RequestContext)}
    used = {"request_id", "meta", "session", "lifespan_context", "request", "close_sse_stream"}
    assert used <= fields, f"RequestContext has lost {used - fields}: adapt request_context"


async def test_the_context_of_a_call_is_like_the_sdks(mcp: FastMCP[Any]) -> None:
    closed: list[str] = []

    async def close_stream() -> None:
        closed.append("stream")

    request = dataclasses.replace(context(mcp), close_sse_stream=close_stream)
    ours, theirs = (
        CallContext.of_call(CallContext(fastmcp=mcp).__getstate__(), request),
        Context(request_context=request, fastmcp=mcp),
    )
    assert ours.request_context is theirs.request_context is request, "Context._request_context is gone"
    assert ours.fastmcp is theirs.fastmcp is mcp
    assert ours.request_id == theirs.request_id == "1"
    assert ours.model_dump() == theirs.model_dump() == {}
    await ours.close_sse_stream()
    assert closed == ["stream"]


def test_two_calls_have_contexts_of_their_own(mcp: FastMCP[Any]) -> None:
    state, first, second = CallContext(fastmcp=mcp).__getstate__(), context(mcp), context(mcp)
    contexts = [CallContext.of_call(state, first), CallContext.of_call(state, second)]
    assert [made.request_context for made in contexts] == [first, second]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("point", {"x": 1}),
        ("point", {"x": "1"}),
        ("other_names", {"json": 1}),
        ("image", {}),
        ("words", {"text": "a"}),
        ("words", {"text": "[1]", "more": '["b"]'}),
        ("words", {"text": "a", "unknown": 1}),
    ],
)
async def test_a_tool_runs_as_the_sdk_would_run_it(
    mcp: FastMCP[Any], name: str, arguments: dict[str, Any]
) -> None:
    sdk, tool = FastMcpAdapter(mcp), mcp._tool_manager.get_tool(name)
    assert tool is not None
    ours = await sdk.run_tool(tool, dict(arguments), context(mcp))
    theirs = await tool.run(dict(arguments), context=None, convert_result=True)
    assert ours == tool_result(theirs)


@pytest.mark.parametrize("arguments", [{}, {"x": "one"}, {"x": None}])
async def test_a_tool_fails_as_the_sdk_would_fail_it(mcp: FastMCP[Any], arguments: dict[str, Any]) -> None:
    tool = mcp._tool_manager.get_tool("point")
    assert tool is not None
    with pytest.raises(Exception, match="point") as theirs:
        await tool.run(arguments, context=None, convert_result=True)
    with pytest.raises(type(theirs.value)) as ours:
        await FastMcpAdapter(mcp).run_tool(tool, arguments, context(mcp))
    assert str(ours.value) == str(theirs.value)


def test_func_metadata_has_the_parts_that_are_used() -> None:
    for name in ("pre_parse_json", "convert_result"):
        assert hasattr(FuncMetadata, name), f"FuncMetadata.{name} is gone: adapt FastMcpAdapter.run_tool"
    missing = {"arg_model", "output_model", "wrap_output"} - FuncMetadata.model_fields.keys()
    assert not missing, f"FuncMetadata has lost {missing}: adapt FastMcpAdapter.run_tool"


def test_a_call_is_visible_to_the_sdk_while_it_runs_and_no_longer(mcp: FastMCP[Any]) -> None:
    request, token = context(mcp), AccessToken(token="t", client_id="c", scopes=[])
    entered = enter_call(request, None, token)  # type: ignore[arg-type] # nothing is sent
    assert request_ctx.get() is request
    assert get_access_token() is token
    leave_call(entered)
    assert request_ctx.get(None) is None
    assert auth_context_var.get() is None


def test_a_call_without_a_token_has_no_user(mcp: FastMCP[Any]) -> None:
    entered = enter_call(context(mcp), None, None)  # type: ignore[arg-type] # nothing is sent
    assert get_access_token() is None
    leave_call(entered)
