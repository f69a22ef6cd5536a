"""A crowd in one process: everybody gets all of her own events and nothing of anybody else's.

The figures are `python -m tests.benchmarks.load_chat`'s.
"""

from pathlib import Path

from tests.benchmarks.crowd import chat_at_once, crowd
from tests.browser.stack import running_stack


async def test_people_who_chat_at_once_each_see_their_own_events_and_lose_none(tmp_path: Path) -> None:
    async with running_stack(tmp_path) as stack:
        stack.model.pace = 0.0
        async with crowd(stack.cloud, stack.url, 10) as guests:
            seen = await chat_at_once(guests, messages=1, think=0.0)
    assert seen.answers == 10
    assert len({guest.visitor.chat_id for guest in guests}) == 10
    assert all(seconds > 0 for seconds in seen.first_words)
