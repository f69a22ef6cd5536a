"""`POST /openai/deployments/{deployment}/chat/completions`, plain and streamed."""

import asyncio
import datetime as dt
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from mcpsecurity.localcloud.openai.faults import ModelFault, ModelFaults
from mcpsecurity.localcloud.openai.offline import Reply, read_tools, reply_to
from mcpsecurity.localcloud.openai.refusal import RefusedError
from mcpsecurity.localcloud.openai.validation import check_request
from mcpsecurity.localcloud.openai.wire import chunks, completion, error, usage_of

__all__ = ["MODEL_NAME", "ChatCompletions", "add_openai_routes"]

MODEL_NAME = "offline-model"
"""What answers name as their model, and the deployment's name."""

MAX_BYTES = 32 * 2**20
"""What a request may have; Azure takes long conversations, which aiohttp's limit of a mebibyte would not."""


class ChatCompletions:
    """The endpoint of one deployment.

    `faults` makes it fail. `pace` is the pause between pieces of a streamed answer, in seconds. `requests`
    counts what was answered.
    """

    def __init__(
        self,
        *,
        api_key: str,
        deployment: str = MODEL_NAME,
        pace: float = 0.0,
        accepts_token: Callable[[str], bool] = lambda _: False,
        today: Callable[[], dt.date] = lambda: dt.datetime.now(dt.UTC).date(),
    ) -> None:
        self._api_key = api_key.encode()
        self._deployment = deployment
        self._accepts_token = accepts_token
        self._today = today
        self.faults = ModelFaults()
        self.pace = pace
        self.requests = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a chat-completions request."""
        self.requests += 1
        if self.faults.silent:
            await asyncio.Event().wait()
        if self.faults.down:
            return _hang_up(request)
        if refusal := self._refusal(request):
            return refusal
        try:
            body = await _body_of(request)
        except RefusedError as why:
            return _refused(why)
        messages = body["messages"]
        reply = reply_to(messages, read_tools(body), self._today())
        usage = usage_of(messages, reply)
        if not body.get("stream"):
            return web.json_response(completion(reply, self._deployment, usage))
        wants_usage = (body.get("stream_options") or {}).get("include_usage")
        return await self._stream(request, reply, usage if wants_usage else None)

    def _refusal(self, request: web.Request) -> web.Response | None:
        """Return Azure's answer to a request that is not let through."""
        if not self._authenticated(request):
            text = "Access denied due to invalid subscription key or wrong API endpoint."
            return _error(401, "401", text)
        if request.match_info["deployment"] != self._deployment:
            return _error(404, "DeploymentNotFound", "The API deployment for this resource does not exist.")
        if not request.query.get("api-version"):
            return _error(404, "404", "Resource not found")
        if self.faults.upcoming:
            return _fault(self.faults.upcoming.popleft())
        return None

    def _authenticated(self, request: web.Request) -> bool:
        key = request.headers.get("api-key")
        if key is not None:
            return hmac.compare_digest(key.encode(), self._api_key)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self._accepts_token(token)

    async def _stream(
        self, request: web.Request, reply: Reply, usage: Mapping[str, int] | None
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        )
        await response.prepare(request)
        try:
            for number, chunk in enumerate(chunks(reply, self._deployment, usage)):
                if number == self.faults.drop_after:
                    return _hang_up(request)
                await response.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
                await asyncio.sleep(self.pace)
            await response.write(b"data: [DONE]\n\n")
            await response.write_eof()
        except ConnectionError:  # the client has had enough
            return response
        return response


def add_openai_routes(app: web.Application, endpoint: ChatCompletions) -> None:
    """Put the endpoint where Azure OpenAI has it."""
    app.router.add_post("/openai/deployments/{deployment}/chat/completions", endpoint.handle)


async def _body_of(request: web.Request) -> dict[str, Any]:
    """Return a request that Azure would take. Raises `RefusedError` for every other."""
    try:
        body = json.loads(await request.clone(client_max_size=MAX_BYTES).read())
        check_request(body)
    except RefusedError:
        raise
    except (ValueError, RecursionError):
        raise RefusedError("We could not parse the JSON body of your request.") from None
    return dict(body)


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
