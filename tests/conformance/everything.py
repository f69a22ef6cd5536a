"""The server that the conformance suite expects: tools, prompts and resources of agreed names.

A plain FastMCP program, mounted on aiohttp.
"""

from base64 import b64encode
from typing import Any

from aiohttp import web
from mcp import types
from mcp.server.fastmcp import FastMCP
from mcp.server.fastmcp.prompts.base import Message, UserMessage
from pydantic import AnyUrl
from tests.conformance import asking_tools, content_tools, talking_tools

from mcpsecurity_server.transport import mount_mcp

__all__ = ["create_app", "everything"]


def everything() -> FastMCP[Any]:
    """Return the program."""
    mcp: FastMCP[Any] = FastMCP("Everything", instructions="For the conformance suite.")
    content_tools.register(mcp)
    talking_tools.register(mcp)
    asking_tools.register(mcp)
    _register_resources(mcp)
    _register_prompts(mcp)

    @mcp.completion()  # type: ignore[no-untyped-call, untyped-decorator] # the SDK has no types for it
    async def complete(_: Any, argument: types.CompletionArgument, __: Any) -> types.Completion:
        names = [name for name in ("paris", "park", "party") if name.startswith(argument.value)]
        return types.Completion(values=names, total=len(names), hasMore=False)

    return mcp


def create_app() -> web.Application:
    """Return the program as an application, at `/mcp`."""
    app = web.Application()
    mount_mcp(app, everything())
    return app


def _register_resources(mcp: FastMCP[Any]) -> None:
    @mcp.resource("test://static-text", name="static-text", mime_type="text/plain")
    def static_text() -> str:
        """A fixed text."""
        return "This is the content of the static text resource."

    @mcp.resource("test://static-binary", name="static-binary", mime_type="image/png")
    def static_binary() -> bytes:
        """A fixed image."""
        return content_tools.PIXEL

    @mcp.resource("test://watched-resource", name="watched-resource", mime_type="text/plain")
    def watched() -> str:
        """A text to subscribe to."""
        return "Watched resource content"

    @mcp.resource("test://template/{id}/data", name="template", mime_type="application/json")
    def template(id: str) -> dict[str, Any]:  # noqa: A002 - the suite's name
        """Data of an id."""
        return {"id": id, "templateTest": True, "data": f"Data for ID: {id}"}


def _register_prompts(mcp: FastMCP[Any]) -> None:
    @mcp.prompt()
    def test_simple_prompt() -> str:
        """A prompt without arguments."""
        return "This is a simple prompt for testing."

    @mcp.prompt()
    def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
        """A prompt with two arguments."""
        return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"

    @mcp.prompt()
    def test_prompt_with_embedded_resource(resourceUri: str) -> list[Message]:  # noqa: N803 - the suite's name
        """A prompt with a resource in it."""
        resource = types.TextResourceContents(
            uri=AnyUrl(resourceUri), mimeType="text/plain", text="Embedded resource content for testing."
        )
        return [
            UserMessage(types.EmbeddedResource(type="resource", resource=resource)),
            UserMessage("Please process the embedded resource above."),
        ]

    @mcp.prompt()
    def test_prompt_with_image() -> list[Message]:
        """A prompt with an image in it."""
        image = types.ImageContent(
            type="image", data=b64encode(content_tools.PIXEL).decode(), mimeType="image/png"
        )
        return [UserMessage(image), UserMessage("Please analyze the image above.")]
