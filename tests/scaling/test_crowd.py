"""A crowd at two web chats: the short form of `python -m tests.scaling.load`."""

import pytest
from tests.scaling.load import chat_on
from tests.scaling.topology import Topology

from mcpsecurity.testing import LocalStack

pytestmark = pytest.mark.timeout(240)
PEOPLE, MESSAGES = 40, 2


async def test_no_event_of_a_crowd_is_lost_or_somebody_elses(topology: Topology, local: LocalStack) -> None:
    found = await chat_on(topology, local, PEOPLE, messages=MESSAGES, think=2)
    assert found.seen.answers == PEOPLE * MESSAGES
    assert min(found.processor) > 0.1 * max(found.processor), "one of the web chats had next to nothing to do"
