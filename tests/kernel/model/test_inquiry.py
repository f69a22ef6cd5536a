"""What a model's endpoint tells of it is asked for in the background, a few times; it need not tell."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from aiohttp import web
from tests.support.eventually import eventually
from tests.support.ports import free_port
from tests.support.served import on_loopback

from mcpsecurity.kernel.model import Inquiry, open_model
from mcpsecurity.model_listing import Told
from mcpsecurity.model_settings import ModelSettings
from mcpsecurity.runtime.tls import client_ssl_context
from mcpsecurity.settings import settings_of

WINDOW = {"data": [{"id": "m", "max_model_len": 4096}]}
NO_WINDOW = {"data": [{"id": "m", "owned_by": "library"}]}


class Server:
    """Answers each path with what `lists` has for it, else 404. `asked`: path and key of each request."""

    def __init__(self, lists: dict[str, Any]) -> None:
        self.lists = lists
        self.asked: list[tuple[str, str]] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, request.headers.get("Authorization", "")))
        found = self.lists.get(request.path)
        if isinstance(found, web.Response | type(None)):
            return found or web.json_response({"error": "Not found"}, status=404)
        return web.json_response(found)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.answer)
        return app


def _has(heard: list[Told], count: int) -> bool:
    return len(heard) == count


@asynccontextmanager
async def inquired(
    url: str,
    heard: list[Told] | None = None,
    clock: Callable[[], float] = time.monotonic,
    **more: Any,
) -> AsyncIterator[Inquiry]:
    values = {"openai_base_url": url, "openai_model": "m", "openai_api_key": "secret"} | more
    settings = settings_of(ModelSettings, **values)
    async with (
        open_model(settings, client_ssl_context(None)) as model,
        Inquiry(model, settings, (list[Told]() if heard is None else heard).append, clock) as inquiry,
    ):
        yield inquiry


async def test_the_window_is_asked_for_at_the_start_with_the_key() -> None:
    server, heard = Server({"/v1/models": WINDOW}), list[Told]()
    async with on_loopback(server.app(), "/v1") as url, inquired(url, heard) as inquiry:
        await eventually(lambda: bool(heard))
        inquiry.ask()
        assert (inquiry.told, heard) == (Told(4096), [Told(4096)])
    assert server.asked == [("/v1/models", "Bearer secret")]


async def test_headers_of_the_settings_are_sent_instead_of_the_key() -> None:
    server, heard = Server({"/v1/models": WINDOW}), list[Told]()
    headers: dict[str, Any] = {"model_headers": {"Authorization": "Basic x"}}
    async with on_loopback(server.app(), "/v1") as url, inquired(url, heard, **headers):
        await eventually(lambda: bool(heard))
    assert server.asked == [("/v1/models", "Basic x")]


async def test_a_local_server_that_has_loaded_the_model_by_now_is_asked_again() -> None:
    server, heard = Server({"/v1/models": NO_WINDOW, "/api/ps": {"models": []}}), list[Told]()
    async with on_loopback(server.app(), "/v1") as url, inquired(url, heard) as inquiry:
        await eventually(lambda: heard == [Told()])
        server.lists["/api/ps"] = {"models": [{"name": "m:latest", "context_length": 4096}]}
        inquiry.ask()
        await eventually(lambda: heard == [Told(), Told(4096)])
    assert [path for path, _ in server.asked] == ["/v1/models", "/api/v0/models", "/api/ps"] * 2


async def test_a_server_that_was_started_with_another_window_is_asked_again_after_a_minute() -> None:
    server, heard, now = Server({"/v1/models": WINDOW}), list[Told](), [100.0]
    async with on_loopback(server.app(), "/v1") as url, inquired(url, heard, lambda: now[0]) as inquiry:
        await eventually(lambda: heard == [Told(4096)])
        server.lists["/v1/models"] = None
        now[0] += 60
        inquiry.ask()
        await eventually(lambda: len(server.asked) == 2)
        server.lists["/v1/models"] = {"data": [{"id": "m", "max_model_len": 32_768}]}
        now[0] += 59

        def asked() -> bool:
            inquiry.ask()
            return len(server.asked) > 2

        await eventually(lambda: "endpoint tells" not in str(asyncio.all_tasks()))
        assert not asked()
        assert inquiry.told == Told(4096), "while the server is being started"
        now[0] += 1
        await eventually(asked)
        await eventually(lambda: heard == [Told(4096), Told(32_768)])


async def test_a_server_that_tells_nothing_is_asked_three_times_at_most() -> None:
    server, heard = Server({"/v1/models": NO_WINDOW}), list[Told]()
    async with on_loopback(server.app(), "/v1") as url, inquired(url, heard) as inquiry:
        for count in (1, 2, 3):
            await eventually(partial(_has, heard, count))
            inquiry.ask()
    assert [path for path, _ in server.asked].count("/v1/models") == 3


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(status=503, text='{"error":{"message":"Loading model"}}'),
        web.Response(text="<html>"),
        web.Response(body=b"[" * (8 * 2**20 + 1)),
    ],
    ids=["a refusal", "no JSON", "too much"],
)
async def test_an_endpoint_without_a_list_is_asked_for_no_other(answer: web.Response) -> None:
    server, heard = Server({"/v1/models": answer}), list[Told]()
    async with on_loopback(server.app(), "/v1") as url, inquired(url, heard):
        await eventually(lambda: heard == [Told()])
    assert len(server.asked) == 1


async def test_a_server_that_is_not_there_yet_is_asked_later() -> None:
    server, heard, port = Server({"/v1/models": WINDOW}), list[Told](), free_port()
    async with (
        inquired(f"http://127.0.0.1:{port}/v1", heard) as inquiry,
        on_loopback(server.app(), port=port),
    ):

        def told() -> bool:
            inquiry.ask()
            return heard == [Told(4096)]

        await eventually(told)


async def test_an_inquiry_that_is_not_answered_ends_with_its_model() -> None:
    asked, never = asyncio.Event(), asyncio.Event()

    async def wait(_: web.Request) -> web.Response:
        asked.set()
        await never.wait()
        return web.Response()

    app = web.Application()
    app.router.add_get("/v1/models", wait)
    async with on_loopback(app, "/v1") as url, asyncio.timeout(30):
        async with inquired(url) as inquiry:
            await asked.wait()
            inquiry.ask()
        assert inquiry.told == Told()


@pytest.mark.parametrize(
    "settings",
    [
        {"context_window": 8192},
        {
            "openai_base_url": None,
            "azure_openai_endpoint": "http://127.0.0.1:9",
            "deployment": "m",
            "azure_openai_api_key": "k",
        },
        {"openai_base_url": None},
        {"azure_openai_token_scope": "api://models/.default", "openai_api_key": None},
    ],
    ids=["a window that is set", "Azure", "OpenAI", "an identity"],
)
async def test_some_are_not_asked(settings: dict[str, Any]) -> None:
    async with inquired(**{"url": "http://127.0.0.1:9/v1"} | settings) as inquiry:
        inquiry.ask()
        assert not any("endpoint tells" in task.get_name() for task in asyncio.all_tasks())
