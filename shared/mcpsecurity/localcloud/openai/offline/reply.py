"""The model's turn: read the conversation, and call tools, answer, or write a note that the chat asks for."""

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mcpsecurity.approval import without_edited_note
from mcpsecurity.localcloud.openai.offline.answer import Result, summary, value_of
from mcpsecurity.localcloud.openai.offline.dates import DAYS, MONTHS, date_question
from mcpsecurity.localcloud.openai.offline.languages import Prompt, phrase, read_prompt
from mcpsecurity.localcloud.openai.offline.plan import About, Step, plan
from mcpsecurity.localcloud.openai.offline.prompt_words import corrected
from mcpsecurity.localcloud.openai.offline.small_talk import about_tools, chat, without_greeting
from mcpsecurity.localcloud.openai.offline.tool_sentences import ask_for, cannot, greeting, trouble
from mcpsecurity.localcloud.openai.offline.tools import Tool

_EACH_ONCE = re.compile(r"\blottery\b|\bout of \d|\b(?:different|distinct|unique)\b", re.IGNORECASE)
"""Words for numbers that must all be different."""
_MOST_DRAWS = 4
_READ_AGAIN = 3
"""So many of the last prompts are read as carefully as the one that is answered."""
_LONGEST_READ = 500
_EVERYDAY = ("tomorrow", "yesterday", "weekend", "between", "smaller", "bigger", "warmer", "colder")


@dataclass(frozen=True)
class ToolCall:
    """A call that the model wants: the tool's name on the wire and its arguments; a text is sent as it is."""

    name: str
    arguments: dict[str, Any] | str

    @property
    def text(self) -> str:
        """The arguments as they are sent."""
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments)


@dataclass(frozen=True)
class Reply:
    """Text, calls, or a refusal; `finish` is why it ends, where that is not `stop` or `tool_calls`."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    refusal: str = ""
    finish: str | None = None


def reply_to(messages: Sequence[Mapping[str, Any]], tools: Sequence[Tool], today: dt.date) -> Reply:
    """Return the model's turn for a conversation in the shape of the chat-completions API."""
    if (note := note_of(messages)) is not None:
        return Reply(note)
    prompts = [(i, _text(m)) for i, m in enumerate(messages) if m.get("role") == "user"]
    if not prompts:
        return Reply(greeting(tools))
    position, said = prompts[-1]
    before = [text for _, text in prompts[:-1]]
    prompt = read_prompt(said, before)
    if text := about_tools(prompt, tools):
        return Reply(text)
    earlier = [without_greeting(read_prompt(text).text) for text in before]
    earlier[-_READ_AGAIN:] = [_understood(text, tools, today) for text in earlier[-_READ_AGAIN:]]
    request = replace(prompt, text=without_greeting(prompt.text))
    steps = plan(request.text, earlier, tools, today)
    rounds = _rounds(messages[position + 1 :])
    if not steps and not chat(request, tools):
        steps = plan(corrected(request.text, _vocabulary(tools)), earlier, tools, today)
    if not steps and not rounds:
        return Reply(_without_tools(prompt, tools, today))
    steps, results = _each_once(steps, rounds, _results(steps, rounds, tools))
    return _turn(steps, rounds, results, prompt, today)


def _understood(text: str, tools: Sequence[Tool], today: dt.date) -> str:
    """Return a prompt with misspelt words put right, if it says nothing as it is."""
    if len(text) > _LONGEST_READ or plan(text, (), tools, today):
        return text
    return corrected(text, _vocabulary(tools))


def _each_once(
    steps: list[Step], rounds: list[Any], results: list[Result]
) -> tuple[list[Step], list[Result]]:
    """Return results without those that came twice, and steps that draw others instead of them."""
    last = steps[-1] if steps else None
    if last is None or len(rounds) < len(steps) or not _EACH_ONCE.search(last.about.text):
        return steps, results
    kept = list({result.content: result for result in reversed(results)}.values())[::-1]
    missing, more = len(last.arguments) - len(kept), len(rounds) - len(steps)
    if missing > 0 and more < _MOST_DRAWS and not any(trouble(result.content) for result in kept):
        again = replace(last, arguments=last.arguments[:missing])
        steps = [*steps, *[last] * more, again]
    return steps, kept


def _vocabulary(tools: Sequence[Tool]) -> frozenset[str]:
    """Return the words of the tools' names and parameters."""
    named = [tool.words for tool in tools] + [each.words for tool in tools for each in tool.parameters]
    return frozenset(_EVERYDAY).union(DAYS, MONTHS, *named)


def _without_tools(prompt: Prompt, tools: Sequence[Tool], today: dt.date) -> str:
    """Return an answer that needs no tool, or says that no tool fits."""
    if question := date_question(prompt.text, today):
        clock = Tool("calendar", "")
        step = Step(clock, [{}], about=About(question=question))
        return summary(
            [Result(step, {}, f'{{"datetime": "{today.isoformat()}T00:00"}}')], prompt.language, today
        )
    return chat(prompt, tools) or cannot(tools, prompt.language)


