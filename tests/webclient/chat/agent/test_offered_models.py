"""The chat takes the context window, and whether a model sees pictures, from what its endpoint tells."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from tests.support.eventually import eventually
from tests.support.served import on_loopback
from tests.webclient.conftest import NewPerson, ServeWeb
from tests.webclient.scripted_model import ScriptedModel

from mcpsecurity.kernel.model import Inquiry, open_model
from mcpsecurity.model_listing import Told
from mcpsecurity.model_settings import ModelSettings
from mcpsecurity.runtime.tls import client_ssl_context
from mcpsecurity.settings import settings_of
from mcpsecurity_webclient.chat.agent.offered_models import OfferedModel

Listing = Callable[[web.Request], Awaitable[web.Response]]
TOLD = "mcpsecurity.kernel.model.inquiry"


def listed(listing: Listing) -> web.Application:
    """Return a server's address `/openai/v1` that answers, and lists its models."""
    app = ScriptedModel().app()
    app.router.add_get("/openai/v1/models", listing)
    return app


async def four_thousand(_: web.Request) -> web.Response:
    model = {"id": "m", "meta": {"n_ctx": 4096}, "architecture": {"input_modalities": ["text", "image"]}}
    return web.json_response({"data": [model]})


async def test_a_conversation_is_kept_within_the_window_that_the_endpoint_tells(
    visitors: NewPerson, serve_web: ServeWeb, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, TOLD)
    async with (
        on_loopback(listed(four_thousand), "/openai/v1") as url,
        serve_web(listed_models=[{"name": "m", "base_url": url}]) as chat,
    ):
        await eventually(lambda: "the model m reads 4096 tokens" in caplog.text)
        visitor = await visitors(url=chat).sign_in()
        assert (await visitor.snapshot())["model"]["images"] is True
        async with visitor.stream() as stream:
            await visitor.ask("Hello!")
            await stream.until("run.done")
        assert (await visitor.snapshot())["context"]["window"] == 4096


async def _none(_: web.Request) -> web.Response:
    return web.json_response({"data": [{"id": "m"}]})


@pytest.mark.parametrize(
    ("listing", "more", "guessed"),
    [(_none, {}, True), (_none, {"context_window": 9000}, None), (four_thousand, {}, None)],
    ids=["unknown", "set", "told"],
)
async def test_a_window_that_nothing_tells_is_said_to_be_guessed(
    visitors: NewPerson,
    serve_web: ServeWeb,
    caplog: pytest.LogCaptureFixture,
    listing: Listing,
    more: dict[str, int],
    guessed: bool | None,
) -> None:
    caplog.set_level(logging.INFO, TOLD)
    async with (
        on_loopback(listed(listing), "/openai/v1") as url,
        serve_web(listed_models=[{"name": "m", "base_url": url, **more}]) as chat,
    ):
        if listing is four_thousand:
            await eventually(lambda: "the model m reads 4096 tokens" in caplog.text)
        visitor = await visitors(url=chat).sign_in()
        async with visitor.stream() as stream:
            await visitor.ask("Hello!")
            await stream.until("run.done")
        assert (await visitor.snapshot())["context"].get("guessed") is guessed


async def test_a_window_that_is_set_counts_and_the_endpoint_is_not_asked(
    visitors: NewPerson, serve_web: ServeWeb
) -> None:
    asked: list[str] = []

    async def listing(request: web.Request) -> web.Response:
        asked.append(request.path)
        return await four_thousand(request)

    async with on_loopback(listed(listing), "/openai/v1") as url:
        models = [{"name": "m", "base_url": url, "context_window": 16_384, "images": False}]
        async with serve_web(listed_models=models) as chat:
            visitor = await visitors(url=chat).sign_in()
            assert (await visitor.snapshot())["model"]["images"] is False
            async with visitor.stream() as stream:
                await visitor.ask("Hello!")
                await stream.until("run.done")
            assert (await visitor.snapshot())["context"]["window"] == 16_384
    assert asked == []


async def test_pages_and_answers_do_not_wait_for_what_the_endpoint_tells(
    visitors: NewPerson, serve_web: ServeWeb
) -> None:
    asked, never = asyncio.Event(), asyncio.Event()

    async def silent(_: web.Request) -> web.Response:
        asked.set()
        await never.wait()
        return web.Response()

    async with (
        on_loopback(listed(silent), "/openai/v1") as url,
        serve_web(listed_models=[{"name": "m", "base_url": url}]) as chat,
    ):
        visitor = await visitors(url=chat).sign_in()
        async with visitor.stream() as stream:
            await visitor.ask("Hello!")
            assert (await stream.until("run.done"))["status"] == "completed"
        assert asked.is_set()
        assert (await visitor.snapshot())["context"]["window"] == 8_192, "the guess for this machine"


async def test_a_window_that_a_refusal_taught_counts_until_the_endpoint_tells_of_another() -> None:
    settings = settings_of(ModelSettings, openai_base_url="http://127.0.0.1:9/v1", openai_model="m")
    async with open_model(settings, client_ssl_context(None)) as service:
        inquiry = Inquiry(service, settings)
        model = OfferedModel("m", "m", settings, service, inquiry)
        inquiry.told = Told(16_384)
        model.learn(4_096)
        assert model.window == 4_096
        inquiry.told = Told(32_768)
        assert model.window == 32_768, "its server was started anew"
