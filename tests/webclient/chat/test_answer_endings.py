"""However the model's answer ends, the person is told how, and the conversation goes on."""

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web
from tests.webclient.scripted_chat import answer, ask, ask_and_approve, function_named, run
from tests.webclient.scripted_model import ScriptedModel, calls, chunk, says
from tests.webclient.visitor import Visitor


@pytest.fixture
async def visitor(scripted_visitor: Visitor) -> Visitor:
    return scripted_visitor


NO_JSON = b"data: {oops\n\n"
HALF = b'data: {"choices":[{"index":0,"delta":{"content":"ok \\ud83d"}}]}\n\n'
OTHER_HALF = b'data: {"choices":[{"index":0,"delta":{"content":"\\ude00"}}]}\n\n'
REFUSAL = [
    chunk({"content": None, "refusal": ""}),
    chunk({"refusal": "I can't"}),
    chunk({"refusal": " do it."}),
]


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


def _json(value: Any) -> Any:
    async def handle(_: web.Request) -> web.StreamResponse:
        return web.json_response(value)

    return handle


async def test_text_that_turns_out_to_be_a_thought_is_taken_back(
    visitor: Visitor, model: ScriptedModel
) -> None:
    shown = asyncio.Event()

    async def thinks(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for part in (chunk({"content": "Let me **think**.\n\nHm."}), chunk({"content": "</think>\n\nYes."})):
            await response.write(f"data: {json.dumps(part)}\n\n".encode())
            await shown.wait()
        await response.write(f"data: {json.dumps(chunk({}, 'stop'))}\n\ndata: [DONE]\n\n".encode())
        return response

    model.turns.append(thinks)
    async with visitor.stream() as stream:
        await visitor.ask("hello")
        assert (await stream.until("message.delta"))["text"] == "Let me **think**.\n\nHm."
        shown.set()
        await stream.until("run.done")
    deltas = [event.data for event in stream.events if event.name == "message.delta"]
    assert [(d["offset"], d["text"], d["html"]) for d in deltas if d.get("reset")] == [(0, "", "")]
    assert await answer(visitor) == ("Yes.", "stop")
    await ask(visitor)
    assert [m["content"] for m in model.last if m["role"] == "assistant"] == ["Yes."]


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
        (says("\u00a0\u200b\ufeff"), "\u00a0\u200b\ufeff", "empty"),
        (_whole, "not streamed", "stop"),
        (_ends_with(chunk({"role": "assistant", "content": ""})), "", "empty"),
        (says("hello", "eos_token"), "hello", "stop"),
        (says("hello", "MAX_TOKENS"), "hello", "length"),
        (
            says("", "function_call_filter: MALFORMED_FUNCTION_CALL"),
            "",
            "function_call_filter: MALFORMED_FUNCTION_CALL",
        ),
        (says("hello", "abort"), "hello", "abort"),
        (says("hello", "RECITATION"), "hello", "content_filter"),
        (says("hello", "model_context_window_exceeded"), "hello", "length"),
        (says("hello", ""), "hello", "stop"),
        (says("hello", None), "hello", "stop"),
        (says("hello", "tool_calls"), "hello", "stop"),
        ([chunk({"content": "a"}), NO_JSON, chunk({"content": "b"}), chunk({}, "stop")], "ab", "unreadable"),
        ([HALF, OTHER_HALF, chunk({}, "stop")], "ok 😀", "stop"),
        ([HALF, chunk({}, "stop")], "ok \ufffd", "stop"),
    ],
)
async def test_an_answer_is_kept_with_the_reason_for_its_end(
    visitor: Visitor, model: ScriptedModel, turn: Any, text: str, reason: str
) -> None:
    model.turns.append(turn)
    done = await ask(visitor)
    assert done["status"] == "completed"
    assert await answer(visitor) == (text, reason)
    await ask(visitor, "and then?")
    assert await answer(visitor) == ("Done.", "stop")
    said = [m["content"] for m in model.last if m["role"] == "assistant"]
    assert said == ([text] if text.strip(" \n\u00a0\u200b\ufeff") else []), "no empty turn is sent"


