"""Our client sees of each server what the official SDK 2 sees: lists, results, errors, prompts, resources."""

import pytest
from tests.foreign.running import Running
from tests.foreign.views import official_view, our_view

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(300)]


async def test_both_clients_see_the_same(running: Running) -> None:
    ours = await our_view(running)
    theirs = await official_view(running, ours["mode"])
    assert ours["tools"], "there is something to compare"
    for key in theirs:
        assert ours[key] == theirs[key], key
