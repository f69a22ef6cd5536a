"""What stand-ins for endpoints have in common: each calls the first tool that it is given, and says
"It is sunny." to the result.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

__all__ = [
    "ARGUMENTS",
    "DONE",
    "PROMPT_FILTER",
    "SAFE",
    "SAID",
    "WRITTEN",
    "Body",
    "Events",
    "Partner",
    "Refused",
    "call",
    "chunk",
    "error",
    "in_messages",
    "plain",
    "refusing",
    "since_question",
    "words",
]

SAID = "It is sunny."
ARGUMENTS = {"city": "Bern"}
WRITTEN = json.dumps(ARGUMENTS)
Body = dict[str, Any]
Events = list[Any]
SAFE = {"hate": {"filtered": False, "severity": "safe"}}
"""What Azure's filter says of a harmless text."""
PROMPT_FILTER: Body = {
    "id": "",
    "object": "",
    "created": 0,
    "model": "",
    "choices": [],
    "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": SAFE}],
}
"""The chunk that Azure sends first: what its filter found in the messages."""


@dataclass(frozen=True)
class Refused:
    """A status and a body that is no stream."""

    status: int
    body: Any


@dataclass
class Partner:
    """An endpoint. `calls` makes the events of a call of the tool with this name, `says` those of the answer,
    `refuses` tells what it does not take; `path` is where it listens, `base` what people write of it. With
    `azure` it is a resource of Azure, which is asked by Responses first; `responses` is its answer there."""

    name: str
    calls: Callable[[str], Events]
    says: Callable[[], Events]
    refuses: Callable[[Body], Refused | None] = lambda _: None
    path: str = "/v1"
    base: str = "/v1"
    azure: bool = False
    responses: Refused | None = None
    headers: dict[str, str] = field(default_factory=dict, init=False)
    asked: list[Body] = field(default_factory=list, init=False)

    def __str__(self) -> str:
        return self.name

    def app(self) -> web.Application:
        """Return the endpoint."""
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if self.responses is not None and request.path == f"{self.path}/responses":
            return web.json_response(self.responses.body, status=self.responses.status)
        if request.path != f"{self.path}/chat/completions":
            return web.json_response({"detail": "Not Found"}, status=404)
        body = await request.json()
        self.asked.append(body)
        refused = self.refuses(body)
        if refused is not None and isinstance(refused.body, str):
            kind = "text/html" if refused.body.startswith("<") else "text/plain"
            headers = self.headers
            return web.Response(text=refused.body, status=refused.status, content_type=kind, headers=headers)
        if refused is not None:
            return web.json_response(refused.body, status=refused.status, headers=self.headers)
        result = body["messages"][-1]["role"] == "tool" or not body.get("tools")
        events = self.says() if result else self.calls(body["tools"][0]["function"]["name"])
        return await _streamed(request, events, self.headers)


async def _streamed(request: web.Request, events: Events, headers: dict[str, str]) -> web.StreamResponse:
    """Write events: text as it is, everything else as data."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **headers})
    await response.prepare(request)
    for event in events:
        text = event if isinstance(event, str) else f"data: {json.dumps(event)}\n\n"
        await response.write(text.encode())
    await response.write_eof()
    return response


DONE = "data: [DONE]\n\n"


def chunk(delta: Any = None, finish: str | None = None, /, **more: Any) -> Body:
    choice = {"index": 0, "finish_reason": finish} | ({} if delta is None else {"delta": delta})
    return {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [choice],
    } | more


def call(name: str, arguments: Any = WRITTEN, **more: Any) -> Body:
    """A call that is whole."""
    return {"type": "function", "function": {"name": name, "arguments": arguments}} | more


def words(**more: Any) -> Iterator[Body]:
    for word in ("It is", " sunny", "."):
        yield chunk({"role": "assistant", "content": word}, **more)


def plain() -> Events:
    return [*words(), chunk({}, "stop"), DONE]


def error(message: str, **more: Any) -> Body:
    return {
        "error": {"message": message, "type": "invalid_request_error", "param": None, "code": None} | more
    }


def since_question(body: Body) -> list[Body]:
    """Return the messages since the person's last one."""
    messages: list[Body] = body["messages"]
    return messages[max(n for n, message in enumerate(messages) if message["role"] == "user") :]


def in_messages(body: Body, role: str) -> list[Body]:
    return [message for message in body["messages"] if message["role"] == role]


def refusing(status: int, body: Any, **headers: str) -> Partner:
    """Return an endpoint that refuses every question."""
    partner = Partner("refusing", lambda _: [], plain, lambda _: Refused(status, body))
    partner.headers |= {name.replace("_", "-"): value for name, value in headers.items()}
    return partner
