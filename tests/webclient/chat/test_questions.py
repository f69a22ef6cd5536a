"""Servers' questions reach the person whose call raised them, and her answer is taken once."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from mcp import types
from semantic_kernel.contents import AuthorRole, ChatMessageContent, FinishReason
from tests.browser.stack import Service, Stack
from tests.webclient.conftest import NewPerson, ServeWeb
from tests.webclient.events import EventStream
from tests.webclient.scripted_model import ScriptedModel, calls, says
from tests.webclient.visitor import Answer, Visitor

from mcpsecurity.kernel.context import ContextUse
from mcpsecurity_webclient.chat.agent.sampling import ModelSampler
from mcpsecurity_webclient.chat.models import User
from mcpsecurity_webclient.chat.requests.deadlines import WaitingTime
from mcpsecurity_webclient.chat.requests.pending_requests import RequestLog
from mcpsecurity_webclient.chat.requests.sampling import SamplingRequests
from mcpsecurity_webclient.chat.state import ConversationState

GOOD: dict[str, Any] = {
    "name": "Alice", "born": "2001-02-03", "children": 2, "terms": True, "size": "l", "hobbies": ["chess"],
}  # fmt: skip


@pytest.fixture
async def stream(visitor: Visitor) -> AsyncIterator[EventStream]:
    await visitor.command("mode", {"mode": "elicitation"})
    async with visitor.stream() as stream:
        yield stream


async def _asked(visitor: Visitor, stream: EventStream, text: str = "Fill in the survey") -> dict[str, Any]:
    await visitor.ask(text)
    asked: dict[str, Any] = (await stream.until("elicitation.requested"))["elicitation"]
    return asked


async def _answer(visitor: Visitor, asked: dict[str, Any], action: str, content: Any = None) -> Answer:
    body = {"action": action} | ({"content": content} if content is not None else {})
    return await visitor.command(f"elicitations/{asked['elicitation_id']}", body)


async def test_a_form_is_shown_with_its_server_and_its_answer_arrives_in_json_types(
    visitor: Visitor, stream: EventStream, stack: Stack
) -> None:
    asked = await _asked(visitor, stream)
    assert (asked["server"], asked["mode"]) == ("playground", "form")
    assert asked["message"] == "Please take part in our survey."
    assert (await visitor.snapshot())["elicitations"] == [asked]
    call = (await visitor.snapshot())["calls"][0]
    assert asked["call_id"] == call["call_id"]
    assert (await _answer(visitor, asked, "accept", GOOD)).status == 202
    resolved = await stream.until("elicitation.resolved")
    assert (resolved["action"], resolved["by"]) == ("accept", "user")
    assert "content" not in resolved
    await stream.until("run.done")
    [answer] = stack.playground.answers
    assert answer.content is not None
    assert GOOD.items() <= answer.content.items()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"children": 21}, "children"), ({"children": "2"}, "children"), ({"born": "yesterday"}, "born"),
        ({"size": "xl"}, "size"), ({"hobbies": []}, "hobbies"), ({"name": "A"}, "name"),
        ({"email": "nobody"}, "email"), ({"unknown": 1}, "unknown"), ({"terms": "yes"}, "terms"),
    ],
)  # fmt: skip
async def test_a_forged_answer_is_refused_by_field_and_the_form_stays_open(
    visitor: Visitor, stream: EventStream, stack: Stack, change: dict[str, Any], field: str
) -> None:
    asked = await _asked(visitor, stream)
    answer = await _answer(visitor, asked, "accept", GOOD | change)
    assert (answer.status, list(answer.error["fields"])) == (422, [field])
    assert stack.playground.answers == []
    assert (await _answer(visitor, asked, "cancel")).status == 202
    await stream.until("run.done")


@pytest.mark.parametrize("action", ["decline", "cancel"])
async def test_no_and_not_now_are_two_answers_without_content(
    visitor: Visitor, stream: EventStream, stack: Stack, action: str
) -> None:
    asked = await _asked(visitor, stream)
    assert (await _answer(visitor, asked, action, GOOD)).status == 202
    assert (await stream.until("elicitation.resolved"))["action"] == action
    await stream.until("run.done")
    [answer] = stack.playground.answers
    assert (answer.action, answer.content) == (action, None)


async def test_the_first_answer_wins_and_the_second_is_told(visitor: Visitor, stream: EventStream) -> None:
    asked = await _asked(visitor, stream)
    answers = await asyncio.gather(*(_answer(visitor, asked, "decline") for _ in range(5)))
    assert sorted(a.status for a in answers) == [202, 409, 409, 409, 409]
    await stream.until("run.done")
    assert (await _answer(visitor, asked, "accept", GOOD)).status == 409


async def test_nobody_else_can_answer(visitors: NewPerson, visitor: Visitor, stream: EventStream) -> None:
    asked = await _asked(visitor, stream)
    other = await visitors().sign_in()
    async with other.stream() as theirs:
        assert (await theirs.until("snapshot"))["elicitations"] == []
        assert (await _answer(other, asked, "accept", GOOD)).status == 404
    chat = visitor.chat_id
    await visitor.new_chat()
    assert (await _answer(visitor, asked, "accept", GOOD)).status == 404, "nor from another conversation"
    await visitor.open(f"/chats/{chat}")
    assert (await _answer(visitor, asked, "accept", GOOD)).status == 202
    await stream.until("run.done")


async def test_nobodys_silence_is_a_yes(visitors: NewPerson, serve_web: ServeWeb, stack: Stack) -> None:
    async with serve_web(elicitation_timeout=0.3) as url:
        visitor = await visitors(url=url).sign_in()
        await visitor.command("mode", {"mode": "elicitation"})
        async with visitor.stream() as stream:
            asked = await _asked(visitor, stream)
            resolved = await stream.until("elicitation.resolved")
            assert (resolved["action"], resolved["by"]) == ("expired", "timeout")
            await stream.until("run.done")
            assert (await _answer(visitor, asked, "accept", GOOD)).status == 410
        assert [a.action for a in stack.playground.answers] == ["cancel"]


async def test_stopping_withdraws_the_question(visitor: Visitor, stream: EventStream) -> None:
    run = await visitor.ask("Fill in the survey")
    asked = (await stream.until("elicitation.requested"))["elicitation"]
    assert (await visitor.command(f"runs/{run}/stop")).status == 202
    resolved = await stream.until("elicitation.resolved")
    assert (resolved["action"], resolved["by"]) == ("cancel", "stop")
    assert (await visitor.snapshot())["elicitations"] == []
    assert (await _answer(visitor, asked, "accept", GOOD)).status == 409


async def test_two_questions_of_one_tool_are_open_side_by_side(visitor: Visitor, stream: EventStream) -> None:
    await visitor.ask("Hold an interview")
    first = (await stream.until("elicitation.requested"))["elicitation"]
    second = (await stream.until("elicitation.requested"))["elicitation"]
    assert len((await visitor.snapshot())["elicitations"]) == 2
    await _answer(visitor, second, "accept", {})
    await _answer(visitor, first, "decline")
    done = await stream.until("tool.done")
    assert done["content"][0]["text"] == "decline: [] and accept: []"


async def test_a_form_without_fields_is_answered(visitor: Visitor, stream: EventStream, stack: Stack) -> None:
    asked = await _asked(visitor, stream, "Do a handshake")
    assert asked["fields"] == []
    await _answer(visitor, asked, "accept")
    await stream.until("run.done")
    assert [a.action for a in stack.playground.answers] == ["accept"]


async def test_an_address_is_shown_in_full_with_warnings_and_never_visited(
    visitor: Visitor, stream: EventStream, stack: Stack
) -> None:
    stack.playground.visit_url = "http://xn--pple-43d.com/login?x=1"
    asked = await _asked(visitor, stream, "Request a visa")
    assert (asked["mode"], asked["url"]) == ("url", stack.playground.visit_url)
    assert asked["host"] == "xn--pple-43d.com"
    assert len(asked["warnings"]) >= 2
    await _answer(visitor, asked, "accept", {"forged": True})
    await stream.until("run.done")
    [answer] = stack.playground.answers
    assert (answer.action, answer.content) == ("accept", None)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "file:///etc/passwd", "https://"])
async def test_an_address_nobody_should_open_is_not_even_asked_about(
    visitor: Visitor, stream: EventStream, stack: Stack, url: str
) -> None:
    stack.playground.visit_url = url
    await visitor.ask("Request a visa")
    done = await stream.until("tool.done")
    assert done["status"] == "failed"
    assert "elicitation.requested" not in stream.names


async def test_sampling_is_off_unless_it_is_configured(visitor: Visitor, stream: EventStream) -> None:
    await visitor.ask("Compose a poem")
    assert (await stream.until("tool.done"))["status"] == "failed"
    assert "sampling.requested" not in stream.names


async def _poem(visitors: NewPerson, url: str) -> tuple[Visitor, Any]:
    visitor = await visitors(url=url).sign_in()
    await visitor.command("mode", {"mode": "elicitation"})
    return visitor, visitor.stream()


async def test_sampling_is_shown_approved_and_answered_by_the_model(
    visitors: NewPerson, serve_web: ServeWeb
) -> None:
    async with serve_web(sampling=True) as url:
        visitor, opened = await _poem(visitors, url)
        async with opened as stream:
            await visitor.ask("Compose a poem")
            sampling = (await stream.until("sampling.requested"))["sampling"]
            assert (sampling["server"], sampling["max_tokens"]) == ("playground", 50)
            assert sampling["messages"][0]["text"] == "[image of type image/png, which the model cannot see]"
            assert sampling["messages"][1]["text"].startswith("hello ")
            assert (await visitor.snapshot())["samplings"] == [sampling]
            path = f"samplings/{sampling['sampling_id']}"
            assert (await visitor.command(path, {"decision": "approve"})).status == 202
            assert (await stream.until("sampling.resolved"))["decision"] == "approve"
            done = await stream.until("tool.done")
            assert done["content"][0]["text"] == "Poem: text"
            assert (await visitor.command(path, {"decision": "decline"})).status == 409


class _Says:
    """A model that says one thing."""

    def __init__(self, text: str, finish: FinishReason) -> None:
        self._answer = ChatMessageContent(role=AuthorRole.ASSISTANT, content=text, finish_reason=finish)

    async def get_chat_message_content(self, _history: Any, _settings: Any) -> ChatMessageContent:
        return self._answer


@pytest.mark.parametrize(
    ("said", "finish", "expected"),
    [
        ("yes", FinishReason.STOP, "endTurn"),
        ("ye", FinishReason.LENGTH, "maxTokens"),
        ("y", FinishReason.CONTENT_FILTER, "contentFilter"),
        ("", FinishReason.CONTENT_FILTER, "The model gave no answer"),
    ],
)
async def test_a_server_is_told_how_the_models_answer_ended(
    said: str, finish: FinishReason, expected: str
) -> None:
    told: asyncio.Queue[Any] = asyncio.Queue()
    model: Any = SimpleNamespace(title="Model", service=_Says(said, finish), window=8_192)
    requests = SamplingRequests(
        ModelSampler(lambda: model, ContextUse()),
        ConversationState(chat_id="c", user=User("Alice", "alice"), created_at=0, updated_at=0),
        lambda _, payload: told.put_nowait(payload),
        RequestLog(),
        time_to_answer=WaitingTime(60, 100),
        clock=time.time,
    )
    hello = types.SamplingMessage(role="user", content=types.TextContent(type="text", text="hello"))
    params = types.CreateMessageRequestParams(messages=[hello], maxTokens=5)
    context: Any = None
    asked = asyncio.ensure_future(requests.callback("server")(context, params))
    requests.decide((await told.get())["sampling"]["sampling_id"], approve=True)
    result = await asked
    assert expected == (result.message if isinstance(result, types.ErrorData) else result.stopReason)


async def test_declined_sampling_does_not_reach_the_model(
    visitors: NewPerson, serve_web: ServeWeb, stack: Stack
) -> None:
    async with serve_web(sampling=True) as url:
        visitor, opened = await _poem(visitors, url)
        async with opened as stream:
            await visitor.ask("Compose a poem")
            sampling = (await stream.until("sampling.requested"))["sampling"]
            before = stack.model.requests
            path = f"samplings/{sampling['sampling_id']}"
            await visitor.command(path, {"decision": "decline"})
            assert (await stream.until("tool.done"))["status"] == "failed"
            await stream.until("run.done")
            assert stack.model.requests == before + 1, "only the run's own"


async def test_sampling_that_nobody_approves_is_declined(visitors: NewPerson, serve_web: ServeWeb) -> None:
    async with serve_web(sampling=True, approval_timeout=0.3) as url:
        visitor, opened = await _poem(visitors, url)
        async with opened as stream:
            await visitor.ask("Compose a poem")
            sampling = (await stream.until("sampling.requested"))["sampling"]
            assert (await stream.until("sampling.resolved"))["decision"] == "decline"
            path = f"samplings/{sampling['sampling_id']}"
            assert (await visitor.command(path, {"decision": "approve"})).status == 410


async def _sampled(
    visitors: NewPerson, serve_web: ServeWeb, turn: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Let a server ask the model, which takes this turn; return the request and how the call ended."""
    model = ScriptedModel()
    service = Service(model.app)
    await service.start()
    async with serve_web(
        sampling=True, azure_openai_endpoint=f"http://localhost:{service.port}", model_api="chat"
    ) as url:
        visitor, opened = await _poem(visitors, url)
        model.turns += [calls(("a", "playground-compose_poem", "{}")), turn]
        async with opened as stream:
            await visitor.ask("Compose a poem")
            sampling = (await stream.until("sampling.requested"))["sampling"]
            await visitor.command(f"samplings/{sampling['sampling_id']}", {"decision": "approve"})
            done = await stream.until("tool.done")
            await stream.until("run.done")
    await service.stop()
    assert model.refused == []
    return model.asked[1], done


