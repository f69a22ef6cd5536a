"""A change that is not saved has not happened."""

import asyncio

import pytest

from mcpsecurity.runtime.undo import undone_on_failure


@pytest.mark.parametrize("error", [OSError, asyncio.CancelledError])
def test_a_change_is_undone_when_it_fails_or_is_cancelled(error: type[BaseException]) -> None:
    undone: list[str] = []
    with pytest.raises(error), undone_on_failure(lambda: undone.append("once")):
        raise error
    assert undone == ["once"]


def test_a_change_that_succeeds_stays() -> None:
    undone: list[str] = []
    with undone_on_failure(lambda: undone.append("never")):
        pass
    assert undone == []
