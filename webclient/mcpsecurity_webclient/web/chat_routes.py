"""The routes of the chat: commands, reads, and the event stream (docs/chat-protocol.md)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiohttp import web

from mcpsecurity_webclient.auth.person import PERSON, Person
from mcpsecurity_webclient.chat.agent.runs import AGAIN, Again
from mcpsecurity_webclient.chat.conversation import ChatService
from mcpsecurity_webclient.chat.directory import ChatDirectory
from mcpsecurity_webclient.chat.events import follow
from mcpsecurity_webclient.chat.strict_json import read_json
from mcpsecurity_webclient.languages import gettext as _
from mcpsecurity_webclient.web import commands
from mcpsecurity_webclient.web.bodies import body_of
from mcpsecurity_webclient.web.errors import ApiError
from mcpsecurity_webclient.web.event_streams import Streams
from mcpsecurity_webclient.web.export import FORMATS, as_json, as_markdown, file_name
from mcpsecurity_webclient.web.idempotency import IdempotencyCache, Reply
from mcpsecurity_webclient.web.message_routes import Messages

KEEP_ALIVE = 15.0
"""Seconds after which a silent stream says that it is there."""

PATIENCE = 20.0
"""Seconds that a page may take to read its stream before it is disconnected."""

_MAX_SEARCH = 200

C = TypeVar("C", bound=commands.Command)
Act = Callable[[ChatService, C, web.Request], Awaitable[dict[str, Any] | None]]
"""Carries out a command, and returns what its answer says, if anything."""

SignOutOf = Callable[[Person, str], Awaitable[None]]
"""Signs a person's session out of the server of a name."""


class _Api:
    def __init__(
        self,
        directory: ChatDirectory,
        streams: Streams,
        sign_out_of: SignOutOf,
        keep_alive: float,
        patience: float,
    ) -> None:
        self._directory = directory
        self._streams = streams
        self._sign_out_of = sign_out_of
        self._keep_alive = keep_alive
        self._patience = patience
        self._idempotency = IdempotencyCache()

    def command(self, shape: type[C], act: Act[C]) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Return a handler that reads a command for one conversation and carries it out once."""

        async def handler(request: web.Request) -> web.Response:
            chat = await self._chat(request)
            body = await _read(request, shape)

            async def work() -> Reply:
                chat.act_as(request[PERSON])
                return 202, await act(chat, body, request) or {}

            return await self._once(request, body, work)

        return handler

    async def new_chat(self, request: web.Request) -> web.Response:
        body = await _read(request, commands.Command)

        async def work() -> Reply:
            return 201, {"chat_id": (await self._directory.create(request[PERSON])).chat_id}

        return await self._once(request, body, work)

    def another_run(self, trigger: Again) -> Act[commands.Command]:
        """Return a command that begins a run, and returns its id."""

        async def act(chat: ChatService, _: commands.Command, request: web.Request) -> dict[str, Any]:
            self.check_runs(request)
            return {"run_id": await chat.again(trigger)}

        return act

    async def delete(self, chat: ChatService, _: commands.Command, request: web.Request) -> None:
        await self._directory.delete(request[PERSON], chat)

    async def sign_out(self, _chat: ChatService, _: commands.Command, request: web.Request) -> None:
        await self._sign_out_of(request[PERSON], request.match_info["name"])

    async def session(self, request: web.Request) -> web.Response:
        person = request[PERSON]
        user = {"name": person.name, "username": person.username}
        return web.json_response({"user": user, "expires_at": person.expires_at})

    async def chats(self, request: web.Request) -> web.Response:
        search = request.query.get("search", "").strip()[:_MAX_SEARCH]
        found = await self._directory.entries(request[PERSON], search or None)
        return web.json_response({"chats": [entry._asdict() for entry in found]})

    async def chat(self, request: web.Request) -> web.Response:
        chat = await self._chat(request)
        return web.json_response({"chat_id": chat.chat_id, "title": chat.state.title})

    async def export(self, request: web.Request) -> web.Response:
        chat, kind = await self._chat(request), request.query.get("format", "markdown")
        if kind not in FORMATS:
            raise ApiError(400, "malformed", "A conversation can be had as markdown or json.")
        ending, content_type = FORMATS[kind]
        text = as_json(chat.state) if kind == "json" else as_markdown(chat.state, chat.tools.titles)
        attachment = f'attachment; filename="{file_name(chat.state.title, ending)}"'
        headers = {"Content-Disposition": attachment, "Cache-Control": "no-store"}
        return web.Response(text=text, content_type=content_type, charset="utf-8", headers=headers)

    async def catalog(self, request: web.Request) -> web.Response:
        chat = await self._chat(request)
        chat.act_as(request[PERSON])
        return web.json_response(await chat.servers.catalog())

    async def tools(self, request: web.Request) -> web.Response:
        chat = await self._chat(request)
        chat.act_as(request[PERSON])
        return web.json_response({"servers": await chat.tools.read()})

    async def resource(self, request: web.Request) -> web.Response:
        """Give a resource of a server as a file."""
        chat = await self._chat(request)
        chat.act_as(request[PERSON])
        server, uri = request.query.get("server", "")[:64], request.query.get("uri", "")[:2048]
        headers = {
            "Content-Disposition": f'attachment; filename="{file_name(uri.rpartition("/")[2], "bin")}"',
            "Cache-Control": "no-store",
        }
        body = await chat.servers.resource_bytes(server, uri)
        return web.Response(body=body, content_type="application/octet-stream", headers=headers)

    async def file(self, request: web.Request) -> web.Response:
        """Give a file of a message that waits, or a picture of one that was sent."""
        chat = await self._chat(request)
        file = chat.inbox.file(request.match_info["id"], int(request.match_info["number"]))
        if file.is_picture:
            return web.Response(body=file.raw, content_type=file.mime_type)
        headers = {"Content-Disposition": "attachment"}
        return web.Response(body=file.raw, content_type="application/octet-stream", headers=headers)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Stream until the page, the session or the conversation goes."""
        chat, person = await self._chat(request), request[PERSON]
        if person.sid == chat.sid:  # a page that comes back from a sign-in opens its stream first
            chat.act_as(person)
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
        )
        try:
            async with self._streams.follow(
                person.sid, chat, request.headers.get("Last-Event-ID"), lambda: request.transport is not None
            ) as subscription:
                chat.connect(person)
                await response.prepare(request)
                async for data in follow(subscription, self._keep_alive):
                    async with asyncio.timeout(self._patience):
                        await response.write(data)
        except TimeoutError:  # it does not read; the browser, if there is one, comes back for the rest
            _hang_up(request)
        except ConnectionResetError:
            pass
        return response

    def check_runs(self, request: web.Request) -> None:
        if not self._directory.may_run(request[PERSON]):
            text = _("Too many of your chats are being answered. Wait for one, or stop one.")
            raise ApiError(429, "too_many_runs", text, retryable=True, retry_after=5)

    async def _once(
        self, request: web.Request, body: commands.Command, work: Callable[[], Awaitable[Reply]]
    ) -> web.Response:
        sid, request_id = request[PERSON].sid, body.client_request_id
        status, answer = await self._idempotency.run_once(sid, request, request_id, work)
        return web.json_response(answer, status=status)

    async def _chat(self, request: web.Request) -> ChatService:
        chat = await self._directory.find(request[PERSON], request.match_info["chat_id"])
        if chat is None:
            raise ApiError(404, "no_such_chat", _("There is no such chat, or it is not yours."))
        return chat


