"""What the model's endpoint refuses is explained to the person; the log has no word of the conversation."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.webclient.conftest import NewPerson, ServeWeb
from tests.webclient.scripted_chat import ask, run
from tests.webclient.scripted_model import ScriptedModel, chunk
from tests.webclient.visitor import Visitor


@pytest.fixture
async def visitor(scripted_visitor: Visitor) -> Visitor:
    return scripted_visitor


async def _filtered(_: web.Request) -> web.StreamResponse:
    inner = {"code": "ResponsibleAIPolicyViolation"}
    error = {"code": "content_filter", "message": "The response was filtered", "innererror": inner}
    return web.json_response({"error": error}, status=400)


async def test_a_message_that_the_filter_refused_is_marked_and_left_out(
    model: ScriptedModel, model_url: str, serve_web: ServeWeb, visitors: NewPerson, tmp_path: Path
) -> None:
    database = f"sqlite:///{tmp_path / 'chats.db'}"
    async with serve_web(azure_openai_endpoint=model_url, model_api="chat", database_url=database) as url:
        visitor = await visitors(url=url).sign_in()
        await ask(visitor, "first")
        model.turns.append(_filtered)
        async with visitor.stream() as stream:
            await visitor.ask("something bad")
            left_out = await stream.until("message.left_out")
            done = await stream.until("run.done")
        assert (done["error"]["code"], done["error"]["retryable"]) == ("content_filter", False)
        marked = (await visitor.snapshot())["messages"][-1]
        assert (marked["left_out"], marked["message_id"]) == ("content_filter", left_out["message_id"])
        await ask(visitor, "something good")
        assert [m["content"] for m in model.last[1:]] == ["first", "Done.", "something good"]
    async with serve_web(azure_openai_endpoint=model_url, model_api="chat", database_url=database) as url:
        again = await visitors(visitor.user, url).sign_in()
        await again.open(f"/chats/{visitor.chat_id}")
        assert [m.get("left_out") for m in (await again.snapshot())["messages"] if m["role"] == "user"] == [
            None, "content_filter", None,
        ]  # fmt: skip
        await ask(again, "more")
        assert "something bad" not in json.dumps(model.last)


async def test_a_refused_message_that_is_asked_again_is_sent_again(
    visitor: Visitor, model: ScriptedModel
) -> None:
    model.turns.append(_filtered)
    await ask(visitor, "perhaps bad")
    await run(visitor, "retry")
    assert [m["content"] for m in model.last[1:]] == ["perhaps bad"]
    assert "left_out" not in (await visitor.snapshot())["messages"][0]


async def test_a_message_whose_whole_answer_the_filter_held_back_is_left_out(
    visitor: Visitor, model: ScriptedModel
) -> None:
    """How Gemini says that it refused the messages: there is no text, by LiteLLM and its own endpoint."""
    await ask(visitor, "first")
    model.turns.append([chunk({}, "content_filter")])
    assert (await ask(visitor, "something bad"))["status"] == "completed"
    question, answer = (await visitor.snapshot())["messages"][-2:]
    assert (question["left_out"], answer["finish_reason"]) == ("content_filter", "content_filter")
    await ask(visitor, "something good")
    assert [m["content"] for m in model.last[1:]] == ["first", "Done.", "something good"]


async def test_a_message_whose_answer_the_filter_ended_is_still_sent(
    visitor: Visitor, model: ScriptedModel
) -> None:
    model.turns.append([chunk({"content": "Once"}), chunk({}, "content_filter")])
    await ask(visitor, "perhaps bad")
    await ask(visitor, "go on")
    assert [m["content"] for m in model.last[1:]] == ["perhaps bad", "Once", "go on"]


def _refuses(status: int, error: Any, **headers: str) -> Any:
    async def handle(_: web.Request) -> web.StreamResponse:
        return web.json_response({"error": error}, status=status, headers=headers)

    return handle


async def test_a_failed_run_is_logged_with_what_the_endpoint_says_and_no_word_of_the_conversation(
    visitor: Visitor, model: ScriptedModel, caplog: pytest.LogCaptureFixture
) -> None:
    message = (
        "Invalid 'messages[1].content':\nmy secret is hunter2 is not\u2028allowed 'hunter2' " + "x" * 9000
    )
    error = {"code": "invalid_value", "type": "invalid_request_error", "message": message}
    model.turns.append(_refuses(400, error, **{"x-request-id": "req-7"}))
    with caplog.at_level(logging.WARNING, "mcpsecurity_webclient.chat.agent.runs"):
        done = await ask(visitor, "my secret is hunter2")
    assert done["error"]["retryable"] is False
    assert "hunter2" not in done["error"]["message"]
    (line,) = [r.getMessage() for r in caplog.records if r.name == "mcpsecurity_webclient.chat.agent.runs"]
    assert line.startswith(
        "run failed: model_error, status 400, code invalid_value, type invalid_request_error, request req-7: "
        "Invalid 'messages[1].content':"
    )
    assert line.isascii()
    assert line.isprintable()
    assert len(line) < 600
    for word in ("secret", "hunter2"):
        assert word not in line


@pytest.mark.parametrize(
    ("status", "error", "headers", "code", "retryable", "words"),
    [
        (404, {"code": "DeploymentNotFound", "message": "The API deployment does not exist."}, {},
         "model_not_found", True, "deployment does not exist"),
        (404, {"code": "404", "message": "Resource not found"}, {}, "model_not_found", True, "the address"),
        (403, {"code": "403", "message": "Access denied due to Virtual Network/Firewall rules."}, {},
         "model_forbidden", True, "network does not let"),
        (403, {"code": "PermissionDenied", "message": "no"}, {}, "model_unauthorized", True, "credentials"),
        (429, {"type": "insufficient_quota", "message": "no"}, {}, "model_quota", True, "quota"),
        (429, {"message": "no"}, {"retry-after-ms": "1500"}, "model_busy", True, "in 2 seconds"),
        (429, {"message": "no"}, {"Retry-After": "0.5"}, "model_busy", True, "in 1 second."),
        (429, {"message": "no"}, {"Retry-After": "86400"}, "model_busy", True, "in 24 hours"),
        (429, {"message": "no"}, {"Retry-After": "nan"}, "model_busy", True, "is busy."),
        (400, {"type": "exceed_context_size_error", "message": "x"}, {}, "too_long", False, "write less"),
        (400, {"message": "This model's maximum context length is 8 tokens"}, {}, "too_long", False, "less"),
        (413, "too large", {}, "too_long", False, "write less"),
        (422, ["odd"], {}, "model_error", False, "(422)"),
        (400, None, {}, "model_error", False, "(400)"),
    ],
)  # fmt: skip
async def test_a_refusal_says_what_is_wrong_and_what_may_be_mended_can_be_tried_again(
    visitor: Visitor, model: ScriptedModel, status: int, error: Any, headers: dict[str, str], code: str,
    retryable: bool, words: str,
) -> None:  # fmt: skip
    model.turns.append(_refuses(status, error, **headers))
    told = (await ask(visitor))["error"]
    assert (told["code"], told["retryable"]) == (code, retryable)
    assert words in told["message"]
    assert told.get("retry_after", 0) <= 3600
