"""Azure OpenAI's endpoints: the dated and the v1 Chat Completions, and Responses."""

import asyncio
import datetime as dt
import hmac
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Literal

from aiohttp import web

from mcpsecurity.localcloud.openai.chat_completions import chunks, completion, error, prompt_tokens, usage_of
from mcpsecurity.localcloud.openai.deployments import DEPLOYMENTS, MODEL_NAME, Deployment
from mcpsecurity.localcloud.openai.faults import ModelFault, ModelFaults
from mcpsecurity.localcloud.openai.offline import read_tools, reply_to
from mcpsecurity.localcloud.openai.refusal import RefusedError
from mcpsecurity.localcloud.openai.responses import (
    Reasoning,
    as_chat,
    events,
    reported_usage,
    response_usage,
)
from mcpsecurity.localcloud.openai.script import Asked, Script, Turn
from mcpsecurity.localcloud.openai.validation import check_names, check_request

__all__ = ["MODEL_NAME", "ModelEndpoints", "add_openai_routes"]

MAX_BYTES = 32 * 2**20
"""The largest request. Azure accepts long conversations, which exceed aiohttp's limit of a mebibyte."""

_THOUGHT_TOKENS = 64
"""Reasoning tokens that a reasoning deployment reports."""


class ModelEndpoints:
    """The endpoints of the deployments.

    `faults` makes them fail; `script` has answers that are given instead of the offline model's.
    `pace` is the pause between pieces of a streamed answer, in seconds; a reasoning
    deployment thinks for ten of them before it speaks. `requests` counts answered requests. `deployments` are
    those that are there, by name; tests put others into their place.
    """

    def __init__(
        self,
        *,
        api_key: str,
        pace: float = 0.0,
        accepts_token: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._api_key = api_key.encode()
        self._accepts_token = accepts_token
        self._reasoning = Reasoning()
        self.deployments = dict(DEPLOYMENTS)
        self.faults = ModelFaults()
        self.script = Script()
        self.pace = pace
        self.requests = 0

    async def dated_chat(self, request: web.Request) -> web.StreamResponse:
        """Answer Chat Completions by the dated API, whose path names the deployment."""
        if refusal := await self._refusal(request):
            return refusal
        if not request.query.get("api-version"):
            return _error(404, "404", "Resource not found")
        if request.match_info["deployment"] not in self.deployments:
            return _no_deployment()
        return await self._answered(request, self._chat, request.match_info["deployment"])

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """Answer Chat Completions by the v1 API, whose body names the deployment."""
        return await self._refusal(request) or await self._answered(request, self._chat)

    async def responses(self, request: web.Request) -> web.StreamResponse:
        """Answer Responses."""
        return await self._refusal(request) or await self._answered(request, self._response)

    async def _answered(
        self, request: web.Request, answer: "_Answer", deployment: str | None = None
    ) -> web.StreamResponse:
        try:
            body = await _body_of(request)
            found = self.deployments.get(deployment or str(body.get("model")))
            if found is None:
                return _no_deployment()
            return await answer(request, body, found)
        except RefusedError as why:
            return _refused(why)

    async def _chat(
        self, request: web.Request, body: dict[str, Any], deployment: Deployment
    ) -> web.StreamResponse:
        check_names(body)
        _check(body, deployment)
        deployment.check_chat(body)
        limit = body.get("max_completion_tokens") or body.get("max_tokens")
        deployment.check_length(prompt_tokens(body["messages"], body.get("tools")), limit, responses=False)
        api: Literal["chat", "dated"] = "chat" if request.path.startswith("/openai/v1/") else "dated"
        turn = await self._turn(Asked(api, deployment.name, body["messages"], body.get("tools") or [], body))
        if turn.fault is not None:
            return _fault(turn.fault)
        usage = turn.usage
        if usage == "counted":
            usage = usage_of(body["messages"], turn.reply, body.get("tools"))
        if not body.get("stream"):
            return web.json_response(completion(turn.reply, deployment.name, usage or {}))
        wanted = turn.usage != "counted" or (body.get("stream_options") or {}).get("include_usage")
        made = ((None, chunk) for chunk in chunks(turn.reply, deployment.name, usage if wanted else None))
        return await self._stream(request, made, deployment, turn, done=b"data: [DONE]\n\n")

    async def _response(
        self, request: web.Request, body: dict[str, Any], deployment: Deployment
    ) -> web.StreamResponse:
        chat = as_chat(body, self._reasoning)
        _check(chat, deployment)
        deployment.check_responses(body)
        sent = prompt_tokens(chat["messages"], chat.get("tools"))
        deployment.check_length(sent, body.get("max_output_tokens"), responses=True)
        turn = await self._turn(
            Asked("responses", deployment.name, chat["messages"], chat.get("tools") or [], body)
        )
        if turn.fault is not None:
            return _fault(turn.fault)
        usage = self._response_usage(chat, turn, deployment)
        reasoning = self._reasoning.item(deployment.name) if deployment.reasons else None
        if reasoning and "reasoning.encrypted_content" not in (body.get("include") or ()):
            del reasoning["encrypted_content"]
        made = list(events(turn.reply, deployment.name, usage, reasoning))
        if not body.get("stream"):
            return web.json_response(made[-1]["response"])
        return await self._stream(request, ((event["type"], event) for event in made), deployment, turn)

    async def _turn(self, asked: Asked) -> Turn:
        """Return the answer to a request: what a test lists, or what the offline model says."""
        turn = self.script.next_for(asked)
        if turn is None:
            tools = read_tools({"tools": asked.tools})
            return Turn(
                reply_to(asked.messages, tools, dt.datetime.now(dt.UTC).date()),
                drop_after=self.faults.drop_after,
            )
        await asyncio.sleep(turn.delay)
        return turn

    def _response_usage(
        self, chat: dict[str, Any], turn: Turn, deployment: Deployment
    ) -> dict[str, Any] | None:
        if turn.usage != "counted":
            return reported_usage(turn.usage) if turn.usage is not None else None
        usage = usage_of(chat["messages"], turn.reply, chat.get("tools"))
        return response_usage(usage, _THOUGHT_TOKENS if deployment.reasons else 0)

    async def _refusal(self, request: web.Request) -> web.StreamResponse | None:
        """Return Azure's answer to a request without a valid key or token."""
        self.requests += 1
        if self.faults.silent:
            await asyncio.Event().wait()
        if self.faults.down:
            return _hang_up(request)
        if not self._authenticated(request):
            text = "Access denied due to invalid subscription key or wrong API endpoint."
            return _error(401, "401", text)
        if self.faults.upcoming:
            return _fault(self.faults.upcoming.popleft())
        return None

    def _authenticated(self, request: web.Request) -> bool:
        key = request.headers.get("api-key")
        if key is not None:
            return hmac.compare_digest(key.encode(), self._api_key)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return False
        if request.path.startswith("/openai/v1/") and hmac.compare_digest(token.encode(), self._api_key):
            return True  # the v1 API takes a key as OpenAI's clients send it
        return self._accepts_token(token)

    async def _stream(
        self,
        request: web.Request,
        pieces: Iterable[tuple[str | None, Mapping[str, Any]]],
        deployment: Deployment,
        turn: Turn,
        *,
        done: bytes = b"",
    ) -> web.StreamResponse:
        """Send pieces as events, each with its name if it has one."""
        if deployment.reasons:
            await asyncio.sleep(10 * self.pace)
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        )
        await response.prepare(request)
        try:
            for number, (name, piece) in enumerate(pieces):
                if number == turn.drop_after:
                    return _hang_up(request)
                head = f"event: {name}\n".encode() if name else b""
                await response.write(head + b"data: " + json.dumps(piece).encode() + b"\n\n")
                await asyncio.sleep(self.pace if turn.pace is None else turn.pace)
            await response.write(done)
            await response.write_eof()
        except ConnectionError:  # the client has had enough
            return response
        return response


