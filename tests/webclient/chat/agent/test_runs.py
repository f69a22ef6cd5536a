"""The answers of a conversation: none begins in one that was closed, and nothing that waits is sent there."""

import asyncio
from typing import Any

import pytest

from mcpsecurity_webclient.chat.agent.runs import Runs
from mcpsecurity_webclient.chat.models import User
from mcpsecurity_webclient.chat.state import ConversationState
from mcpsecurity_webclient.errors import NothingToDoError


def a_state() -> ConversationState:
    return ConversationState(
        chat_id="chat", user=User("Alice", "alice"), model="m", created_at=0.0, updated_at=0.0
    )


async def test_in_a_conversation_that_was_closed_meanwhile_no_answer_begins() -> None:
    told: list[Any] = []
    state = a_state()
    unused: Any = None

    def publish(name: str, _: object) -> None:
        told.append(name)

    runs = Runs(state, unused, unused, publish, sign_in_needed=print, ended=print, clock=lambda: 0.0)
    await runs.aclose()
    run_id = runs.start("message")
    assert (state.run, told) == (None, [])
    with pytest.raises(NothingToDoError):
        runs.take_stop(run_id)


class _Endless:
    """Stands for the model and for the store: an answer that only a stop ends, and saving that does
    nothing."""

    async def answer(self, *_: object) -> None:
        await asyncio.Event().wait()

    async def save(self) -> None:
        pass


@pytest.mark.parametrize(("closed", "sent"), [(False, ["next"]), (True, [])])
async def test_what_waits_is_sent_after_a_stop_unless_the_conversation_is_closed(
    closed: bool, sent: list[str]
) -> None:
    state, ended, endless = a_state(), list[str](), _Endless()
    parts: Any = (endless, endless, lambda *_: None)

    def next_one() -> None:
        ended.append("next")

    runs = Runs(state, *parts, sign_in_needed=print, ended=next_one, clock=lambda: 0.0)
    run_id = runs.start("message")
    assert state.run is not None
    await asyncio.sleep(0)  # the answer has begun
    runs.take_stop(run_id)
    await (runs.aclose() if closed else runs.end())
    assert ended == sent
