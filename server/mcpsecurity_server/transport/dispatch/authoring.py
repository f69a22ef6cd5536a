"""What authors of tools may use so that a call can be run again, in whatever revision it came.

In revision 2026-07-28 a question ends the request; the client's retry runs the tool again from its beginning,
with the answers so far. In the revisions before, nothing is repeated, and these helpers change nothing.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar, overload, runtime_checkable

from mcpsecurity_server.transport.dispatch.fastmcp_adapter import current_channel
from mcpsecurity_server.transport.jsonrpc import read_json, to_json

__all__ = ["Steps", "chosen_key", "question_key", "step"]

T = TypeVar("T")

chosen_key: ContextVar[str | None] = ContextVar("mcp_question_key", default=None)
"""The key that the author has chosen for the next questions."""


@runtime_checkable
class Steps(Protocol):
    """A channel that can remember what was done until the request is retried."""

    async def step(self, name: str, work: Callable[[], Awaitable[Any]]) -> Any:
        """Return what `work` gave when it was done first; it is a JSON value."""


@contextmanager
def question_key(key: str) -> Iterator[None]:
    """Ask under a key of your own: what is asked inside keeps this name in the protocol.

    Without it a question is named after its content. With it, too, an answer only counts for the question it
    was given to: one whose text or form has changed since is asked again.
    """
    token = chosen_key.set(key)
    try:
        yield
    finally:
        chosen_key.reset(token)


@overload
async def step(name: str, work: Callable[[], Awaitable[T]]) -> T: ...
@overload
async def step(name: str, work: Callable[[], T]) -> T: ...
async def step(name: str, work: Callable[[], Any]) -> Any:
    """Do `work` once for the call, however often the call is run again, and return its result.

    The result has to be a JSON value: it travels with the client, sealed, until the retry. Not done twice is
    what was done before a question that the client has come back from; a client that sends the same retry
    twice has the work after it done twice, so give a service that must not be told twice an idempotency key
    made in a step.

    Raises:
        TypeError: the result is no JSON value.
    """

    async def run() -> Any:
        done = work()
        if inspect.isawaitable(done):
            done = await done
        return read_json(to_json(done))

    channel: object = current_channel.get()
    return await (channel.step(name, run) if isinstance(channel, Steps) else run())
