"""However the model's answer ends, the person is told how, and the conversation goes on."""

import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.browser.stack import Service
from tests.webclient.conftest import NewPerson, ServeWeb
from tests.webclient.scripted_model import ScriptedModel, calls, chunk, says
from tests.webclient.visitor import Visitor


@pytest.fixture
async def model() -> AsyncIterator[ScriptedModel]:
    model = ScriptedModel()
    yield model
    assert model.refused == [], "Azure OpenAI would have taken every request"


@pytest.fixture
async def model_url(model: ScriptedModel) -> AsyncIterator[str]:
    service = Service(model.app)
    await service.start()
    yield f"http://localhost:{service.port}"
    await service.stop()


@pytest.fixture
async def visitor(model_url: str, serve_web: ServeWeb, visitors: NewPerson) -> AsyncIterator[Visitor]:
    """Somebody who never was here before, at a chat with the scripted model."""
    async with serve_web(azure_openai_endpoint=model_url, model_api="chat") as url:
        yield await visitors(url=url).sign_in()


async def ask(visitor: Visitor, text: str = "hello") -> dict[str, Any]:
    async with visitor.stream() as stream:
        await visitor.ask(text)
        return await stream.until("run.done")


async def ask_and_approve(visitor: Visitor, text: str = "hello") -> tuple[dict[str, Any], dict[str, Any]]:
    """Ask, approve the one call that is proposed, and return it as it ended, and the end of the run."""
    async with visitor.stream() as stream:
        await visitor.ask(text)
        await visitor.decide((await stream.until("tool.proposed"))["call"], "approve")
        done = await stream.until("run.done")
    return (await visitor.snapshot())["calls"][-1], done


async def run(visitor: Visitor, command: str) -> dict[str, Any]:
    async with visitor.stream() as stream:
        answer = await visitor.command(command)
        assert answer.status == 202, answer.body
        return await stream.until("run.done")


async def answer(visitor: Visitor) -> tuple[str, str | None]:
    last = (await visitor.snapshot())["messages"][-1]
    assert last["role"] == "assistant"
    return last["text"], last.get("finish_reason")


async def function_named(visitor: Visitor, model: ScriptedModel, name: str) -> str:
    """Return what the model calls a tool."""
    await ask(visitor)
    names: list[str] = [tool["function"]["name"] for tool in model.asked[-1]["tools"]]
    return next(found for found in names if found.endswith(name))


NO_JSON = b"data: {oops\n\n"
HALF = b'data: {"choices":[{"index":0,"delta":{"content":"ok \\ud83d"}}]}\n\n'
OTHER_HALF = b'data: {"choices":[{"index":0,"delta":{"content":"\\ude00"}}]}\n\n'
REFUSAL = [
    chunk({"content": None, "refusal": ""}),
    chunk({"refusal": "I can't"}),
    chunk({"refusal": " do it."}),
]


@pytest.mark.parametrize(
    ("turn", "text", "reason"),
    [
        (says("", "content_filter"), "", "content_filter"),
        (says("Once", "content_filter"), "Once", "content_filter"),
        (says("", "length"), "", "length"),
        (says("Once", "length"), "Once", "length"),
        ([*REFUSAL, chunk({}, "stop")], "I can't do it.", "refusal"),
        ([chunk({"content": "Well."}), *REFUSAL, chunk({}, "stop")], "Well.\n\nI can't do it.", "refusal"),
        ([chunk({}, "stop") | {"choices": [{"message": {"refusal": "No."}}]}], "No.", "refusal"),
        (says(""), "", "empty"),
        (says(" \n"), " \n", "empty"),
        ([], "", "empty"),
        (says("hello", "eos"), "hello", "eos"),
        (says("hello", ""), "hello", "stop"),
        (says("hello", None), "hello", "stop"),
        (says("hello", "tool_calls"), "hello", "stop"),
        ([chunk({"content": "a"}), NO_JSON, chunk({"content": "b"}), chunk({}, "stop")], "ab", "unreadable"),
        ([HALF, OTHER_HALF, chunk({}, "stop")], "ok 😀", "stop"),
        ([HALF, chunk({}, "stop")], "ok \ufffd", "stop"),
    ],
)
async def test_an_answer_is_kept_with_the_reason_for_its_end(
    visitor: Visitor, model: ScriptedModel, turn: list[Any], text: str, reason: str
) -> None:
    model.turns.append(turn)
    done = await ask(visitor)
    assert done["status"] == "completed"
    assert await answer(visitor) == (text, reason)
    await ask(visitor, "and then?")
    assert await answer(visitor) == ("Done.", "stop")
    said = [m["content"] for m in model.last if m["role"] == "assistant"]
    assert said == ([text] if text.strip() else []), "no empty turn is sent"


async def _html(_: web.Request) -> web.StreamResponse:
    return web.Response(text="<html>gateway</html>", content_type="text/html")


