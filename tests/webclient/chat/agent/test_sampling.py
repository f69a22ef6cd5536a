"""A server's sampling request reaches the model as the person approved it, whole, or not at all."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from tests.browser.stack import Stack
from tests.support.served import on_loopback
from tests.webclient.conftest import NewPerson, ServeWeb
from tests.webclient.events import EventStream
from tests.webclient.scripted_model import ScriptedModel, calls, says
from tests.webclient.visitor import Visitor

TOO_LONG = "The request is longer than what the model reads for one answer"
VERSE = "We talk about ships and the weather at sea. "


@asynccontextmanager
async def asked_for_a_poem(
    visitors: NewPerson, serve_web: ServeWeb, model: ScriptedModel, **settings: Any
) -> AsyncIterator[tuple[Visitor, EventStream, dict[str, Any]]]:
    """Yield a person, her events, and the sampling request that waits for her."""
    model.turns.appendleft(calls(("a", "playground-compose_poem", "{}")))
    async with on_loopback(model.app()) as url:
        common = {"endpoint": url, "key": "k", "api": "chat"}
        models = [
            {"name": "small", "context_window": 8_192, **common},
            {"name": "large", "context_window": 128_000, **common},
        ]
        async with serve_web(sampling=True, listed_models=models, **settings) as chat:
            visitor = await visitors(url=chat).sign_in()
            await visitor.command("mode", {"mode": "elicitation"})
            async with visitor.stream() as stream:
                await visitor.ask("Compose a poem")
                yield visitor, stream, (await stream.until("sampling.requested"))["sampling"]


async def approved(visitor: Visitor, stream: EventStream, sampling: dict[str, Any]) -> str:
    """Approve the request; return the result of the call that it came from, and wait for the answer."""
    await visitor.command(f"samplings/{sampling['sampling_id']}", {"decision": "approve"})
    done = await stream.until("tool.done")
    await stream.until("run.done")
    return str(done["content"][0]["text"])


@pytest.fixture
def long_prompt(stack: Stack) -> str:
    stack.playground.poem_prompt = prompt = VERSE * 1_000
    return prompt


@pytest.mark.usefixtures("long_prompt")
async def test_a_request_that_is_longer_than_the_window_is_said_to_be_and_never_reaches_the_model(
    visitors: NewPerson, serve_web: ServeWeb
) -> None:
    model = ScriptedModel()
    async with asked_for_a_poem(visitors, serve_web, model) as (visitor, stream, sampling):
        assert sampling["too_long"] is True
        assert (await visitor.snapshot())["samplings"] == [sampling]
        assert TOO_LONG in await approved(visitor, stream, sampling)
    assert len(model.asked) == 2, "only the person's own requests"


async def test_it_is_sent_whole_once_a_model_is_chosen_that_reads_it(
    visitors: NewPerson, serve_web: ServeWeb, long_prompt: str
) -> None:
    model = ScriptedModel()
    model.turns.append(says("Roses are red."))
    async with asked_for_a_poem(visitors, serve_web, model) as (visitor, stream, sampling):
        await visitor.command("model", {"model": "large"})
        assert await approved(visitor, stream, sampling) == "Poem: text"
    assert [m["content"] for m in model.asked[1]["messages"]][-1] == long_prompt


async def test_a_request_that_fits_is_not_called_too_long_and_an_overflow_is_no_reason_to_send_another(
    visitors: NewPerson, serve_web: ServeWeb
) -> None:
    async def refuses(_: web.Request) -> web.StreamResponse:
        words = "This model's maximum context length is 20 tokens. Your messages resulted in 90 tokens."
        error = {"code": "context_length_exceeded", "message": words}
        return web.json_response({"error": error}, status=400)

    model = ScriptedModel()
    model.turns.append(refuses)
    async with asked_for_a_poem(visitors, serve_web, model) as (visitor, stream, sampling):
        assert "too_long" not in sampling
        assert TOO_LONG in await approved(visitor, stream, sampling)
    said = [str(request["messages"][-1]["content"]) for request in model.asked]
    assert sum(text.startswith("hello ") for text in said) == 1
    assert len(model.asked) == 3
