"""Lets a call wait until the person has signed in for what its server asks for (step-up), and go on.

The server refused the request before it ran anything, so it may be sent again.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal

from mcp import types

from mcpsecurity.client import BridgeError, InsufficientScopeError
from mcpsecurity_webclient.chat.event_types import Publish
from mcpsecurity_webclient.chat.mcp.server import McpServer
from mcpsecurity_webclient.chat.models import PendingFunctionCall

if TYPE_CHECKING:
    from mcpsecurity_webclient.chat.views import SignInView

_TIMES = 2
_SECONDS = 600.0


class StepUps:
    """The sign-ins that running calls of one conversation wait for. `clock` gives seconds since 1970.

    A call waits for at most two of them, ten minutes each.
    """

    def __init__(self, publish: Publish, *, clock: Callable[[], float] = time.time) -> None:
        self._publish = publish
        self._clock = clock
        self._signed_in_at = clock()
        self._signed_in = asyncio.Event()

    def signed_in(self, at: float) -> None:
        """Let calls go on if the person has signed in since they began to wait. Called with every request."""
        if at > self._signed_in_at:
            self._signed_in_at = at
            self._signed_in.set()
            self._signed_in = asyncio.Event()

    async def run(
        self,
        call: PendingFunctionCall,
        server: McpServer,
        send: Callable[[], Awaitable[types.CallToolResult]],
    ) -> types.CallToolResult:
        """Send a call, and again after a sign-in that its server asks for. Raises `BridgeError`."""
        for _ in range(_TIMES):
            try:
                return await send()
            except BridgeError as error:
                if not await self._stepped_up(call, server, error):
                    raise
        return await send()

    async def _stepped_up(self, call: PendingFunctionCall, server: McpServer, error: BridgeError) -> bool:
        """Wait for the person's sign-in; return whether it took place."""
        url, signed_in = server.step_up_url(error), self._signed_in
        if url is None:
            return False
        kind: Literal["scope", "claims"] = "scope" if isinstance(error, InsufficientScopeError) else "claims"
        needed: SignInView = {"url": url, "kind": kind, "expires_at": self._clock() + _SECONDS}
        call.sign_in = needed
        self._publish("tool.sign_in_needed", {"call_id": call.call_id, "sign_in": needed})
        try:
            async with asyncio.timeout(_SECONDS):
                await signed_in.wait()
        except TimeoutError:
            return False
        finally:
            call.sign_in = None
        self._publish(
            "tool.started", {"call_id": call.call_id, "started_at": call.started_at or self._clock()}
        )
        return True
