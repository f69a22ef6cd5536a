"""A late answer to a server's request is told what became of the request, in its own conversation only."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from mcp import types

from mcpsecurity.kernel.context import ContextUse
from mcpsecurity_webclient.chat.agent.sampling import ModelSampler
from mcpsecurity_webclient.chat.models import User
from mcpsecurity_webclient.chat.requests.deadlines import WaitingTime
from mcpsecurity_webclient.chat.requests.elicitation import ElicitationCoordinator
from mcpsecurity_webclient.chat.requests.pending_requests import Remembered, RequestLog, State
from mcpsecurity_webclient.chat.requests.sampling import SamplingRequests
from mcpsecurity_webclient.chat.state import ConversationState
from mcpsecurity_webclient.errors import (
    AlreadyDecidedError,
    RequestEndedError,
    RequestExpiredError,
    UnknownRequestError,
)

LATE = pytest.mark.parametrize(
    ("state", "error"),
    [("answered", AlreadyDecidedError), ("expired", RequestExpiredError), ("ended", RequestEndedError)],
)


class _Conversation:
    """The requests of one conversation; `told` has the events that its pages got."""

    def __init__(self) -> None:
        self.state = ConversationState(chat_id="c", user=User("Alice", "alice"), created_at=0, updated_at=0)
        self.told: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        model: Any = SimpleNamespace(title="Model", service=None, window=8_192)
        time, log = WaitingTime(60, 100), RequestLog()
        self.questions = ElicitationCoordinator(self.state, self.publish, log, time_to_answer=time)
        sampler = ModelSampler(lambda: model, ContextUse())
        self.samplings = SamplingRequests(
            sampler, self.state, self.publish, log, time_to_answer=time, clock=lambda: 0.0
        )

    def publish(self, name: str, payload: Any) -> None:
        self.told.put_nowait((name, payload))


@LATE
def test_a_late_answer_is_told_what_became_of_the_question(state: State, error: type[Exception]) -> None:
    mine, other = _Conversation(), _Conversation()
    mine.questions.remember("a", state)
    with pytest.raises(error):
        mine.questions.answer("a", "accept", {})
    with pytest.raises(UnknownRequestError):
        other.questions.answer("a", "accept", {})


@LATE
def test_a_late_decision_is_told_what_became_of_the_request(state: State, error: type[Exception]) -> None:
    mine, other = _Conversation(), _Conversation()
    mine.samplings.remember("a", state)
    with pytest.raises(error):
        mine.samplings.decide("a", approve=True)
    with pytest.raises(UnknownRequestError):
        other.samplings.decide("a", approve=True)


def test_requests_of_an_earlier_process_have_ended_and_the_pages_are_told_of_open_ones() -> None:
    mine = _Conversation()
    found = [
        Remembered("elicitation", "open", "open"),
        Remembered("elicitation", "answered", "answered"),
        Remembered("sampling", "asked", "open"),
    ]
    for requests in (mine.questions, mine.samplings):
        requests.end_earlier(found, mine.publish)
    question = {"elicitation_id": "open", "action": "cancel", "by": "restart"}
    assert mine.told.get_nowait() == ("elicitation.resolved", question)
    assert mine.told.get_nowait() == ("sampling.resolved", {"sampling_id": "asked", "decision": "decline"})
    assert mine.told.empty()
    with pytest.raises(RequestEndedError):
        mine.questions.answer("open", "accept", {})
    with pytest.raises(AlreadyDecidedError):
        mine.questions.answer("answered", "accept", {})
    with pytest.raises(RequestEndedError):
        mine.samplings.decide("asked", approve=True)


@pytest.mark.parametrize(("leaving", "error"), [(True, RequestEndedError), (False, AlreadyDecidedError)])
async def test_a_request_that_is_cut_off_with_the_process_has_ended_and_was_not_decided(
    leaving: bool, error: type[Exception]
) -> None:
    mine = _Conversation()
    mine.state.leaving = leaving
    content = types.TextContent(type="text", text="hello")
    params = types.CreateMessageRequestParams(
        messages=[types.SamplingMessage(role="user", content=content)], maxTokens=5
    )
    context: Any = None
    asked = asyncio.ensure_future(mine.samplings.callback("server")(context, params))
    sampling = (await mine.told.get())[1]["sampling"]
    asked.cancel()
    await asyncio.wait([asked])
    assert (await mine.told.get())[1]["decision"] == "decline"
    with pytest.raises(error):
        mine.samplings.decide(sampling["sampling_id"], approve=True)
