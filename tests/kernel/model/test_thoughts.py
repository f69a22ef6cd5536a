"""Thoughts that an endpoint writes into the answer are told from it, however its pieces are cut."""

import asyncio
from typing import Any

import pytest
from semantic_kernel.contents import ChatHistory
from tests.kernel.model.conftest import Endpoint, Made, asked_whole, chunk

from mcpsecurity.kernel import ChatModel, ChatModelSettings
from mcpsecurity.kernel.model import completions
from mcpsecurity.kernel.model.answer import Answer
from mcpsecurity.kernel.model.thoughts import LeadingThought, LoneEnd, thought_in_parts


def split(text: str, size: int) -> tuple[str, str]:
    """Return thought and answer of a text that comes in pieces of this size."""
    leading = LeadingThought()
    pieces = [leading.split(text[place : place + size]) for place in range(0, len(text), size)]
    pieces.append(leading.end())
    return "".join(thought for thought, _ in pieces), "".join(answer for _, answer in pieces)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("text", "thought", "answer"),
    [
        ("<think>\nHm.\n</think>\n\nYes.", "\nHm.\n", "Yes."),
        ("\n<thinking>a < b</thinking>Yes.", "a < b", "Yes."),
        ("<reasoning>We</reasoning><reasoning> see.</reasoning>Yes.", "We see.", "Yes."),
        ("<thought>a</thought>", "a", ""),
        ("<think>cut of", "cut of", ""),
        ("<think>cut of</thi", "cut of</thi", ""),
        ("<thin ice>", "", "<thin ice>"),
        ("<thi", "", "<thi"),
        ("  Yes.", "", "  Yes."),
        ("Use <think>x</think> for it.", "", "Use <think>x</think> for it."),
        ("<think>a</think>b <think>c</think>", "a", "b <think>c</think>"),
        ("", "", ""),
    ],
)
def test_a_thought_between_tags_is_not_part_of_the_answer(
    size: int, text: str, thought: str, answer: str
) -> None:
    assert split(text, size) == (thought, answer)


@pytest.mark.parametrize(
    ("content", "thought"),
    [
        ([{"type": "thinking", "thinking": [{"type": "text", "text": "a"}]}, {"text": "b"}], "a"),
        ([{"type": "thinking", "thinking": "a"}], "a"),
        ([{"type": "reasoning", "summary": [{"text": "a", "signature": "s"}, {"text": "b"}]}], "ab"),
        ([{"type": "thinking", "thinking": None}, {"type": "reasoning", "summary": [5, {"text": 5}]}, 7], ""),
        ("<think>", ""),
        (None, ""),
    ],
)
def test_parts_that_are_thoughts_are_found(content: Any, thought: str) -> None:
    assert thought_in_parts(content) == thought


def test_thoughts_between_tags_are_the_summary_of_an_answer() -> None:
    answer = Answer()
    for piece in ("<think>One", " moment.</th", "ink>\n", "It is sunny."):
        completions.read({"choices": [{"delta": {"content": piece}}]}, answer)
    answer.end()
    assert (answer.summary.take(), answer.text.take()) == ("One moment.", "It is sunny.")


def lone(text: str, size: int, *, holds: bool = False, cut_off: bool = False) -> tuple[str, str, str]:
    """Return thought and answer of a text that comes in pieces of this size, and all that was told of it."""
    end, thought, answer, told = LoneEnd(holds=holds), "", "", ""
    pieces = [end.split(text[place : place + size]) for place in range(0, len(text), size)]
    for found, said in [*pieces, end.end(cut_off=cut_off)]:
        thought, answer = thought + found, ("" if found else answer) + said
        told += said
    return thought, answer, told


@pytest.mark.parametrize("holds", [False, True])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("text", "thought", "answer"),
    [
        ("Hm.\n</think>\n\nYes.", "Hm.\n", "Yes."),
        ("Hm.</think>Yes.", "Hm.", "Yes."),
        ("</think>\n\nYes.", "", "Yes."),
        ("Try ```a``` and `</think>`:\n```\n</think>\n```\n</think>Yes.",
         "Try ```a``` and `</think>`:\n```\n</think>\n```\n", "Yes."),
        ("Hm.</think>Yes. </think> ends it.", "Hm.", "Yes. </think> ends it."),
        ("It writes `</think>` then.", "", "It writes `</think>` then."),
        ("So:\n```xml\n</think>\n```\nDone.", "", "So:\n```xml\n</think>\n```\nDone."),
        ('It ends with "</think>", or </think>.', "", 'It ends with "</think>", or </think>.'),
        ("Write <think>\na\n</think>\nfirst.", "", "Write <think>\na\n</think>\nfirst."),
        ("a </thi", "", "a </thi"),
        (" </think> " * 30, "", " </think> " * 30),
        ("Yes.", "", "Yes."),
    ],
)  # fmt: skip
def test_a_thought_without_an_opening_tag_is_found_by_its_end(
    holds: bool, size: int, text: str, thought: str, answer: str
) -> None:
    found, said, told = lone(text, size, holds=holds)
    assert (found, said) == (thought, answer)
    assert not holds or told == answer


