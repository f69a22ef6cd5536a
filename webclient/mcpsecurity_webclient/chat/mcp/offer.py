"""Which of the servers' tools the model is given: all that take part, or some and a search for the rest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mcpsecurity_webclient.chat.mcp.plugins import MAX_TOOLS
from mcpsecurity_webclient.chat.mcp.server import McpServer
from mcpsecurity_webclient.chat.mcp.tool_ranking import best_fits
from mcpsecurity_webclient.chat.models import ToolChoice

OWN_FUNCTIONS = 2
"""Places that are kept for functions of the chat itself."""

_MOST_FOUND = 8
_SUMMARY = 200


@dataclass(frozen=True, slots=True)
class Offer:
    """The functions that the model is offered: their names by server. `searched` counts, by server, the tools
    that it has to look for."""

    functions: dict[str, list[str]]
    searched: dict[str, int]


@dataclass(frozen=True, slots=True)
class Found:
    """A tool that a search has found: what the model calls it, and what it does."""

    server: str
    tool: str
    function: str
    summary: str


def offer(servers: Sequence[McpServer], choice: ToolChoice, limit: int) -> Offer:
    """Return the tools to give to the model, at most `limit` with the chat's own functions. When more take
    part, it gets those that it has found, and whole servers in their order as long as they take half of the
    places."""
    wanted = {server.settings.name: _names(server, choice) for server in servers}
    places = min(limit, MAX_TOOLS) - OWN_FUNCTIONS
    count = sum(map(len, wanted.values()))
    if count <= places:
        return Offer(wanted, {})
    given: dict[str, list[str]] = {}
    left = places // 2
    for name, functions in wanted.items():
        if len(functions) <= left:
            given[name] = list(functions)
            left -= len(functions)
    left = places - sum(map(len, given.values()))
    for server, tool in choice.found:
        named = next((s for s in servers if s.settings.name == server), None)
        function = named.function_of(tool) if named is not None else None
        if left > 0 and function in wanted.get(server, ()) and function not in given.get(server, ()):
            given.setdefault(server, []).append(str(function))
            left -= 1
    searched = {name: len(all_) - len(given.get(name, ())) for name, all_ in wanted.items()}
    return Offer(given, searched)


def find_tools(servers: Sequence[McpServer], choice: ToolChoice, words: str) -> list[Found]:
    """Return the tools that take part and fit the words best."""
    known = ((found, words) for server in servers for found, words in _described(server, choice))
    return best_fits(words, known, _MOST_FOUND)


def _described(server: McpServer, choice: ToolChoice) -> Iterator[tuple[Found, "dict[str, float]"]]:
    if server.listed is None:
        return
    for function in _names(server, choice):
        tool = server.listed.named[function]
        summary = " ".join((tool.description or tool.title or tool.name).split())[:_SUMMARY]
        name = f"{server.plugin_name}-{function}"
        yield Found(server.settings.name, tool.name, name, summary), dict(server.listed.words[function])


def _names(server: McpServer, choice: ToolChoice) -> list[str]:
    """Return the functions of a server's tools that take part."""
    if server.listed is None:
        return []
    name = server.settings.name
    return [
        f
        for f, tool in server.listed.named.items()
        if server.policy.allows(tool.name) and choice.has(name, tool.name)
    ]
