"""A model's stream is read as far as it makes sense, with odd events and bytes in it."""

import json
import random
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from mcpsecurity.kernel.model import NotAStreamError, ProviderError, completions, responses
from mcpsecurity.kernel.model.answer import Answer
from mcpsecurity.kernel.model.events import EventSplitter
from mcpsecurity.kernel.model.joined import whole_characters
from mcpsecurity.kernel.model.stream import read_body, read_events


def split(body: bytes, sizes: int = 1) -> list[str]:
    splitter = EventSplitter()
    pieces = [body[place : place + sizes] for place in range(0, len(body), sizes)]
    found = [data for piece in pieces for data in splitter.feed(piece)] + splitter.end()
    return [data.decode() for data in found]


def read(*chunks: Any) -> tuple[str, str, Answer]:
    answer = Answer()
    events = [chunk if isinstance(chunk, str) else json.dumps(chunk) for chunk in chunks]
    read_events([event.encode(errors="replace") for event in events], completions.read, answer)
    answer.end()
    return answer.text.take(), answer.refusal.take(), answer


def delta(finish: Any = None, **parts: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": parts, "finish_reason": finish}]}


def tool_call(**parts: Any) -> dict[str, Any]:
    return delta(tool_calls=[parts])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_events_are_found_with_every_line_ending(end: str, size: int) -> None:
    lines = ["\ufeff: hello", "", "event: x", "data: a", "data:b", "", "id: 1", "data: größe 😀", "", ""]
    assert split(end.join(lines).encode(), size) == ["a\nb", "größe 😀"]


def test_an_event_that_nothing_ends_counts() -> None:
    assert split(b"data: a\n\ndata: b") == ["a", "b"]


@pytest.mark.parametrize(
    "body", [b"<p>x</p>\n" * 10_000, b"x" * 70_000, b"data: x\n\ndata: " + b"y" * 9_000_000]
)
def test_a_body_without_events_is_given_up_before_it_fills_the_memory(body: bytes) -> None:
    with pytest.raises(NotAStreamError):
        split(body, 2**16)


def test_comments_of_a_model_that_thinks_for_long_are_no_end() -> None:
    assert split(b": keep-alive\n\n" * 20_000 + b"data: a\n\n", 2**16) == ["a"]


def test_a_character_in_two_chunks_is_joined_and_half_of_one_is_replaced() -> None:
    text, _, _ = read(
        delta(content="a\ud83d"),
        delta(content="\ude00b\ud83d"),
        delta(content="c\ude00"),
        delta(content="\ud83d"),
    )
    assert text == "a😀b\ufffdc\ufffd\ufffd"
    assert whole_characters("gr\u00fc\u00dfe") == "gr\u00fc\u00dfe"


def test_chunks_that_are_no_json_are_counted_and_passed_over() -> None:
    text, _, answer = read(delta(content="a"), "{", "[1]", "[" * 100_000, delta(content="b"), delta("stop"))
    assert (text, answer.unreadable, answer.parts, answer.finish) == ("ab", 3, 3, "stop")


@pytest.mark.parametrize(
    "odd",
    [
        {}, {"choices": None}, {"choices": "x"}, {"choices": [None, 1]}, {"choices": [{"delta": None}]},
        {"choices": [{"delta": "x"}]}, delta(content=5), delta(content=[{"type": "image"}, 7]),
        delta(tool_calls=None), delta(tool_calls=[None, 1]), delta(tool_calls="x"), delta(refusal=1),
        {"choices": [{"index": 1, "delta": {"content": "another answer"}}]}, {"usage": 1, "model": 2},
        {"usage": {"prompt_tokens": None, "completion_tokens": -1}}, {"error": None}, delta(1), delta(""),
        {"usage": {"prompt_tokens": True, "completion_tokens": 2**60}},
    ],
)  # fmt: skip
def test_odd_members_are_passed_over(odd: Any) -> None:
    text, refusal, answer = read(delta(content="a"), odd, delta(content="b"))
    assert (text, refusal, answer.calls(), answer.usage, answer.finish) == ("ab", "", [], {}, None)


def test_text_in_parts_usage_and_the_models_name_are_read() -> None:
    part = delta(content=[{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])
    text, _, answer = read(part | {"model": "m\n1"}, {"choices": [], "usage": {"prompt_tokens": 3}})
    assert (text, answer.model, answer.usage) == ("ab", "m1", {"prompt_tokens": 3})


@pytest.mark.parametrize("error", [{"message": "no", "code": "server_error"}, "no"])
def test_an_error_within_the_stream_is_raised(error: Any) -> None:
    with pytest.raises(ProviderError) as raised:
        read(delta(content="a"), {"error": error})
    assert raised.value.body == error


@pytest.mark.parametrize("event", [{"object": "error", "message": "no"}, {"detail": "no"}, {"message": "no"}])
def test_an_error_without_the_usual_wrapping_is_raised(event: Any) -> None:
    with pytest.raises(ProviderError) as raised:
        read(delta(content="a"), event)
    assert raised.value.body["message"] == "no"


@pytest.mark.parametrize(
    ("chunks", "calls"),
    [
        ([tool_call(index=0, id="a", function={"name": "t", "arguments": '{"x"'}),
          tool_call(index=0, function={"arguments": ":1}"})], [("a", "t", '{"x":1}')]),
        ([tool_call(index=0, id="a", function={"name": "t", "arguments": "{}"}),
          tool_call(index=0, id="b", function={"name": "u", "arguments": "{}"})],
         [("a", "t", "{}"), ("b", "u", "{}")]),
        ([tool_call(index=0, id="a", function={"name": "t", "arguments": "{"}),
          tool_call(index=0, id="a", function={"name": "", "arguments": "}"})], [("a", "t", "{}")]),
        ([tool_call(index=0, id="a", function={"arguments": ""}), tool_call(index=0, function={"name": "t"}),
          tool_call(index=0, function={"arguments": "{}"})], [("a", "t", "{}")]),
        ([delta(tool_calls=[{"id": "a", "function": {"name": "t", "arguments": "{}"}},
                            {"id": "b", "function": {"name": "u", "arguments": "{}"}}])],
         [("a", "t", "{}"), ("b", "u", "{}")]),
        ([delta(tool_calls=[{"function": {"name": "t", "arguments": "{}"}},
                            {"function": {"name": "t", "arguments": "{}"}}])],
         [("", "t", "{}"), ("", "t", "{}")]),
        ([tool_call(index=1, id="b", function={"name": "u"}),
          tool_call(index=0, id="a", function={"name": "t"}),
          tool_call(index=1, function={"arguments": "{}"})], [("b", "u", "{}"), ("a", "t", "")]),
        ([tool_call(index=0, id="a", function={"name": "t", "arguments": {"x": 1}})],
         [("a", "t", '{"x": 1}')]),
        ([tool_call(index=0, id="a", function={"name": "Tools-", "arguments": ""}),
          tool_call(index=0, id="a", function={"name": "now"}),
          tool_call(index=0, function={"name": "Tools-now", "arguments": "{"}),
          tool_call(index=0, function={"name": "Tools-now", "arguments": "}"})], [("a", "Tools-now", "{}")]),
        ([tool_call(index=0, id="a", function={"name": "t", "arguments": '"{\\"x\\": '}),
          tool_call(index=0, function={"arguments": '1.10}"'})], [("a", "t", '{"x": 1.10}')]),
        ([tool_call(index=0, id="a", function={"name": "t", "arguments": "{}"}),
          tool_call(index=0, function={"arguments": '{"x": 1}'})], [("a", "t", '{"x": 1}')]),
        ([tool_call(index=0, id="a", function={"name": "t", "arguments": "{}{"})], [("a", "t", "{}{")]),
        ([tool_call(index=0, id="a", function={"name": "t", "arguments": '"[1]"'})], [("a", "t", '"[1]"')]),
        ([tool_call(index=0, id="a", function={"name": "t", "arguments": '"{'})], [("a", "t", '"{')]),
        ([tool_call(index=0, id="a", type="custom", custom={"name": "t", "input": "free"})],
         [("a", "t", "free")]),
        ([delta(function_call={"name": "t", "arguments": "{"}), delta(function_call={"arguments": "}"})],
         [("", "t", "{}")]),
        ([tool_call(index=0, id=5, function=None)], [("", "", "")]),
        ([delta(tool_calls=[{"index": 0, "id": "", "function": {"name": "t", "arguments": "{}"}},
                            {"index": 0, "id": "", "function": {"name": "u", "arguments": "{}"}}])],
         [("", "t", "{}"), ("", "u", "{}")]),
        ([tool_call(id="a", function={"name": "t", "arguments": '{"x"'}),
          tool_call(id="b", function={"arguments": ":1}"})], [("a", "t", '{"x":1}')]),
        ([tool_call(index=0, function={"name": "t", "arguments": "{"}),
          tool_call(index=0, function={"name": "t", "arguments": "}"})], [("", "t", "{}")]),
    ],
)  # fmt: skip
def test_calls_are_put_together(chunks: list[Any], calls: list[tuple[str, str, str]]) -> None:
    assert read(*chunks)[2].calls() == calls


@pytest.mark.parametrize("space", ["", " ", "\n\t"])
@pytest.mark.parametrize("name", ["tool_calls", "function_call"])
def test_arguments_that_are_an_object_keep_their_digits(name: str, space: str) -> None:
    given = '{"a": 1.10, "b": [12345678901234567890123, 1e400, 0.123456789012345678901], "c": "\\ud83d"}'
    made = f'{{"name": "t", "arguments"{space}:{space}{given}}}'
    made = f'[{{"function": {made}}}]' if name == "tool_calls" else made
    _, _, answer = read(f'{{"choices": [{{"delta": {{"{name}": {made}}}}}]}}')
    assert answer.calls() == [("", "t", given)]


def named(arguments: str) -> dict[str, Any]:
    return tool_call(index=0, function={"name": "t", "arguments": arguments})


@pytest.mark.parametrize(
    "chunks",
    [
        [named('{"a": ['), *[named("1,1,1,")] * 10_000, named("1]}")],
        [named('{"a": ['), *[named("{},{}")] * 10_000, named("{}]}")],
        [delta(thinking_blocks=[{"type": "thinking", "index": 0, "thinking": "x" * 200}])] * 20_000,
        [delta(content="\n" * 50)] * 19_000,
    ],
    ids=["a name at each piece", "pieces that look whole", "thoughts", "blanks"],
)
def test_many_pieces_cost_no_more_than_they_are_long(chunks: list[Any]) -> None:
    began = time.process_time()
    _, _, answer = read(*chunks)
    answer.metadata()
    assert time.process_time() - began < 2
    assert len(answer.calls()) == ("tool_calls" in str(chunks[0]))


def test_arguments_that_nest_too_deep_to_be_read_do_not_end_the_answer() -> None:
    text, _, answer = read(named('{"a": ' + "[" * 100_000 + "}"), named("{}"), delta("stop", content="x"))
    assert (text, answer.finish, len(answer.calls())) == ("x", "stop", 1)


def test_an_answer_without_end_is_cut() -> None:
    _, _, answer = read(*[delta(content="x" * 100_000)] * 20)
    assert (answer.full, answer.finish, answer.parts) == (True, "length", 11)
    _, _, many = read(delta(tool_calls=[{"index": n, "function": {"name": "t"}} for n in range(500)]))
    assert (len(many.calls()), many.finish) == (128, "length")


def test_no_garbage_gets_through() -> None:
    values: list[Any] = [None, 0, -1, 1.5, True, "", "x", "\ud83d", [], {}, [None], {"index": 0}]
    keys = [
        "choices",
        "delta",
        "content",
        "tool_calls",
        "function",
        "name",
        "arguments",
        "index",
        "id",
        "usage",
    ]
    rng = random.Random(7)  # noqa: S311 - nothing is kept secret by it

    def garbage(depth: int) -> Any:
        if depth == 0 or rng.random() < 0.2:
            return rng.choice(values)
        if rng.random() < 0.4:
            return [garbage(depth - 1) for _ in range(rng.randrange(3))]
        return {rng.choice(keys): garbage(depth - 1) for _ in range(rng.randrange(4))}

    for _ in range(3000):
        text, refusal, answer = read(*({"choices": [{"delta": garbage(4)}]} for _ in range(3)), garbage(5))
        (text + refusal + "".join(part for call in answer.calls() for part in call)).encode()


def test_an_event_that_comes_in_many_small_pieces_is_read_whole() -> None:
    body = b'data: {"text": "' + b"x" * 500_000 + b'"}\n\ndata: [DONE]\n\n'
    assert [len(data) for data in split(body, 100)] == [500_012, 6]


@pytest.mark.parametrize("between", ["\n", "\n\n", "\n\ndata: "])
async def test_events_are_read_though_blank_lines_are_missing_or_they_are_wrapped_twice(between: str) -> None:
    events = [json.dumps(delta(content=text)) for text in ("a", "b")]

    async def pieces() -> AsyncIterator[bytes]:
        yield "".join(f"data: {event}{between}" for event in [*events, "[DONE]"]).encode()

    answer = Answer()
    assert [_ async for _ in read_body(pieces(), completions.read, (), answer)]
    assert (answer.text.take(), answer.parts) == ("ab", 2)


SAID = {"type": "message", "content": [{"type": "output_text", "text": "At once."}]}
MESSAGE = {"role": "assistant", "content": "At once."}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    ("api", "body"),
    [
        (responses, {"object": "response", "status": "completed", "error": None, "output": [SAID]}),
        (completions, {"choices": [{"index": 0, "message": MESSAGE, "finish_reason": "stop"}]}),
    ],
)
async def test_an_answer_that_comes_at_once_is_read(api: Any, body: Any, indent: int | None) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield json.dumps(body, indent=indent)[:9].encode()
        yield json.dumps(body, indent=indent)[9:].encode()

    answer = Answer()
    assert [_ async for _ in read_body(pieces(), api.read, api.UNWANTED, answer)]
    assert (answer.text.take(), answer.finish) == ("At once.", "stop")


def test_a_page_without_line_ends_is_given_up_after_64_kib() -> None:
    with pytest.raises(NotAStreamError):
        split(b"<p>" * 22_000, 1000)
