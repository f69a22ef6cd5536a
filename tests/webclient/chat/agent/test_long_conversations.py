"""A conversation never becomes too long for its model, and what was said and read early is still known."""

import base64
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.served import on_loopback
from tests.webclient.conftest import NewPerson, ServeWeb
from tests.webclient.events import EventStream
from tests.webclient.oddity import Odd, tool
from tests.webclient.reading_model import ReadingModel
from tests.webclient.visitor import Visitor

pytestmark = pytest.mark.slow

MIB = 2**20


def long_result(size: int, fact: str) -> dict[str, Any]:
    """Return a result of so many characters with a sentence in its middle."""
    half = 'alpha 42 beta; gamma\n"delta", ' * (size // 60)
    text = f"{half}. {fact}. {half}"[:size]
    return {"content": [{"type": "text", "text": text}]}


class Talk:
    """A person who talks to the reading model."""

    def __init__(self, visitor: Visitor, stream: EventStream, odd: Odd) -> None:
        self.visitor = visitor
        self.stream = stream
        self.odd = odd

    async def say(self, text: str, **more: Any) -> str:
        """Send a message and return the answer."""
        self.stream.events.clear()
        await self.visitor.ask(text, **more)
        done = await self.stream.until("run.done")
        assert done["status"] == "completed", done
        said = [e.data["message"]["text"] for e in self.stream.events if e.name == "message.done"]
        return str(said[-1])

    async def fetch(self, size: int, fact: str = "") -> None:
        """Have the model call the tool, whose result has so many characters."""
        self.odd.results["tools/call"] = long_result(size, fact)
        assert await self.say("Fetch it.") == "Noted."


@asynccontextmanager
async def talking(
    model: ReadingModel, serve_web: ServeWeb, visitors: NewPerson, user: str | None = None, **more: Any
) -> AsyncIterator[Talk]:
    odd = Odd(tools={})
    reads = tool("fetch") | {"annotations": {"readOnlyHint": True}}
    odd.results["tools/list"] = {"tools": [reads]}
    async with on_loopback(model.app()) as model_url, on_loopback(odd.app()) as odd_url:
        server = {"name": "odd", "url": f"{odd_url}/mcp", "trust_annotations": True}
        settings = {"context_window": model.window, "model_api": "chat", "azure_openai_endpoint": model_url}
        async with serve_web(more_servers=(server,), **{**settings, **more}) as url:
            visitor = await visitors(url=url, user=user).sign_in()
            await visitor.command("mode", {"mode": "elicitation"})
            async with visitor.stream() as stream:
                yield Talk(visitor, stream, odd)


@pytest.mark.parametrize(
    ("window", "turns", "results"),
    [(8_192, 110, (200, MIB)), (128_000, 40, (100_000, MIB)), (1_000_000, 12, (MIB,))],
    ids=["8k", "128k", "1M"],
)
async def test_every_request_fits_and_early_facts_are_known(
    window: int, turns: int, results: tuple[int, ...], serve_web: ServeWeb, visitors: NewPerson
) -> None:
    model = ReadingModel(window)
    async with talking(model, serve_web, visitors) as talk:
        await talk.say("Remember that the harbour code is QX71.")
        await talk.fetch(MIB, "the depth marker is 4419")
        for number in range(int(os.environ.get("LONG_TURNS", turns))):
            if number % 10 == 5:
                await talk.fetch(results[number // 10 % len(results)])
            else:
                await talk.say(f"Message {number}: " + "We talk about ships and the weather at sea. " * 8)
        assert await talk.say("What is the harbour code?") == "It is QX71."
        assert await talk.say("What is the depth marker?") == "It is 4419."
        context = (await talk.visitor.snapshot())["context"]
    assert model.refused == []
    assert max(model.sent) <= window
    assert context["window"] == window
    assert 0 < context["used"] <= window


async def test_thoughts_that_are_sent_back_fit_too(serve_web: ServeWeb, visitors: NewPerson) -> None:
    model = ReadingModel(8_192)
    model.thinks = "The person wants to know more about ships, so I look it up. " * 100
    async with talking(model, serve_web, visitors) as talk:
        await talk.say("Remember that the harbour code is QX71.")
        for number in range(8):
            await talk.fetch(200, f"the depth is {number}")
        assert await talk.say("What is the harbour code?") == "It is QX71."
        context = (await talk.visitor.snapshot())["context"]
    assert model.refused == []
    assert max(model.sent) <= 8_192
    assert 0 < context["used"] <= 8_192


OVERFLOWS: dict[str, tuple[str | None, str, dict[str, Any]]] = {
    "openai": (
        "context_length_exceeded",
        "This model's maximum context length is {window} tokens. Your messages resulted in {tokens} tokens.",
        {},
    ),
    "azure-responses": (
        "context_length_exceeded",
        "Your input exceeds the context window of this model.",
        {},
    ),
    "vllm": (
        None,
        "This model's maximum context length is {window} tokens. However, you requested {tokens} tokens.",
        {},
    ),
    "vllm 0.32.0": (
        None,
        (
            "This model's maximum context length is {window} tokens. However, your prompt contains 172050 "
            "characters (more than 106496 characters, which is the upper bound for {window} input tokens). "
            "Please reduce the length of the input prompt. (parameter=input_text, value=172050)"
        ),
        {"type": "BadRequestError", "param": "input_text"},
    ),
    "llama.cpp": (
        None,
        "the request exceeds the available context size, try increasing it",
        {"type": "exceed_context_size_error", "n_ctx": 8192},
    ),
    "other": ("x", "Too many tokens.", {}),
}


@pytest.mark.parametrize("provider", OVERFLOWS)
async def test_a_window_that_is_smaller_than_was_thought_is_learned_from_the_refusal(
    provider: str, serve_web: ServeWeb, visitors: NewPerson, caplog: pytest.LogCaptureFixture
) -> None:
    model = ReadingModel(8_192)
    model.code, model.words, model.more = OVERFLOWS[provider]
    async with talking(model, serve_web, visitors, context_window=14_000) as talk:
        for number in range(25):
            await talk.say(f"Message {number}: " + "We talk about ships and the weather at sea. " * 24)
        context = (await talk.visitor.snapshot())["context"]
    told = "{window}" in model.words or model.more
    assert len(model.refused) == 1 if told else 1 <= len(model.refused) <= 3
    assert "MCPSECURITY_MODEL_CONTEXT_WINDOW" in caplog.text, "the log says which setting spares this"
    assert context["window"] == 8_192 if told else 8_000 < context["window"] < 14_000
    assert context["used"] <= 8_192


async def test_what_was_noted_outlives_the_process_and_every_tab_sees_it(
    serve_web: ServeWeb, visitors: NewPerson, tmp_path: Path
) -> None:
    model, database = ReadingModel(8_192), f"sqlite:///{tmp_path / 'chats.sqlite3'}"
    async with talking(model, serve_web, visitors, database_url=database) as talk:
        user, chat_id = talk.visitor.user, talk.visitor.chat_id
        async with talk.visitor.stream() as other_tab:
            await talk.say("Remember that the harbour code is QX71.")
            await talk.fetch(MIB, "the depth marker is 4419")
            for number in range(30):
                await talk.say(f"Message {number}: " + "We talk about ships and the weather at sea. " * 12)
            told = (await talk.visitor.snapshot())["context"]
            while (heard := await other_tab.until("context.changed"))["context"] != told:
                pass
            assert heard["context"]["note"]["text"] == told["note"]["text"]
    async with talking(model, serve_web, visitors, user, database_url=database) as talk:
        await talk.visitor.open(f"/chats/{chat_id}")
        kept = await talk.visitor.snapshot()
        assert kept["context"] == told
        assert [m["message_id"] for m in kept["messages"]][told["note"]["messages"] - 1] == told["note"][
            "message_id"
        ]
        async with talk.visitor.stream() as talk.stream:
            assert await talk.say("What is the harbour code?") == "It is QX71."
            assert await talk.say("What is the depth marker?") == "It is 4419."
    assert model.refused == []


@pytest.mark.parametrize("usage", [True, False])
async def test_a_model_that_writes_no_note_ends_no_conversation(
    usage: bool, serve_web: ServeWeb, visitors: NewPerson
) -> None:
    model = ReadingModel(8_192)
    model.fails_notes, model.usage = True, usage
    async with talking(model, serve_web, visitors) as talk:
        await talk.say("Remember that the harbour code is QX71.")
        for number in range(40):
            await talk.say(f"Message {number}: " + "We talk about ships and the weather at sea. " * 12)
        note = (await talk.visitor.snapshot())["context"]["note"]
        assert await talk.say("What is the harbour code?") == "It is QX71."
    assert "model" not in note
    assert len(note["text"]) < 8_192
    assert model.refused == []


async def test_a_model_replaces_a_note_that_no_model_wrote_as_soon_as_it_can(
    serve_web: ServeWeb, visitors: NewPerson
) -> None:
    model = ReadingModel(8_192)
    model.fails_notes = True
    async with talking(model, serve_web, visitors) as talk:

        async def note_after(messages: int) -> dict[str, Any]:
            for number in range(messages):
                await talk.say(f"Message {number}: " + "We talk about ships and the weather at sea. " * 24)
            return dict((await talk.visitor.snapshot())["context"]["note"])

        await talk.say("We talk about ships. " * 15 + "Remember that the harbour code is QX71.")
        poor = await note_after(20)
        assert ("model" in poor, "QX71" in poor["text"]) == (False, False)
        model.fails_notes = False
        good = await note_after(15)
    assert ("model" in good, "QX71" in good["text"]) == (True, True)
    assert model.refused == []


async def test_a_few_long_messages_of_the_person_are_no_dead_end(
    serve_web: ServeWeb, visitors: NewPerson
) -> None:
    model = ReadingModel(8_192)
    async with talking(model, serve_web, visitors) as talk:
        for words in (350, 350, 350, 800, 800, 350):
            text = "Ships, sails and sailors. " * (words // 2)
            assert await talk.say(text) == "Noted."
    assert model.refused == []


@pytest.mark.parametrize("words", ["", "This is the log."])
async def test_a_long_file_is_no_dead_end_and_is_known_to_its_end(
    words: str, serve_web: ServeWeb, visitors: NewPerson
) -> None:
    model = ReadingModel(8_192)
    content = "Ships and sails. " * 25_000 + "the keel mark is 4419. " + "Ships and sails. " * 8_000
    file = {"name": "log.txt", "data": base64.b64encode(content.encode()).decode()}
    async with talking(model, serve_web, visitors) as talk:
        assert await talk.say(words, files=[file]) == "Noted."
        assert await talk.say("What is the keel mark?") == "It is 4419."
    assert model.refused == []


async def test_a_message_that_is_too_long_is_refused_with_words_and_a_shorter_one_is_answered(
    serve_web: ServeWeb, visitors: NewPerson
) -> None:
    model = ReadingModel(8_192)
    async with talking(model, serve_web, visitors) as talk:
        await talk.visitor.ask("tide 4.2; " * 2_000)
        done = await talk.stream.until("run.done")
        assert (done["error"]["code"], done["error"]["retryable"]) == ("too_long", False)
        assert "shorter" in done["error"]["message"]
        assert await talk.say("Hello.") == "Noted.", "it is not sent for ever"
    assert model.refused == []


async def test_a_note_belongs_to_its_branch(serve_web: ServeWeb, visitors: NewPerson) -> None:
    model = ReadingModel(8_192)
    async with talking(model, serve_web, visitors) as talk:
        await talk.say("Remember that the harbour code is QX71.")
        await talk.say("We shall sail soon.")
        for number in range(25):
            await talk.say(f"Message {number}: " + "We talk about ships and the weather at sea. " * 12)
        before = await talk.visitor.snapshot()
        second = before["messages"][2]
        assert before["context"]["note"]["messages"] > 4
        edited = await talk.visitor.command(f"messages/{second['message_id']}/edit", {"text": "We stay."})
        assert edited.status == 202, edited.body
        await talk.stream.until("run.done")
        assert "note" not in (await talk.visitor.snapshot())["context"]
        assert await talk.say("What is the harbour code?") == "It is QX71."
        after = before["messages"][1]["message_id"]
        assert (await talk.visitor.command("branches", {"after": after, "open": 1})).status == 202
        assert (await talk.visitor.snapshot())["context"]["note"] == before["context"]["note"]
        assert await talk.say("What is the harbour code?") == "It is QX71."
    assert model.refused == []


async def test_a_model_that_reads_less_can_take_over(serve_web: ServeWeb, visitors: NewPerson) -> None:
    large, small = ReadingModel(128_000), ReadingModel(8_192)
    async with on_loopback(large.app()) as large_url, on_loopback(small.app()) as small_url:
        common = {"key": "k", "api": "chat"}
        models = [
            {"name": "large", "endpoint": large_url, "context_window": large.window, **common},
            {"name": "small", "endpoint": small_url, "context_window": small.window, **common},
        ]
        async with talking(large, serve_web, visitors, listed_models=models) as talk:
            await talk.say("Remember that the harbour code is QX71.")
            await talk.fetch(MIB, "the depth marker is 4419")
            for number in range(20):
                await talk.say(f"Message {number}: " + "We talk about ships and the weather at sea. " * 40)
            await talk.visitor.command("model", {"model": "small"})
            assert await talk.say("What is the harbour code?") == "It is QX71."
            assert await talk.say("What is the depth marker?") == "It is 4419."
            context = (await talk.visitor.snapshot())["context"]
    assert (large.refused, small.refused) == ([], [])
    assert large.notes == 0
    assert small.notes > 1, "no request for a note was too long either"
    assert context["window"] == small.window
    assert context["note"]["model"] == "small"