def _results(
    steps: Sequence[Step], rounds: list[list[tuple[str, str]]], tools: Sequence[Tool]
) -> list[Result]:
    """Return the calls that were made, each with the step that it belongs to, if it is one of these."""
    by_name = {tool.name: tool for tool in tools}
    results = []
    for number, made in enumerate(rounds):
        for place, (name, content) in enumerate(made):
            step = steps[number] if number < len(steps) else None
            if step is None or step.tool.name != name:
                step = Step(by_name.get(name, Tool(name, "")), [{}])
            arguments = step.arguments[place] if place < len(step.arguments) else {}
            edited, text = without_edited_note(content)
            results.append(Result(step, json.loads(edited) if edited is not None else arguments, text))
    return results


def _turn(
    steps: list[Step], rounds: list[Any], results: list[Result], prompt: Prompt, today: dt.date
) -> Reply:
    """Return the calls of the next step, or the answer after the last one."""
    failed = any(trouble(result.content) is not None for result in results)
    if len(rounds) >= len(steps) or (failed and _needs_results(steps[len(rounds)])):
        return Reply(summary(results, prompt.language, today))
    step = steps[len(rounds)]
    problem = None
    if step.missing:
        problem = ask_for(step.tool, step.missing, prompt.language)
    elif step.unknown is not None:
        problem = phrase("no_zone", prompt.language, place=step.unknown)
    if problem is not None:
        return Reply("\n\n".join(filter(None, [summary(results, prompt.language, today), problem])))
    values = [value_of(r.content) for r in results if trouble(r.content) is None]
    return Reply(calls=tuple(ToolCall(step.tool.name, _with(step, a, values)) for a in step.arguments))


def _needs_results(step: Step) -> bool:
    return step.spans is not None or step.passes is not None


def _with(step: Step, arguments: dict[str, Any], values: list[Any]) -> dict[str, Any]:
    """Return the arguments with what earlier results give."""
    filled = dict(arguments)
    numbers = [n for value in values for n in _numbers(value)]
    if step.spans is not None and len(numbers) >= 2:
        lower, upper = step.spans
        low, high = min(numbers), max(numbers)
        if upper.exclusive:
            high += 1
        filled |= {lower.name: low, upper.name: high if high > low else low + 1}
    if step.passes is not None and values:
        filled[step.passes] = _moment(values[-1])
    return filled


def _numbers(value: Any) -> list[int]:
    if isinstance(value, dict):
        return [n for item in value.values() for n in _numbers(item)][:1]
    return [value] if isinstance(value, int) and not isinstance(value, bool) else []


def _moment(value: Any) -> str:
    """Return the date and time in a result, wherever it stands."""
    found = re.search(r"\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?", str(value))
    return found[0] if found else str(value)


def _rounds(messages: Sequence[Mapping[str, Any]]) -> list[list[tuple[str, str]]]:
    """Return the calls since the last prompt with their results: a list for each time the model called."""
    rounds: list[list[tuple[str, str]]] = []
    contents = {m.get("tool_call_id"): _text(m) for m in messages if m.get("role") == "tool"}
    for message in messages:
        calls = message.get("tool_calls") if message.get("role") == "assistant" else None
        if calls:
            rounds.append([(c["function"]["name"], contents.get(c["id"], "Error: no result")) for c in calls])
    return rounds


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    return str(content or "")


_TASK = re.compile(r"^Write a note of a conversation\b.*?\bAt most (\d{1,5}) words", re.DOTALL)
_SAID = re.compile(r"^(?:The (?:person|assistant) (?:said|asked for)|Asked|Answered): .*", re.MULTILINE)
_NONE = "(none)"
_LINE = 160


def note_of(messages: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the note that the messages ask for; None if they ask for something else.

    It has as many words as it may: when there are more, the oldest lines of all but the first give way.
    """
    first = messages[0] if messages else {}
    task = _TASK.match(_text(first)) if first.get("role") in ("system", "developer") else None
    if task is None:
        return None
    told = _text(messages[-1]).replace(_NONE, "")
    lines = [_short(line) for line in dict.fromkeys(_SAID.findall(told))]
    kept, words = lines[:1], int(task[1]) - len(" ".join(lines[:1]).split())
    for line in reversed(lines[1:]):
        words -= len(line.split())
        if words < 0:
            break
        kept.insert(1, line)
    return "\n".join(kept) or "Nothing was said."


def _short(line: str) -> str:
    line = line.replace("The person said: ", "Asked: ").replace("The assistant said: ", "Answered: ")
    return line if len(line) <= _LINE else f"{line[:_LINE]} …"