@pytest.mark.parametrize(
    ("finish", "reason"), [("stop", "endTurn"), ("length", "maxTokens"), ("eos", "endTurn")]
)
async def test_sampling_asks_as_every_model_takes_it_and_says_why_the_answer_ended(
    visitors: NewPerson, serve_web: ServeWeb, stack: Stack, finish: str, reason: str
) -> None:
    stack.playground.sampled.clear()
    asked, _ = await _sampled(visitors, serve_web, says("Roses are", finish))
    assert (asked["max_completion_tokens"], "max_tokens" in asked, "tools" in asked) == (50, False, False)
    (result,) = stack.playground.sampled
    assert isinstance(result.content, types.TextContent)
    assert (result.content.text, result.stopReason) == ("Roses are", reason)


async def test_a_server_hears_what_the_person_would_when_the_model_fails(
    visitors: NewPerson, serve_web: ServeWeb, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(_: web.Request) -> web.StreamResponse:
        error = {"code": "odd", "message": "refused: hello <b>"}
        return web.json_response({"error": error}, status=400)

    with caplog.at_level(logging.WARNING, "mcpsecurity_webclient.chat.agent.sampling"):
        _, done = await _sampled(visitors, serve_web, fails)
    assert "The model does not take what this application sends (400)" in done["content"][0]["text"]
    (line,) = [
        r.getMessage() for r in caplog.records if r.name == "mcpsecurity_webclient.chat.agent.sampling"
    ]
    assert line.startswith("sampling failed: model_error, status 400, code odd: refused:")
