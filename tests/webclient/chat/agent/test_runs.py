"""The answers of a conversation: none begins in one that was closed."""

from types import SimpleNamespace
from typing import Any

import pytest
from semantic_kernel import Kernel
from semantic_kernel.contents import ChatHistory

from mcpsecurity_webclient.chat.agent.runs import Runs
from mcpsecurity_webclient.chat.transcript import Transcript
from mcpsecurity_webclient.errors import NothingToDoError


async def test_in_a_conversation_that_was_closed_meanwhile_no_answer_begins() -> None:
    told: list[Any] = []
    chat: Any = SimpleNamespace(publish=lambda *event: told.append(event), updated_at=0.0)
    nobody: Any = None
    runs = Runs(
        chat, Kernel(), nobody, Transcript(ChatHistory()), model="m", sign_in_needed=print, clock=lambda: 0.0
    )
    await runs.aclose()
    run_id = runs.start("message")
    assert (runs.current, told) == (None, [])
    with pytest.raises(NothingToDoError):
        runs.check(run_id)
