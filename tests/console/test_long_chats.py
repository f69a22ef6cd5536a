"""A conversation in the terminal becomes as long as it will."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from semantic_kernel import Kernel
from semantic_kernel.functions import kernel_function
from tests.support.reading import asks_for_note, reading_answer

from mcpsecurity.console.turn import Conversation
from mcpsecurity.kernel import ChatModel
from mcpsecurity.kernel.context import BudgetedModel, TooLongError
from mcpsecurity.kernel.model import Api
from mcpsecurity.localcloud.openai import Asked, ModelEndpoints, Script, Turn, add_openai_routes
from mcpsecurity.localcloud.openai.deployments import Deployment
from mcpsecurity.localcloud.openai.offline import Reply, ToolCall
from mcpsecurity.runtime.service import started_runner

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

MIB = 2**20
WINDOW = 8_192
SHIPS = "We talk about ships and the weather at sea. "


class Reader(Script):
    """Answers as a model that knows only what it is sent."""

    notes = 0

    def next_for(self, asked: Asked) -> Turn:
        super().next_for(asked)
        messages = self.asked[-1].messages
        self.notes += asks_for_note(messages)
        answer = reading_answer(messages, asked.tools)
        return Turn(Reply(answer) if isinstance(answer, str) else Reply(calls=(ToolCall(*answer),)))


class Talker:
    """A tool with a long description."""

    @kernel_function(description="Fetch the tide tables of all harbours of a coast. " * 8)
    def fetch_tides(self) -> str:
        return "none"


class Talk:
    """A person at a terminal, with a tool whose result is `result`."""

    def __init__(self, model: ChatModel, window: int) -> None:
        kernel = Kernel()
        kernel.add_plugin(self, "odd")
        self.model = BudgetedModel.of(model, window=window, kernel=kernel)
        self.conversation = Conversation(kernel, self.model)
        self.result = ""

    @kernel_function
    def fetch(self) -> str:
        """Fetch it."""
        return self.result

    async def say(self, text: str) -> str:
        """Say something and return the answer."""
        shown: list[str] = []
        await self.conversation.answer(text, shown.append)
        return "".join(shown)

    async def fetched(self, size: int, fact: str) -> None:
        """Have the tool called, whose result has a sentence in its middle."""
        half = 'alpha 42 beta; gamma\n"delta", ' * (size // 60)
        self.result = f"{half}. {fact}. {half}"[:size]
        assert await self.say("Fetch it.") == "Noted."


@asynccontextmanager
async def talking(small: "Served", api: Api = "chat", window: int = WINDOW) -> AsyncIterator[Talk]:
    async with ChatModel.at(small.url, "small", key="k", api=api) as model:
        yield Talk(model, window)


class Served:
    """The local cloud's deployment `small`, which reads 8,192 tokens: `refused` counts what was too long."""

    def __init__(self) -> None:
        self.refused = 0
        self.reader = Reader()
        self.url = ""

    def app(self) -> web.Application:
        """Return the local cloud's endpoints for models."""

        @web.middleware
        async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
            response = await handler(request)
            self.refused += b"context_length_exceeded" in (getattr(response, "body", None) or b"")
            return response

        endpoints = ModelEndpoints(api_key="k")
        endpoints.deployments["small"] = Deployment("small", window=WINDOW)
        endpoints.script = self.reader
        app = web.Application(client_max_size=2**26, middlewares=[counted])
        add_openai_routes(app, endpoints)
        return app


@pytest.fixture
async def small() -> AsyncIterator[Served]:
    served = Served()
    runner = await started_runner(served.app())
    served.url = f"http://localhost:{runner.addresses[0][1]}/openai/v1/"
    yield served
    await runner.cleanup()


@pytest.mark.parametrize(("api", "turns", "length"), [("chat", 100, 8), ("responses", 15, 40)])
async def test_every_request_fits_and_early_facts_are_known(
    small: Served, api: Api, turns: int, length: int
) -> None:
    async with talking(small, api) as talk:
        await talk.say("Remember that the harbour code is QX71.")
        await talk.fetched(MIB, "the depth marker is 4419")
        for number in range(turns):
            if number % 10 == 5:
                await talk.fetched((200, 20_000, MIB)[number // 10 % 3], "the wind is 7")
            else:
                assert await talk.say(f"Message {number}: {SHIPS * length}") == "Noted."
        assert await talk.say("What is the harbour code?") == "It is QX71."
        assert await talk.say("What is the depth marker?") == "It is 4419."
    assert small.refused == 0
    assert small.reader.notes > 0
    assert talk.model.use.window == WINDOW
    assert 0 < talk.model.use.used <= WINDOW
    assert len(talk.conversation.history) > 2 * turns, "the history stays whole"


async def test_a_window_that_is_smaller_than_was_thought_is_learned_from_one_refusal(small: Served) -> None:
    async with talking(small, window=14_000) as talk:
        for number in range(20):
            assert await talk.say(f"Message {number}: {SHIPS * 60}") == "Noted."
    assert small.refused == 1
    assert talk.model.use.window == WINDOW


async def test_a_window_that_the_endpoint_tells_is_kept_but_not_beyond_what_a_refusal_taught(
    small: Served,
) -> None:
    async with talking(small, window=64_000) as talk:
        talk.model.reads(WINDOW)
        for number in range(20):
            assert await talk.say(f"Message {number}: {SHIPS * 60}") == "Noted."
        assert small.refused == 0
        talk.model.reads(14_000)
        for number in range(20):
            assert await talk.say(f"Message {number}: {SHIPS * 60}") == "Noted."
        assert small.refused == 1
        talk.model.reads(14_000)
        assert talk.model.in_use.window == WINDOW
        talk.model.reads(32_000)
        assert talk.model.in_use.window == 32_000, "the server was started anew"


async def test_one_message_that_is_too_long_is_not_sent_for_ever(small: Served) -> None:
    async with talking(small) as talk:
        with pytest.raises(TooLongError, match="shorter"):
            await talk.say("tide 4.2; " * 4_000)
        assert await talk.say("Hello.") == "Noted."
    assert small.refused == 0


async def test_a_new_chat_has_no_note_of_the_one_before(small: Served) -> None:
    async with talking(small) as talk:
        for number in range(20):
            await talk.say(f"Message {number}: the tide is {number}. {SHIPS * 60}")
        assert small.reader.notes > 0
        talk.conversation.clear()
        assert await talk.say("What is the tide?") == "I do not know."


@pytest.mark.parametrize("guessed", [True, False])
async def test_tools_are_not_refused_for_a_window_that_is_only_guessed(small: Served, guessed: bool) -> None:
    """Until the endpoint says so, a model is taken to read the tools that it is offered."""
    kernel = Kernel()
    for number in range(8):
        kernel.add_plugin(Talker(), f"tools{number}")
    async with ChatModel.at(small.url, "small", key="k", api="chat") as model:
        budgeted = BudgetedModel.of(model, window=600, kernel=kernel, guessed=guessed)
        conversation, shown = Conversation(kernel, budgeted), list[str]()
        if guessed:
            await conversation.answer("Hello!", shown.append)
            assert shown
            assert 600 < budgeted.use.window < WINDOW
            assert budgeted.use.guessed
        else:
            with pytest.raises(TooLongError, match="tools"):
                await conversation.answer("Hello!", shown.append)
