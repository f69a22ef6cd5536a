"""A conversation is saved soon after a change, and not again if somebody has saved it meanwhile."""

from typing import cast

import pytest
from tests.support.eventually import eventually

from mcpsecurity_webclient.chat.events import EventBus
from mcpsecurity_webclient.chat.models import User
from mcpsecurity_webclient.chat.persistence.autosave import ConversationSaver
from mcpsecurity_webclient.chat.state import ConversationState
from mcpsecurity_webclient.errors import StaleConversationError, StoreUnavailableError
from mcpsecurity_webclient.store import Conversation, ConversationStore, Owner


class Counting:
    """A store that counts what it is given to save, and first fails with each of `errors`."""

    def __init__(self, *errors: Exception) -> None:
        self.saved = 0
        self._errors = list(errors)

    async def save(self, owner: Owner, conversation: Conversation) -> int:  # noqa: ARG002 - the protocol's
        if self._errors:
            raise self._errors.pop(0)
        self.saved += 1
        return self.saved


def _saver(store: Counting) -> ConversationSaver:
    state = ConversationState(chat_id="c", user=User("Alice", "alice"), created_at=0, updated_at=0)
    owner = Owner("t", "o")
    return ConversationSaver(cast("ConversationStore", store), owner, state, EventBus("c"), pause=0.02)


async def _rests(saver: ConversationSaver) -> None:
    await eventually(lambda: saver._task is None)


async def test_what_was_saved_at_once_is_not_saved_again() -> None:
    store = Counting()
    saver = _saver(store)
    saver.schedule()
    await saver.save()
    await _rests(saver)
    assert store.saved == 1
    await saver.aclose()


async def test_what_changes_after_that_is_saved() -> None:
    store = Counting()
    saver = _saver(store)
    saver.schedule()
    await saver.save()
    saver.schedule()
    await _rests(saver)
    assert store.saved == 2
    await saver.aclose()


async def test_a_change_is_saved_in_the_end_after_any_failure(caplog: pytest.LogCaptureFixture) -> None:
    store = Counting(StoreUnavailableError("it is away"), RuntimeError("a driver's own"))
    saver = _saver(store)
    saver.schedule()
    await _rests(saver)
    assert store.saved == 1
    told = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [record.getMessage() for record in told] == ["saving a conversation failed"]
    await saver.aclose()


async def test_nothing_is_saved_over_what_another_process_has_saved() -> None:
    store = Counting(StaleConversationError("it was changed"))
    saver = _saver(store)
    saver.schedule()
    await _rests(saver)
    assert saver.stale
    saver.schedule()
    await _rests(saver)
    await saver.aclose()
    assert store.saved == 0