def add_chat_api(
    app: web.Application,
    directory: ChatDirectory,
    streams: Streams,
    *,
    sign_out_of: SignOutOf,
    max_message: int,
    keep_alive: float = KEEP_ALIVE,
    patience: float = PATIENCE,
) -> None:
    """Add the routes below `/api`.

    `sign_out_of` signs a person out of a server. `max_message` is in characters, `keep_alive` and `patience`
    are in seconds.
    """
    api = _Api(directory, streams, sign_out_of, keep_alive, patience)
    router = app.router
    router.add_get("/api/session", api.session)
    router.add_get("/api/chats", api.chats)
    router.add_post("/api/chats", api.new_chat)
    chat = "/api/chats/{chat_id}"
    router.add_get(chat, api.chat)
    router.add_get(f"{chat}/messages/{{id}}/files/{{number:[0-9]}}", api.file)
    router.add_get(f"{chat}/events", api.events)
    router.add_get(f"{chat}/export", api.export)
    _add_servers(router, chat, api)
    _add_messages(router, chat, api, Messages(max_message, api.check_runs))
    router.add_post(f"{chat}/mode", api.command(commands.SetMode, _mode))
    router.add_post(f"{chat}/model", api.command(commands.SetModel, _model))
    router.add_post(f"{chat}/calls/{{id}}/decision", api.command(commands.Decide, _decide))
    router.add_post(f"{chat}/batches/{{id}}/decision", api.command(commands.DecideBatch, _decide_batch))
    router.add_post(f"{chat}/elicitations/{{id}}", api.command(commands.Answer, _answer))
    router.add_post(f"{chat}/samplings/{{id}}", api.command(commands.DecideSampling, _decide_sampling))
    for kind in ("call", "elicitation", "sampling"):
        router.add_post(f"{chat}/{kind}s/{{id}}/more-time", api.command(commands.Command, _more_time(kind)))
    router.add_post(f"{chat}/runs/{{id}}/stop", api.command(commands.Command, _stop))
    for trigger in AGAIN:
        router.add_post(f"{chat}/{trigger}", api.command(commands.Command, api.another_run(trigger)))
    router.add_post(f"{chat}/grants", api.command(commands.Revoke, _revoke))
    router.add_post(f"{chat}/rename", api.command(commands.Rename, _rename))
    router.add_post(f"{chat}/pin", api.command(commands.Pin, _pin))
    router.add_post(f"{chat}/delete", api.command(commands.Command, api.delete))


