"""What two clients see of one server: ours, and one on the official SDK 2."""

import json
import re
from collections.abc import Awaitable
from typing import Any

from mcp import types
from pydantic import BaseModel
from tests.foreign.running import Running
from tests.sdk2.environment import run_program

from mcpsecurity.client import McpConnection, ProtocolError
from mcpsecurity.client.eras import HANDSHAKE, OLDER, STATELESS

__all__ = ["Person", "official_view", "our_view"]

View = dict[str, Any]

_CLOCK = re.compile(r"\d+:\d\d:\d\d [AP]M")
_MODES = {HANDSHAKE: "legacy", STATELESS: "auto", OLDER: "sse"}
_KEPT = {
    "tools": ("name", "title", "description", "inputSchema", "outputSchema", "annotations"),
    "prompts": ("name", "title", "description", "arguments"),
    "resources": ("uri", "name", "title", "description", "mimeType", "size"),
}


class Person:
    """Answers questions with the name Ada and requests for a model with "hello", and counts them."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.sampled: list[str] = []

    async def elicits(
        self,
        context: Any,  # noqa: ARG002 - as the SDK calls it
        params: types.ElicitRequestParams,
    ) -> types.ElicitResult:
        self.asked.append(params.message)
        return types.ElicitResult(action="accept", content={"name": "Ada"})

    async def samples(
        self,
        context: Any,  # noqa: ARG002 - as the SDK calls it
        params: types.CreateMessageRequestParams,
    ) -> types.CreateMessageResult:
        self.sampled.append(str(params.messages))
        text = types.TextContent(type="text", text="hello")
        return types.CreateMessageResult(role="assistant", content=text, model="m")


async def our_view(running: Running) -> View:
    """Return what our client sees."""
    server, person = running.server, Person()
    async with McpConnection(running.url, elicitation=person.elicits, sampling=person.samples) as connection:
        assert connection.server is not None
        offers = connection.server.capabilities
        view: View = {
            "version": connection.server.protocolVersion,
            "mode": _MODES[connection.era],
            "tools": _dumped(await connection.list_tools()) if offers.tools else [],
            "prompts": _dumped(await connection.list_prompts()) if offers.prompts else [],
            "resources": _dumped(await connection.list_resources()) if offers.resources else [],
        }
        made = [connection.call_tool(n, running.filled(a)) for n, a in (*server.uses.calls, *_more(server))]
        view["calls"] = [await _outcome(call) for call in made]
        view["messages"] = [await _outcome(connection.get_prompt(n, a)) for n, a in server.uses.prompts]
        view["contents"] = [await _outcome(connection.read_resource(uri)) for uri in server.uses.resources]
    return _comparable(running, view)


async def official_view(running: Running, mode: str) -> View:
    """Return what the official client sees that speaks as ours did."""
    server = running.server
    job = {
        "url": running.url,
        "mode": mode,
        "calls": [(name, running.filled(given)) for name, given in (*server.uses.calls, *_more(server))],
        "prompts": server.uses.prompts,
        "resources": server.uses.resources,
    }
    view: View = await run_program("look.py", job)
    return _comparable(running, view | {"mode": mode})


def _more(server: Any) -> list[Any]:
    return [("no such tool", {}), server.uses.wrong, *([server.uses.asks] if server.uses.asks else [])]


async def _outcome(work: Awaitable[Any]) -> dict[str, Any]:
    try:
        return {"result": _dump(await work)}
    except ProtocolError as error:
        return {"error": error.code}


def _dumped(items: list[Any]) -> list[Any]:
    return [_dump(item) for item in items]


def _dump(item: Any) -> Any:
    return item.model_dump(mode="json", by_alias=True, exclude_none=True)


def _comparable(running: Running, view: View) -> View:
    """Return the parts of a view that both clients have in the same form, without the time of day."""
    view = json.loads(_CLOCK.sub("now", json.dumps(view)))
    for key, kept in _KEPT.items():
        view[key] = [{name: item.get(name) for name in kept} for item in view[key]]
    for (name, _), outcome in zip(
        (*running.server.uses.calls, *_more(running.server)), view["calls"], strict=True
    ):
        if "result" in outcome:
            outcome["result"] = _result(outcome["result"], varies=name in running.server.uses.varies)
    for tool in view["tools"]:
        tool["annotations"] = _known(tool["annotations"] or {}, types.ToolAnnotations)
    for prompt in view["prompts"]:
        given = prompt["arguments"] or []
        prompt["arguments"] = [_known(argument, types.PromptArgument) for argument in given]
    for outcome in view["messages"]:
        outcome["result"] = outcome.get("result", {}).get("messages")
    for outcome in view["contents"]:
        parts = outcome.get("result", {}).get("contents", [])
        outcome["result"] = [_known(part, types.TextResourceContents) for part in parts]
    return view


def _known(item: dict[str, Any], kind: type[BaseModel]) -> dict[str, Any]:
    """Return what the protocol knows: ours keeps other members as well, the SDK 2 does not."""
    return {key: value for key, value in item.items() if key in kind.model_fields}


def _result(result: View, *, varies: bool) -> View:
    parts = [part["type"] if varies else part for part in result.get("content", [])]
    structured = result.get("structuredContent")
    told = {} if varies or not isinstance(structured, dict) else {"structured": structured}
    return {"isError": bool(result.get("isError")), "content": parts, **told}