async def _whole(_: web.Request) -> web.StreamResponse:
    message = {"role": "assistant", "content": "not streamed"}
    return web.json_response({"object": "chat.completion", "choices": [{"message": message}]})


async def _nothing(_: web.Request) -> web.StreamResponse:
    return web.Response(content_type="text/event-stream")


def _ends_with(*parts: Any) -> Any:
    async def handle(request: web.Request) -> web.StreamResponse:
        text = "".join(f"data: {json.dumps(part)}\n\n" for part in parts)
        return web.Response(text=text, content_type="text/event-stream")

    return handle


@pytest.mark.parametrize(
    ("turn", "code", "text", "reason"),
    [
        (_html, "model_not_a_stream", None, None),
        (_whole, "model_not_a_stream", None, None),
        ([NO_JSON], "model_not_a_stream", None, None),
        (_nothing, "model_broke_off", None, None),
        (_ends_with(chunk({"content": "Once"})), "model_broke_off", "Once", "broken_off"),
        ([chunk({"content": "Once"}), ConnectionError()], "model_broke_off", "Once", "broken_off"),
        ([chunk({"content": "Once"}), {"error": {"code": "x"}}], "model_error", "Once", "broken_off"),
        ([chunk({"content": "Once"}), {"error": "overloaded"}], "model_error", "Once", "broken_off"),
        (
            [chunk({"content": "Once"}), {"error": {"code": "content_filter"}}],
            "content_filter", "Once", "content_filter",
        ),
        ([{"error": {"code": "rate_limit_exceeded"}}], "model_busy", None, None),
    ],
)  # fmt: skip
async def test_an_answer_that_fails_keeps_its_text_and_can_be_tried_again(
    visitor: Visitor, model: ScriptedModel, turn: Any, code: str, text: str | None, reason: str | None
) -> None:
    model.turns.append(turn)
    done = await ask(visitor)
    assert (done["status"], done["error"]["code"], done["error"]["retryable"]) == ("failed", code, True)
    messages = (await visitor.snapshot())["messages"]
    assert [(m["text"], m["finish_reason"]) for m in messages[1:]] == ([(text, reason)] if text else [])
    assert (await run(visitor, "retry"))["status"] == "completed"
    assert await answer(visitor) == ("Done.", "stop")
    assert [m["role"] for m in model.last] == ["system", "user"]


ODD_CALLS = [
    ("a", "multi_tool_use.parallel", '{"tool_uses": []}'),
    ("a", "functions.Tools-now", "{}"),
    (None, "", "{}"),
    ("x" * 60, "no such tool", None),
]


async def test_calls_of_no_tool_are_answered_to_the_model_and_not_shown(
    visitor: Visitor, model: ScriptedModel
) -> None:
    model.turns.append(calls(*ODD_CALLS))
    async with visitor.stream() as stream:
        await visitor.ask("hello")
        assert (await stream.until("run.done"))["status"] == "completed"
    assert "tool.proposed" not in stream.names
    told = [m["content"] for m in model.last if m["role"] == "tool"]
    assert len(told) == len(ODD_CALLS)
    assert "there is no tool 'multi_tool_use.parallel'" in told[0]
    ids = [c["id"] for m in model.last for c in m.get("tool_calls") or []]
    assert len(set(ids)) == len(ODD_CALLS)
    assert max(map(len, ids)) <= 40
    snapshot = await visitor.snapshot()
    assert [m["text"] for m in snapshot["messages"]] == ["hello", "Done."]
    assert snapshot["calls"] == []


@pytest.mark.parametrize("arguments", ["[]", "7", '"x"', "{", '{"min": NaN}', '{"min": 1'])
async def test_arguments_that_are_no_object_are_answered_to_the_model_and_not_shown(
    visitor: Visitor, model: ScriptedModel, arguments: str
) -> None:
    name = await function_named(visitor, model, "get_random_number")
    model.turns.append(calls(("a", name, arguments)))
    async with visitor.stream() as stream:
        await visitor.ask("hello")
        await stream.until("run.done")
    assert "tool.proposed" not in stream.names
    assert "this call was not made" in model.last[-1]["content"]
    assert [c["function"]["arguments"] for m in model.last for c in m.get("tool_calls") or []] == ["{}"]


@pytest.mark.parametrize("arguments", ["", None, "null", " ", "{}"])
async def test_no_arguments_are_none(visitor: Visitor, model: ScriptedModel, arguments: str | None) -> None:
    name = await function_named(visitor, model, "get_current_date_time")
    model.turns.append(calls(("a", name, arguments)))
    call, _ = await ask_and_approve(visitor)
    assert (call["arguments"], call["status"]) == ({}, "done")
    assert [c["function"]["arguments"] for m in model.last for c in m.get("tool_calls") or []] == ["{}"]