def _add_servers(router: web.UrlDispatcher, chat: str, api: _Api) -> None:
    router.add_get(f"{chat}/catalog", api.catalog)
    router.add_get(f"{chat}/tools", api.tools)
    router.add_get(f"{chat}/resource", api.resource)
    router.add_post(f"{chat}/tools", api.command(commands.TurnTool, _turn_tool))
    router.add_post(f"{chat}/servers/{{name}}/sign-out", api.command(commands.Command, api.sign_out))
    router.add_post(f"{chat}/complete", api.command(commands.Complete, _complete))


def _add_messages(router: web.UrlDispatcher, chat: str, api: _Api, messages: Messages) -> None:
    router.add_post(f"{chat}/messages", api.command(commands.NewMessage, messages.send))
    router.add_post(f"{chat}/messages/{{id}}/edit", api.command(commands.EditMessage, messages.edit))
    router.add_post(f"{chat}/messages/{{id}}/delete", api.command(commands.Command, messages.delete))
    router.add_post(f"{chat}/messages/{{id}}/feedback", api.command(commands.Rate, messages.rate))
    router.add_post(f"{chat}/branches", api.command(commands.OpenVersion, messages.open_version))
    router.add_post(f"{chat}/queue/{{id}}/take-back", api.command(commands.Command, messages.take_back))
    router.add_post(f"{chat}/queue/{{id}}/send", api.command(commands.Command, messages.send_now))


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


async def _mode(chat: ChatService, body: commands.SetMode, _: web.Request) -> None:
    await chat.approvals.set_mode(body.mode)


async def _model(chat: ChatService, body: commands.SetModel, _: web.Request) -> None:
    await chat.model_choice.choose(body.model)


async def _decide(chat: ChatService, body: commands.Decide, request: web.Request) -> None:
    await chat.approvals.decide(
        request.match_info["id"],
        approve=body.decision == "approve",
        args_hash=body.args_hash,
        arguments=body.arguments,
        reason=body.reason,
        always="chat" if body.always is True else body.always or None,
    )


async def _decide_batch(chat: ChatService, body: commands.DecideBatch, request: web.Request) -> None:
    await chat.approvals.decide_batch(request.match_info["id"], approve=body.decision == "approve")


async def _answer(chat: ChatService, body: commands.Answer, request: web.Request) -> None:
    chat.questions.answer(request.match_info["id"], body.action, body.content)


async def _decide_sampling(chat: ChatService, body: commands.DecideSampling, request: web.Request) -> None:
    chat.samplings.decide(request.match_info["id"], approve=body.decision == "approve")


def _more_time(kind: str) -> Act[commands.Command]:
    async def act(chat: ChatService, _: commands.Command, request: web.Request) -> dict[str, Any]:
        extend: dict[str, Callable[[str], Awaitable[float]]] = {
            "call": chat.approvals.extend,
            "elicitation": chat.questions.extend,
            "sampling": chat.samplings.extend,
        }
        return {"expires_at": await extend[kind](request.match_info["id"])}

    return act


async def _stop(chat: ChatService, _: commands.Command, request: web.Request) -> None:
    await chat.stop(request.match_info["id"])


async def _revoke(chat: ChatService, body: commands.Revoke, _: web.Request) -> None:
    await chat.grants.revoke(body.server, body.tool, body.scope, body.args_hash)


async def _pin(chat: ChatService, body: commands.Pin, _: web.Request) -> None:
    await chat.pin(pinned=body.pinned)


async def _turn_tool(chat: ChatService, body: commands.TurnTool, _: web.Request) -> None:
    await chat.tools.turn(body.server, body.tool, on=body.on)


async def _complete(chat: ChatService, body: commands.Complete, _: web.Request) -> dict[str, Any]:
    values = await chat.servers.completions(body.server, body.kind, body.of, body.name, body.values)
    return {"values": values}


async def _rename(chat: ChatService, body: commands.Rename, _request: web.Request) -> None:
    title = " ".join(body.title.split())
    if not title:
        raise ApiError(422, "invalid", _("Some values do not fit."), fields={"title": _("Write something.")})
    chat.inbox.rename(title)


async def _read(request: web.Request, shape: type[C]) -> C:
    """Return the request's command.

    Raises:
        ApiError: 400, it is not JSON or not of this shape; or as for `body_of`.
    """
    try:
        return shape.model_validate(read_json(await body_of(request)))
    except ValueError as error:  # pydantic's ValidationError is one
        raise ApiError(400, "malformed", _("This command is not of the form that is expected.")) from error
