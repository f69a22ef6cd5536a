"""What the page and the model read about an MCP server."""

from mcp import types

from mcpsecurity.client import KeyRefusedError, SignInRequiredError
from mcpsecurity.sentences import Sentence
from mcpsecurity_webclient.chat.views import ToolView

_DESCRIPTION = 300
_NAMED = 10


def nothing_to_give(error: SignInRequiredError) -> Sentence:
    """Return why no sign-in helps with a server that wants one."""
    return Sentence(
        "{problem} No sign-in here helps: the chat has no token for it. The operator of the chat names the "
        "permission for it with the setting scope, if the server takes tokens of this organisation, a key of "
        "its own with the setting headers, or has people sign in where the server says with the setting "
        "sign_in.",
        problem=str(error),
    )


def only_the_operator(error: KeyRefusedError) -> Sentence:
    """Return why a server refuses its key."""
    return Sentence(
        "{problem} Only the operator of the chat can change it; no sign-in helps.", problem=error.problem
    )


def tool_view(tool: types.Tool) -> ToolView:
    """Return the page's view of a tool."""
    title = tool.title or (tool.annotations.title if tool.annotations else None) or tool.name
    return {"name": tool.name, "title": title, "description": (tool.description or "")[:_DESCRIPTION]}


def left_out_words(names: list[str]) -> str | None:
    """Return which tools the model does not get; None if it gets all."""
    if not names:
        return None
    shown = ", ".join(name[:64] for name in names[:_NAMED])
    if len(names) <= _NAMED:
        return Sentence("The model does not get these tools: {tools}.", tools=shown)
    more = len(names) - _NAMED
    return Sentence("The model does not get these tools: {tools} and {count} more.", tools=shown, count=more)


def signed_out(title: str) -> Sentence:
    """Return why a call ended when the person signed out of its server."""
    return Sentence(
        "You signed out of {server} while this call was running. The tool may or may not have finished.",
        server=title,
    )