def test_an_awaited_thought_that_is_cut_off_is_not_part_of_the_answer() -> None:
    assert lone("Hm, let", 3, holds=True, cut_off=True) == ("Hm, let", "", "")


def chunks_of(*pieces: str, finish: str = "stop") -> list[Any]:
    return [*(chunk(content=piece) for piece in pieces), chunk(finish), "[DONE]"]


async def streamed(model: ChatModel) -> list[tuple[str, dict[str, Any]]]:
    """Return what the parts of an answer add, and what they say besides."""
    parts, history = [], ChatHistory()
    history.add_user_message("Hello?")
    async for messages in model.get_streaming_chat_message_contents(history, ChatModelSettings()):
        parts += [(message.content, dict(message.metadata)) for message in messages]
    return parts


async def test_text_turns_out_to_be_a_thought_once_and_is_held_back_in_later_answers(
    endpoint: Endpoint, model_at: Made
) -> None:
    model = model_at("/v1", azure=False)
    gone_on = asyncio.Event()
    endpoint.answers += [chunks_of("Hm.", "\n</think>\n", "\nYes.")] * 2
    endpoint.between = gone_on.wait
    history = ChatHistory()
    history.add_user_message("Hello?")
    text, thought, turned = "", "", 0
    async for (part,) in model.get_streaming_chat_message_contents(history, ChatModelSettings()):
        gone_on.set()
        if part.metadata.get("text_was_thought"):
            text, turned = "", turned + 1
        text += part.content
        thought += part.metadata.get("reasoning_summary_delta", "")
    assert (text, thought, turned) == ("Yes.", "Hm.\n", 1)
    later = await streamed(model)
    assert "".join(said for said, _ in later) == "Yes."
    assert later[-1][1]["reasoning_summary"] == "Hm.\n"
    assert not any("text_was_thought" in told for _, told in later)


@pytest.mark.parametrize("name", ["deepseek-r1:14b", "Qwen/QwQ-32B", "Qwen3-4B-Thinking-2507"])
async def test_the_first_answer_is_a_thought_at_first_where_the_models_name_says_that_it_thinks(
    endpoint: Endpoint, name: str
) -> None:
    endpoint.answers += [chunks_of("Hm, let me", finish="length"), chunks_of("Hm.</think>Yes.")]
    async with ChatModel.at(endpoint.url + "/v1", name) as model:
        first, second = [await asked_whole(model) for _ in range(2)]
    assert (str(first), first.metadata["reasoning_summary"]) == ("", "Hm, let me")
    assert str(second) == "Yes."


async def test_a_model_that_thinks_by_name_and_apart_is_told_at_once(endpoint: Endpoint) -> None:
    gone_on, told = asyncio.Event(), ""
    endpoint.answers.append([chunk(reasoning_content="Hm."), *chunks_of("At", " once")])
    endpoint.between = gone_on.wait
    history = ChatHistory()
    history.add_user_message("Hello?")
    async with ChatModel.at(endpoint.url + "/v1", "deepseek-r1") as model:
        async for (part,) in model.get_streaming_chat_message_contents(history, ChatModelSettings()):
            gone_on.set()
            told += part.content
    assert told == "At once"


async def test_an_answer_without_a_thought_is_told_whole_and_the_next_one_at_once(
    endpoint: Endpoint, model_at: Made
) -> None:
    model = model_at("/v1", azure=False)
    endpoint.answers += [chunks_of("Hm.</think>Yes."), chunks_of("No ", "thought."), chunks_of("At", " once")]
    said = [str(await asked_whole(model)) for _ in range(2)]
    assert said == ["Yes.", "No thought."]
    gone_on, told = asyncio.Event(), ""
    endpoint.between = gone_on.wait
    history = ChatHistory()
    history.add_user_message("Hello?")
    async for (part,) in model.get_streaming_chat_message_contents(history, ChatModelSettings()):
        gone_on.set()
        told += part.content
    assert told == "At once"


async def test_a_thought_that_is_cut_off_is_no_answer_where_answers_begin_with_thoughts(
    endpoint: Endpoint, model_at: Made
) -> None:
    model = model_at("/v1", azure=False)
    endpoint.answers += [chunks_of("Hm.</think>Yes."), chunks_of("Hm, let me", finish="length")]
    endpoint.answers += [chunks_of("Hm.</think>Yes.")]
    answers = [await asked_whole(model) for _ in range(3)]
    assert [str(answer) for answer in answers] == ["Yes.", "", "Yes."]
    assert answers[1].metadata["reasoning_summary"] == "Hm, let me"


async def test_a_tag_in_an_answer_whose_thought_came_apart_is_the_answers(
    endpoint: Endpoint, model_at: Made
) -> None:
    endpoint.answers.append([chunk(reasoning_content="Hm."), *chunks_of("The tag:\n</think>\nends it.")])
    answer = await asked_whole(model_at("/v1", azure=False))
    assert (str(answer), answer.metadata["reasoning_summary"]) == ("The tag:\n</think>\nends it.", "Hm.")
