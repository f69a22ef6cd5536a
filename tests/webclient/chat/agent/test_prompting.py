"""An answer is given with the tools as they are then."""

import gc

import pytest
from semantic_kernel.functions import KernelPlugin
from tests.webclient.chat.agent.test_long_conversations import talking
from tests.webclient.conftest import NewPerson, ServeWeb
from tests.webclient.reading_model import ReadingModel


@pytest.mark.slow
async def test_between_its_answers_a_conversation_holds_no_copy_of_a_servers_tools(
    serve_web: ServeWeb, visitors: NewPerson
) -> None:
    async with talking(ReadingModel(128_000), serve_web, visitors) as talk:
        for _ in range(2):
            await talk.fetch(100)  # calls the tool, so the kernel had it
            gc.collect()
            assert [
                one.name for one in gc.get_objects() if type(one) is KernelPlugin and "fetch" in one
            ] == []
