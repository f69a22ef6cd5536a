"""An endpoint on loopback that answers as a test says, and models that are asked there."""

import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from semantic_kernel.contents import ChatHistory, ChatMessageContent
from tests.support.served import on_loopback

from mcpsecurity.kernel import ChatModel, ChatModelSettings


@dataclass(frozen=True)
class Refusal:
    """A status with the provider's error."""

    status: int
    message: str
    param: str | None = None
    code: str | None = None


@dataclass(frozen=True)
class Asked:
    """A request."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Endpoint:
    """Plays `answers` in order: refusals, or lists of events. When none is left it says "Done.". What it
    always refuses, `refuses` says. What comes after the first event waits for `between`."""

    answers: deque[Refusal | list[Any]] = field(default_factory=deque)
    asked: list[Asked] = field(default_factory=list)
    refuses: Callable[[dict[str, Any]], Refusal | list[Any] | None] = lambda _: None
    between: Callable[[], Awaitable[Any]] | None = None
    url: str = ""

    @property
    def paths(self) -> list[str]:
        """The paths that were asked."""
        return [asked.path for asked in self.asked]

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The bodies that came."""
        return [asked.body for asked in self.asked]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        query = dict(request.query)
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append(Asked(request.path, query, headers, await request.json()))
        turn: Refusal | list[Any] | None = self.refuses(self.bodies[-1])
        turn = turn or (self.answers.popleft() if self.answers else done(request.path))
        if isinstance(turn, Refusal):
            error = {"message": turn.message, "param": turn.param, "code": turn.code, "type": "x"}
            return web.json_response({"error": error}, status=turn.status)
        events = [event if isinstance(event, str) else json.dumps(event) for event in turn]
        texts = [f"data: {event}\n\n" for event in events]
        if self.between is None:
            return web.Response(text="".join(texts), content_type="text/event-stream")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(texts[0].encode())
        await self.between()
        await response.write("".join(texts[1:]).encode())
        return response


def done(path: str) -> list[Any]:
    """Return "Done." as events of the path's API."""
    if path.endswith("/responses"):
        return [delta("Done."), ended()]
    return [chunk(content="Done."), chunk("stop"), "[DONE]"]


def chunk(finish: str | None = None, **parts: Any) -> dict[str, Any]:
    """Return a chunk of Chat Completions."""
    return {"model": "m-1", "choices": [{"index": 0, "delta": parts, "finish_reason": finish}]}


def delta(text: str, kind: str = "output_text") -> dict[str, Any]:
    """Return an event of Responses with text."""
    return {"type": f"response.{kind}.delta", "delta": text}


def item(kind: str, **parts: Any) -> dict[str, Any]:
    """Return an event of Responses with an item that is whole."""
    return {"type": "response.output_item.done", "item": {"type": kind, **parts}}


def called(name: str, call_id: str, arguments: str = "{}") -> dict[str, Any]:
    """Return an event of Responses with a function call."""
    return item("function_call", name=name, call_id=call_id, arguments=arguments)


def ended(status: str = "completed", **parts: Any) -> dict[str, Any]:
    """Return the last event of Responses."""
    response = {"status": status, "model": "m-1", "output": [], **parts}
    return {"type": f"response.{status}", "response": response}


async def asked_whole(model: ChatModel, settings: ChatModelSettings | None = None) -> ChatMessageContent:
    """Ask the model something and return what it says."""
    history = ChatHistory()
    history.add_user_message("Hello?")
    answer = await model.get_chat_message_content(history, settings or ChatModelSettings())
    assert answer is not None
    return answer


TOOL = {"type": "function", "name": "T-t", "description": "d", "parameters": {"type": "object"}}
Made = Callable[..., ChatModel]


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    endpoint = Endpoint()
    app = web.Application(client_max_size=2**26)
    app.router.add_post("/{path:.*}", endpoint.answer)
    async with on_loopback(app) as endpoint.url:
        yield endpoint


@pytest.fixture
async def model_at(endpoint: Endpoint) -> AsyncIterator[Made]:
    """Makes models of the endpoint, as if it were Azure's unless the test says so."""
    made: list[ChatModel] = []

    def make(path: str = "", **options: Any) -> ChatModel:
        usual: dict[str, Any] = {"key": "k", "azure": True}
        made.append(ChatModel.at(endpoint.url + path, "m", **usual | options))
        return made[-1]

    yield make
    for model in made:
        await model.close()
