"""The pages that people see."""

import gc

from tests.webclient.visitor import Visitor

from mcpsecurity_webclient.web.pages import _Page


async def test_a_page_that_was_sent_is_not_held_while_its_connection_is_open(visitor: Visitor) -> None:
    async with visitor.stream() as stream:
        await stream.until("snapshot")
        gc.collect()  # pages of others whose connection was lost
        pages = [one for one in gc.get_objects() if isinstance(one, _Page)]
        assert pages
        assert [page for page in pages if page.body is not None] == []
