"""A conversation is saved soon after a change, and not again if somebody has saved it meanwhile."""

import asyncio
from typing import cast

from tests.support.eventually import eventually

from mcpsecurity_webclient.chat.events import InMemoryEventBus
from mcpsecurity_webclient.chat.models import User
from mcpsecurity_webclient.chat.persistence.autosave import ConversationSaver
from mcpsecurity_webclient.chat.state import ConversationState
from mcpsecurity_webclient.store import Conversation, ConversationStore, Owner


class Counting:
    """A store that counts what it is given to save."""

    def __init__(self) -> None:
        self.saved = 0

    async def save(self, owner: Owner, conversation: Conversation) -> int:  # noqa: ARG002 - the protocol's
        self.saved += 1
        return self.saved


def _saver(store: Counting) -> ConversationSaver:
    state = ConversationState(chat_id="c", user=User("Alice", "alice"), created_at=0, updated_at=0)
    owner = Owner("t", "o")
    return ConversationSaver(
        cast("ConversationStore", store), owner, state, InMemoryEventBus("c"), pause=0.02
    )


def _rests() -> bool:
    return not any(task.get_name() == "keep a conversation" for task in asyncio.all_tasks())


async def test_what_was_saved_at_once_is_not_saved_again() -> None:
    store = Counting()
    saver = _saver(store)
    saver.schedule()
    await saver.save()
    await eventually(_rests)
    assert store.saved == 1
    await saver.aclose()


async def test_what_changes_after_that_is_saved() -> None:
    store = Counting()
    saver = _saver(store)
    saver.schedule()
    await saver.save()
    saver.schedule()
    await eventually(_rests)
    assert store.saved == 2
    await saver.aclose()
