"""An answer is read as it comes: its first words at once, and the words of a slow model in pauses."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

from semantic_kernel.contents import AuthorRole, StreamingChatMessageContent
from tests.webclient.chat.agent.test_runs import a_state

from mcpsecurity_webclient.chat.agent.answer_stream import AnswerWriter
from mcpsecurity_webclient.chat.agent.model_requests import ModelRequests
from mcpsecurity_webclient.chat.models import Run


class SlowModel:
    """Says one word after the other. `paused` tells for each whether its reader let other tasks run before it
    read on."""

    ai_model_id = "slow"

    def __init__(self, *words: str) -> None:
        self.words = words
        self.paused: list[bool] = []

    async def get_streaming_chat_message_contents(
        self, *_: object, **__: object
    ) -> AsyncIterator[list[StreamingChatMessageContent]]:
        for word in self.words:
            await asyncio.sleep(0.02)
            others = asyncio.get_running_loop().create_task(asyncio.sleep(0))
            yield [StreamingChatMessageContent(role=AuthorRole.ASSISTANT, choice_index=0, content=word)]
            self.paused.append(others.done())
            await others


async def test_a_pause_follows_the_later_words_of_a_slow_model_and_not_its_first() -> None:
    model = SlowModel("It ", "is ", "warm.")
    settings = SimpleNamespace(max_output_tokens=None)
    offered: Any = SimpleNamespace(
        service=model,
        title="Slow",
        window=9_000,
        guessed=False,
        settings=settings,
        sees=False,
        inquiry=SimpleNamespace(ask=lambda: None),
    )
    servers: Any = SimpleNamespace(instructions=list)
    state = a_state()
    state.transcript.history.add_user_message("How warm is it?")
    requests = ModelRequests(state, servers, lambda *_: None, system_prompt=None)
    writer = AnswerWriter(Run("run", "message"), state, lambda *_: None)
    writer.begin()
    answer = await requests.ask(offered, writer)
    assert (answer.text, model.paused) == ("It is warm.", [False, True, True])