@pytest.mark.parametrize("arguments", ["", '{"min": 1'])
async def test_a_call_that_was_cut_off_is_not_made(
    visitor: Visitor, model: ScriptedModel, arguments: str
) -> None:
    name = await function_named(visitor, model, "get_random_number")
    model.turns.append(calls(("a", name, arguments), finish="length"))
    async with visitor.stream() as stream:
        await visitor.ask("hello")
        await stream.until("run.done")
    assert "tool.proposed" not in stream.names
    assert "cut off" in model.last[-1]["content"]


async def test_the_same_id_in_two_answers_is_made_another(visitor: Visitor, model: ScriptedModel) -> None:
    name = await function_named(visitor, model, "get_current_date_time")
    for _ in range(2):
        model.turns.append(calls(("same", name, "{}"), ("same", "unknown", "{}")))
        await ask_and_approve(visitor)
    made = [c["id"] for m in model.last for c in m.get("tool_calls") or []]
    answered = [m["tool_call_id"] for m in model.last if m["role"] == "tool"]
    assert len(set(made)) == 4
    assert sorted(made) == sorted(answered)


async def test_trying_again_goes_on_from_the_result_of_a_tool(visitor: Visitor, model: ScriptedModel) -> None:
    name = await function_named(visitor, model, "get_random_number")
    model.turns += [calls(("a", name, '{"min": 3, "max": 4}')), [chunk({"content": "It"}), ConnectionError()]]
    _, done = await ask_and_approve(visitor, "a number")
    assert done["status"] == "failed"
    async with visitor.stream() as stream:
        await visitor.command("retry")
        started = await stream.until("run.started")
        assert (await stream.until("run.done"))["status"] == "completed"
    assert "tool.started" not in stream.names
    assert [m["role"] for m in model.last[-3:]] == ["user", "assistant", "tool"]
    messages = (await visitor.snapshot())["messages"][-3:]
    assert [(m["role"], m["text"], len(m["calls"])) for m in messages] == [
        ("user", "a number", 0), ("assistant", "", 1), ("assistant", "Done.", 0),
    ]  # fmt: skip
    assert started["after"] == messages[1]["message_id"]


async def test_trying_again_asks_again_for_a_call_that_was_never_made(
    visitor: Visitor, model: ScriptedModel
) -> None:
    name = await function_named(visitor, model, "get_random_number")
    model.turns.append(calls(("a", name, "{}")))
    async with visitor.stream() as stream:
        run_id = await visitor.ask("a number")
        await stream.until("tool.proposed")
        await visitor.command(f"runs/{run_id}/stop")
        assert (await stream.until("run.done"))["status"] == "stopped"
        model.turns.append(calls(("a", name, "{}")))
        await visitor.command("retry")
        call = (await stream.until("tool.proposed"))["call"]
        await visitor.decide(call, "decline")
        await stream.until("run.done")
        await visitor.command("retry")
        assert (await stream.until("run.done"))["status"] == "completed"
    assert stream.names.count("tool.proposed") == 2, "what the person declined is not asked for again"


@pytest.mark.parametrize(
    "cut", [says("Once upon", "length"), [chunk({"content": "Once upon"}), ConnectionError()]]
)
async def test_an_answer_that_was_cut_off_is_gone_on_with(
    visitor: Visitor, model: ScriptedModel, cut: list[Any]
) -> None:
    model.turns += [cut, [ConnectionError()], says(" a time.")]
    await ask(visitor, "a story")
    assert (await run(visitor, "continue"))["status"] == "failed"
    assert (await run(visitor, "continue"))["status"] == "completed"
    assert [m["role"] for m in model.last] == ["system", "user", "assistant", "user"]
    assert [m["text"] for m in (await visitor.snapshot())["messages"]] == ["a story", "Once upon", " a time."]
    assert (await visitor.command("continue")).status == 409
    await run(visitor, "retry")
    assert [m["text"] for m in (await visitor.snapshot())["messages"]] == ["a story", "Done."]


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
         "model_not_found", False, "deployment does not exist"),
        (404, {"code": "404", "message": "Resource not found"}, {}, "model_not_found", False, "the address"),
        (403, {"code": "403", "message": "Access denied due to Virtual Network/Firewall rules."}, {},
         "model_forbidden", False, "network does not let"),
        (403, {"code": "PermissionDenied", "message": "no"}, {}, "model_unauthorized", False, "credentials"),
        (429, {"type": "insufficient_quota", "message": "no"}, {}, "model_quota", False, "quota"),
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
async def test_a_refusal_says_what_is_wrong_and_only_what_may_pass_can_be_tried_again(
    visitor: Visitor, model: ScriptedModel, status: int, error: Any, headers: dict[str, str], code: str,
    retryable: bool, words: str,
) -> None:  # fmt: skip
    model.turns.append(_refuses(status, error, **headers))
    told = (await ask(visitor))["error"]
    assert (told["code"], told["retryable"]) == (code, retryable)
    assert words in told["message"]
    assert told.get("retry_after", 0) <= 3600
