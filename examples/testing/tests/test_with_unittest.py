"""The same without pytest: `python -m unittest tests.test_with_unittest`."""

import unittest

from greeter.server import mcp

from mcpsecurity.client import SignInRequiredError
from mcpsecurity.testing import LocalStack, ServedMcp


class Greeting(unittest.IsolatedAsyncioTestCase):
    server: ServedMcp

    @classmethod
    def setUpClass(cls) -> None:
        stack = cls.enterClassContext(LocalStack())
        cls.server = stack.serve(mcp)

    async def test_it_greets_who_is_signed_in(self) -> None:
        async with self.server.session("alice") as session:
            result = await session.call_tool("greet", {})
        self.assertEqual(result.structuredContent, {"result": "Hello, Alice Adams"})

    async def test_it_refuses_tokens_that_are_not_good(self) -> None:
        with self.assertRaises(SignInRequiredError):
            async with self.server.session("alice", expired=True):
                pass