@pytest.mark.parametrize(
    ("turn", "code", "text", "reason"),
    [
        (_html, "model_not_a_stream", None, None),
        (_json({"error": "Unexpected endpoint"}), "model_not_a_stream", None, None),
        ([NO_JSON], "model_not_a_stream", None, None),
        (_ends_with(chunk({"content": "Once"})), "model_broke_off", "Once", "broken_off"),
        ([chunk({"content": "Once"}), ConnectionError()], "model_broke_off", "Once", "broken_off"),
        ([chunk({"content": "Once"}), {"error": {"code": "x"}}], "model_error", "Once", "broken_off"),
        ([chunk({"content": "Once"}), {"error": "overloaded"}], "model_error", "Once", "broken_off"),
        (
            [chunk({"content": "Once"}), chunk({}, "overloaded_error")],
            "model_error", "Once", "broken_off",
        ),
        ([chunk({}, "rate_limit_error")], "model_busy", None, None),
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


async def test_a_call_that_was_written_as_text_is_told_and_not_made(
    visitor: Visitor, model: ScriptedModel, caplog: pytest.LogCaptureFixture
) -> None:
    name = await function_named(visitor, model, "get_random_number")
    text = f'<tool_call>\n{{"name": "{name}", "arguments": {{}}}}\n</tool_call>'
    model.turns.append(says(text))
    assert (await ask(visitor))["status"] == "completed"
    assert await answer(visitor) == (text, "call_as_text")
    assert (await visitor.snapshot())["messages"][-1]["calls"] == []
    assert "--tool-call-parser" in caplog.text
    model.turns.append(says(f"The tool {name} takes no arguments."))
    await ask(visitor)
    assert (await answer(visitor))[1] == "stop"


@pytest.mark.parametrize("turn", [[], _nothing], ids=["the end alone", "nothing"])
async def test_an_answer_of_which_nothing_came_as_a_stream_is_asked_for_as_a_whole(
    visitor: Visitor, model: ScriptedModel, turn: Any
) -> None:
    model.turns += [turn, _whole]
    await ask(visitor)
    assert await answer(visitor) == ("not streamed", "stop")
    model.turns += [turn, turn]
    await ask(visitor)
    assert await answer(visitor) == ("", "empty")
    await ask(visitor, "and then?")
    assert await answer(visitor) == ("Done.", "stop")
    assert [m["content"] for m in model.last if m["role"] == "assistant"] == ["not streamed"]


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
async def test_a_thought_without_an_answer_is_shown_with_a_hint_and_counts_as_what_was_said(
    visitor: Visitor, model: ScriptedModel, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """LM Studio (lmstudio-ai/lmstudio-bug-tracker#1602) and vLLM with a parser of another model take the
    whole answer for a thought."""
    model.turns.append(
        [chunk({"content": "", name: "It is\n"}), chunk({name: "<b>4</b>."}), chunk({}, "stop")]
    )
    done = await ask(visitor, "two and two?")
    assert (done["status"], done["error"]["code"]) == ("completed", "model_only_thought")
    assert await answer(visitor) == ("> It is\n> <b>4</b>.", "empty")
    assert "only thought, and gave no answer: its server" in caplog.text
    assert "It is" not in caplog.text
    await ask(visitor, "and then?")
    assert [m["content"] for m in model.last if m["role"] == "assistant"] == ["It is\n<b>4</b>."]


async def test_a_limit_that_thinking_used_up_is_told(
    visitor: Visitor, model: ScriptedModel, caplog: pytest.LogCaptureFixture
) -> None:
    """Ollama with the window that it has by default: NousResearch/hermes-agent#46131."""
    model.turns.append([chunk({"content": "", "reasoning": "Let me"}), chunk({}, "length")])
    done = await ask(visitor)
    assert (done["status"], done["error"]["code"]) == ("completed", "model_only_thought")
    assert "still thinking" in done["error"]["message"]
    assert await answer(visitor) == ("", "length")
    assert "spent its whole limit on thinking" in caplog.text
    await ask(visitor, "and then?")
    assert [m["content"] for m in model.last if m["role"] == "assistant"] == []


async def test_a_thought_before_a_call_or_an_answer_is_not_shown(
    visitor: Visitor, model: ScriptedModel
) -> None:
    model.turns.append([chunk({"content": "", "reasoning": "Let me"}), *says("Yes.")])
    done = await ask(visitor)
    assert "error" not in done
    assert await answer(visitor) == ("Yes.", "stop")


async def test_a_call_that_the_models_server_dropped_is_told_in_the_log(
    visitor: Visitor, model: ScriptedModel, caplog: pytest.LogCaptureFixture
) -> None:
    """As vLLM 0.32.0 streamed it with `--tool-call-parser hermes`, of a model that wrote no valid JSON."""
    usage = {"prompt_tokens": 2763, "total_tokens": 2794, "completion_tokens": 31}
    model.turns.append([*says(""), {"choices": [], "model": "caller", "usage": usage}])
    assert (await ask(visitor))["status"] == "completed"
    assert await answer(visitor) == ("", "empty")
    assert "wrote 31 tokens, of which nothing arrived" in caplog.text


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
    broken = [ConnectionError()]
    model.turns += [cut, broken, broken, says(" a time.")]
    await ask(visitor, "a story")
    assert (await run(visitor, "continue"))["status"] == "failed"
    assert (await run(visitor, "continue"))["status"] == "completed"
    assert [m["role"] for m in model.last] == ["system", "user", "assistant", "user"]
    assert [m["text"] for m in (await visitor.snapshot())["messages"]] == ["a story", "Once upon", " a time."]
    assert (await visitor.command("continue")).status == 409
    await run(visitor, "retry")
    assert [m["text"] for m in (await visitor.snapshot())["messages"]] == ["a story", "Done."]
