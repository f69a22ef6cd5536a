"""Helpers for authors of tools, so that a call can be run again, in every revision.

In revision 2026-07-28 a question ends the request; the client's retry runs the tool again from its beginning,
with the answers so far. In the revisions before, nothing is repeated, and these helpers change nothing.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar, overload, runtime_checkable

from mcpsecurity_server.transport.dispatch.relay_session import current_channel
from mcpsecurity_server.transport.jsonrpc import read_json, to_json

T = TypeVar("T")

chosen_key: ContextVar[str | None] = ContextVar("mcp_question_key", default=None)
"""The key that the author chose for the next question."""


@runtime_checkable
class Steps(Protocol):
    """A channel that can keep the result of a step until the request is retried."""

    async def step(self, name: str, work: Callable[[], Awaitable[Any]]) -> Any:
        """Return the result that `work` had the first time, a JSON value."""


@contextmanager
def question_key(key: str) -> Iterator[None]:
    """Give the questions within the block this key in the protocol.

    Without it a question's key is a digest of its content. Either way an answer only counts for the question
    it was given to: a question whose text or form has changed since is asked again.
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
    """Do `work` once for the call, even if the call is run again, and return its result.

    The result has to be a JSON value: it travels with the client, encrypted, until the retry. Work before an
    answered question is not done twice. A client that sends the same retry twice has the work after it done
    twice, so give a service that must not get a request twice an idempotency key that was made in a step.

    Raises:
        TypeError: the result is not a JSON value.
    """

    async def run() -> Any:
        result = work()
        if inspect.isawaitable(result):
            result = await result
        return read_json(to_json(result))

    channel: object = current_channel.get()
    return await (channel.step(name, run) if isinstance(channel, Steps) else run())
