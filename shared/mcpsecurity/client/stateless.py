"""Carries a session of the SDK, which needs the handshake, over revision 2026-07-28, which has no sessions.

`initialize` becomes `server/discover`; a question in a result reaches the session as a request, and its
answer goes into another POST; list changes come from `subscriptions/listen`. Closing the answer of a POST
cancels its request.
"""

import asyncio
import logging
from collections.abc import AsyncIterable
from itertools import count
from typing import Any, Final, NamedTuple

import anyio
from mcp import types

from mcpsecurity.client.errors import ProtocolError
from mcpsecurity.client.http import McpHttpClient
from mcpsecurity.client.input_requests import (
    InputRequest,
    InputRequired,
    UnreadableResultError,
    input_required,
)
from mcpsecurity.client.json_rpc import question_of
from mcpsecurity.client.list_changes import hear_list_changes
from mcpsecurity.client.sdk_errors import session_closed
from mcpsecurity.client.stateless_requests import META, REVISION, Hear, Message, StatelessRequests
from mcpsecurity.sentences import Sentence

_log = logging.getLogger(__name__)
_MAX_ROUNDS: Final = 10
"""How often a request is sent again with answers: as often as the official SDKs do."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 0.25


class _Refused(NamedTuple):
    """Why a question has no answer."""

    message: str


class StatelessWire:
    """Carries the messages of one session. `run` takes what the session sends, and never fails; `tell` gives
    it a message."""

    def __init__(self, url: str, client: McpHttpClient, tell: Hear) -> None:
        self._requests = StatelessRequests(url, client)
        self._tell = tell
        self._open: dict[types.RequestId, anyio.CancelScope] = {}
        self._questions: dict[types.RequestId, asyncio.Future[Any]] = {}
        self._numbers = count(1)
        self._offers: dict[str, Any] = {}

    async def run(self, sent: AsyncIterable[types.JSONRPCMessage]) -> None:
        """Take the session's messages until it is closed."""
        async with anyio.create_task_group() as tasks:
            async for each in sent:
                message = each.root
                if isinstance(message, types.JSONRPCRequest):
                    tasks.start_soon(self._serve, message)
                elif isinstance(message, types.JSONRPCResponse | types.JSONRPCError):
                    self._take_answer(message)
                elif message.method == "notifications/initialized":
                    tasks.start_soon(hear_list_changes, self._requests, self._offers, self._tell)
            tasks.cancel_scope.cancel()

    def end_request(self, request_id: types.RequestId) -> None:
        """End a request whose caller has left: close its answer, and withdraw its questions."""
        if (scope := self._open.get(request_id)) is not None:
            scope.cancel()

    async def _serve(self, request: types.JSONRPCRequest) -> None:
        with anyio.CancelScope() as scope:
            self._open[request.id] = scope
            try:
                response = await self._response(request)
            except Exception:  # noqa: BLE001 - or the session would wait for ever
                _log.exception("%s could not be sent", request.method)
                response = self._requests.refusal(session_closed())
            finally:
                del self._open[request.id]
            kind = "error" if "error" in response else "result"
            await self._tell({"id": request.id, kind: response[kind]})

    async def _response(self, request: types.JSONRPCRequest) -> Message:
        params = request.params or {}
        if request.method == "initialize":
            return await self._greeting(params)
        if request.method == "ping":  # this revision has none
            response = await self._requests.discover()
            return response if "error" in response else {"result": {}}
        return await self._rounds(request.id, request.method, params)

    async def _greeting(self, params: dict[str, Any]) -> Message:
        """Return the result of `initialize`, made from the server's own description."""
        self._requests.introduce(params["clientInfo"], params["capabilities"])
        response = await self._requests.discover()
        if "error" in response:
            return response
        said = response["result"]
        versions, meta, offers = said.get("supportedVersions"), said.get("_meta"), said.get("capabilities")
        if not isinstance(versions, list) or REVISION not in versions:
            return self._refusal(
                Sentence("The MCP server does not speak revision {version}.", version=REVISION)
            )
        self._offers = offers if isinstance(offers, dict) else {}
        server_info = meta.get(f"{META}serverInfo") if isinstance(meta, dict) else None
        greeting = {
            "protocolVersion": types.LATEST_PROTOCOL_VERSION,  # the SDK takes no other
            "capabilities": self._offers,
            "serverInfo": server_info or said.get("serverInfo"),
            "instructions": said.get("instructions"),
        }
        return {"result": greeting}

    async def _rounds(self, request_id: types.RequestId, method: str, params: dict[str, Any]) -> Message:
        """Return the response, after the rounds of questions that the server wants."""
        pause = _FIRST_PAUSE
        for _ in range(_MAX_ROUNDS + 1):
            response = await self._requests.send(method, params, self._tell)
            if "error" in response:
                return response
            try:
                asked = input_required(method, response["result"])
            except UnreadableResultError as problem:
                return self._refusal(str(problem))
            if asked is None:
                return response
            if not asked.questions:
                await anyio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            answers = await self._answers(request_id, asked)
            if isinstance(answers, _Refused):
                return self._refusal(answers.message)
            params = asked.retry(params, answers)
        return self._refusal(
            Sentence("The MCP server has asked {count} times, and still does not answer.", count=_MAX_ROUNDS)
        )

    def _refusal(self, text: str) -> Message:
        return self._requests.refusal(ProtocolError(text, code=types.INTERNAL_ERROR))

    async def _answers(self, request_id: types.RequestId, asked: InputRequired) -> dict[str, Any] | _Refused:
        """Ask the session all questions at once, and return its answers; a refusal ends the others."""
        answers: dict[str, Any] = {}
        refused: list[_Refused] = []

        async def answer(question: InputRequest) -> None:
            found = await self._ask(request_id, question)
            if isinstance(found, _Refused):
                refused.append(found)
                tasks.cancel_scope.cancel()
            else:
                answers[question.key] = found

        async with anyio.create_task_group() as tasks:
            for question in asked.questions:
                tasks.start_soon(answer, question)
        return refused[0] if refused else answers

    async def _ask(self, request_id: types.RequestId, question: InputRequest) -> dict[str, Any] | _Refused:
        number = f"{request_id}-{next(self._numbers)}"
        params = question.params
        if params.get("mode") == "url":
            params = {**params, "elicitationId": number}  # of earlier revisions; the SDK requires it
        answer = self._questions[number] = asyncio.get_running_loop().create_future()
        try:
            await self._tell(question_of({"id": number, "method": question.method, "params": params}) or {})
            found: dict[str, Any] | _Refused = await answer
            return found
        finally:
            del self._questions[number]
            if not answer.done() or answer.cancelled():
                with anyio.move_on_after(1, shield=True):
                    withdrawn = {"requestId": number, "reason": "the call has ended"}
                    await self._tell({"method": "notifications/cancelled", "params": withdrawn})

    def _take_answer(self, message: types.JSONRPCResponse | types.JSONRPCError) -> None:
        waiting = self._questions.get(message.id)
        if waiting is None or waiting.done():
            return
        if isinstance(message, types.JSONRPCError):
            reason = message.error.message
            text = Sentence("The MCP server asked what has no answer here: {reason}", reason=reason)
            waiting.set_result(_Refused(text))
        else:
            waiting.set_result(message.result)