_Answer = Callable[[web.Request, dict[str, Any], Deployment], Awaitable[web.StreamResponse]]


def add_openai_routes(app: web.Application, endpoints: ModelEndpoints) -> None:
    """Put the endpoints where Azure OpenAI has them."""
    app.router.add_post("/openai/deployments/{deployment}/chat/completions", endpoints.dated_chat)
    app.router.add_post("/openai/v1/chat/completions", endpoints.chat)
    app.router.add_post("/openai/v1/responses", endpoints.responses)


def _check(body: dict[str, Any], deployment: Deployment) -> None:
    """Raise `RefusedError` for parameters that no model accepts, and for images if this one accepts none."""
    check_request(body)
    for place, message in enumerate(body["messages"]):
        content = message.get("content")
        for number, part in enumerate(content if isinstance(content, list) else ()):
            if part["type"] == "image_url":
                deployment.check_picture(f"messages[{place}].content[{number}].type")


def _no_deployment() -> web.Response:
    return _error(404, "DeploymentNotFound", "The API deployment for this resource does not exist.")


async def _body_of(request: web.Request) -> dict[str, Any]:
    """Return a request that Azure would take. Raises `RefusedError` for every other."""
    try:
        body = json.loads(await request.clone(client_max_size=MAX_BYTES).read())
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise RefusedError("We could not parse the JSON body of your request.")
    return body


def _refused(why: RefusedError) -> web.Response:
    inner = {"message": str(why), "type": "invalid_request_error", "param": why.param, "code": why.code}
    return web.json_response({"error": inner}, status=400)


def _fault(fault: ModelFault) -> web.Response:
    response = _error(fault.status, fault.code, fault.message)
    if fault.retry_after is not None:
        response.headers["Retry-After"] = str(fault.retry_after)
        response.headers["retry-after-ms"] = str(fault.retry_after * 1000)
    return response


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response(error(code, message), status=status)


def _hang_up(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
