"""The answers of a conversation: none begins in one that was closed."""

from typing import Any

import pytest

from mcpsecurity_webclient.chat.agent.runs import Runs
from mcpsecurity_webclient.chat.models import User
from mcpsecurity_webclient.chat.state import ConversationState
from mcpsecurity_webclient.errors import NothingToDoError


async def test_in_a_conversation_that_was_closed_meanwhile_no_answer_begins() -> None:
    told: list[Any] = []
    state = ConversationState(
        chat_id="chat", user=User("Alice", "alice"), model="m", created_at=0.0, updated_at=0.0
    )
    unused: Any = None

    def publish(name: str, _: object) -> None:
        told.append(name)

    runs = Runs(state, unused, unused, publish, sign_in_needed=print, ended=print, clock=lambda: 0.0)
    await runs.aclose()
    run_id = runs.start("message")
    assert (state.run, told) == (None, [])
    with pytest.raises(NothingToDoError):
        runs.take_stop(run_id)
