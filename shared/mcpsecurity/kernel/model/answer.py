"""An answer of a model while it comes in: the same for every API.

Each part is taken as far as it makes sense: values of unexpected types are ignored.
"""

import json
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from semantic_kernel.connectors.ai.completion_usage import CompletionUsage
from semantic_kernel.contents import FinishReason, FunctionCallContent
from semantic_kernel.exceptions import FunctionCallInvalidArgumentsException

from mcpsecurity.kernel.model.events import as_written
from mcpsecurity.kernel.model.joined import Joined, whole_characters
from mcpsecurity.kernel.model.thoughts import THINK, LeadingThought, LoneEnd
from mcpsecurity.model_dialect import THOUGHT_AS
from mcpsecurity.runtime.exact_decimals import dumps, loads

PHASE = "phase"
"""Key in a message's metadata: what the model says a message of Responses is, such as `commentary`."""

REASONING = "reasoning"
"""Key in a message's metadata: reasoning items, which go back to the model within the same answer. Each is a
pair: its place (0: before the text, 1: before the first call, 2: before the second one …), and the item."""

TAGGED = "tagged"
"""Key in a reasoning item: what the model thought between the tags `<think>` in its text before it called
functions. MiniMax wants all that back (https://platform.minimax.io/docs/guides/text-m2-function-call), and
templates of Qwen3, GLM and others read it from there while the answer is under way."""

THOUGHT = "thought"
"""Key in a message's metadata: the text of what the model thought. Some want it back with every later request
when they called functions."""

_MAX_CHARACTERS = 1_000_000
"""Azure OpenAI takes no message back that is longer than 1,048,576."""
_MAX_REASONING = 8 * 2**20
_MAX_CALLS = 128
_MAX_TRIES = 50
"""How often it is looked whether a call's arguments are whole: that costs as much as they are long."""
_TEXTS = ("text", "summary", "data", "thinking")
_SHORT = 100
_ENDS = {
    **dict.fromkeys(("stop", "end_turn", "stop_sequence", "eos", "eos_token", "end", "complete"), "stop"),
    **dict.fromkeys(("length", "max_tokens", "max_output_tokens", "model_length"), "length"),
    "model_context_window_exceeded": "length",
    **dict.fromkeys(("tool_calls", "tool_use", "tool_call"), "tool_calls"),
    **dict.fromkeys(
        ("content_filter", "content_filtered", "guardrail_intervened", "safety", "recitation", "blocklist"),
        "content_filter",
    ),
    **dict.fromkeys(("prohibited_content", "spii", "sensitive"), "content_filter"),
}
"""The words of Anthropic, AWS, Cohere, Google, Mistral and TGI, which some gateways pass on."""
_REASONS = frozenset(known.value for known in FinishReason)


@dataclass(slots=True)
class _Call:
    """A function call; `arguments` are the pieces of what the model wrote, and `index` tells calls apart."""

    index: Any
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    tries: int = 0


class _Pieces(list[str]):
    """Text in pieces, which are joined once: adding to a text costs as much as it is long."""


class Answer:
    """One answer, put together from its parts.

    Attributes:
        text, refusal, summary: the answer's text, refusal and summary of its reasoning, in pieces.
        reasoning: reasoning items, each with its place (see `REASONING`).
        finish: why the answer ended: `stop`, `length`, `content_filter`, `tool_calls`, or the endpoint's own
            word where that says none of these; None until it says.
        thought: what a model thought in plain text, in pieces; `thought_as` is the name by which it came.
        details: what it thought in other forms that go back before everything else, by their names; its texts
            are in pieces.
        usage: `prompt_tokens`, `completion_tokens`, `reasoning_tokens`, `cached_tokens`, as far as reported.
        model, phase: the model's name, and what it says its last message is (see `PHASE`).
        parts: how many parts were JSON objects; `unreadable` counts the others.
        event: the JSON value that is being read, and the text that it was made of.
        full: it is as long as an answer may be, and takes no more.
        taken_back: text that was taken belongs to a thought (and to `summary`), as its end has shown.
    """

    def __init__(self, *, begins_in_thought: bool = False) -> None:
        """With `begins_in_thought` text is held back until a thought ends: see `LoneEnd`."""
        self.text, self.refusal, self.summary = Joined(), Joined(), Joined()
        self.reasoning: list[tuple[int, dict[str, Any]]] = []
        self.thought: list[str] = []
        self.thought_as = ""
        self.details: dict[str, list[dict[str, Any]]] = {}
        self.finish: str | None = None
        self.usage: dict[str, int] = {}
        self.model: str | None = None
        self.phase: str | None = None
        self.parts = self.unreadable = 0
        self.event: tuple[Any, bytes] = (None, b"null")
        self.ended = self.full = self.taken_back = False
        self._calls: list[_Call] = []
        self._leading = LeadingThought()
        self._tagged: list[str] = []
        self._begins_in_thought = begins_in_thought
        self._lone: LoneEnd | None = None
        self._characters = self._reasoning = 0

    def end(self) -> None:
        """Nothing more comes: halves of characters are replaced."""
        self._tell(*self._leading.end())
        if self._lone is not None:
            self._place(*self._lone.end(cut_off=self.finish == "length"))
        for joined in (self.text, self.refusal, self.summary):
            joined.end()

    def say(self, joined: Joined, piece: str) -> None:
        """Add a piece to the text, the refusal or the summary."""
        joined.add(piece)
        self._grow(len(piece))

    def speak(self, piece: str) -> None:
        """Add a piece to the text; what it says of a thought between tags belongs to the summary."""
        self._tell(*self._leading.split(piece))

    def think(self, name: str, piece: str) -> None:
        """Add a piece of a thought in plain text, which came by this name."""
        self.say(self.summary, piece)
        self.thought.append(piece)
        self.thought_as = name

    def _tell(self, thought: str, text: str) -> None:
        if thought:
            self.say(self.summary, thought)
            self._tagged += [thought] if self._leading.tag == THINK else []
        if text:
            if self._lone is None:
                self._lone = LoneEnd(holds=self._begins_in_thought, looks=not self.summary.any)
            self._grow(len(text))
            self._place(*self._lone.split(text))

    def _place(self, thought: str, text: str) -> None:
        """Add text; once a thought ends, the text before it becomes the thought."""
        if thought:
            self.taken_back = self.text.taken
            self.text.forget()
            self.summary.add(thought)
            self._tagged.append(thought)
        self.text.add(text)

    @property
    def began_in_thought(self) -> bool:
        """Whether it began with a thought that has no opening tag, or could still have."""
        if self._lone is None:
            return self._begins_in_thought
        return self._lone.found or (self.finish == "length" and self._lone.missed)

    def call(self, index: Any, call_id: str, name: str, arguments: Any) -> None:
        """Take a piece of a call, or all of it. `arguments` may also be an object, instead of its JSON."""
        call = self._call(index, call_id, name)
        call.id = call.id or call_id
        if name and not (call.name and call.arguments):  # the whole name once more, or another piece of it
            call.name = name if name.startswith(call.name) else call.name + name
        if isinstance(arguments, dict | list):
            arguments = dumps(as_written(arguments, *self.event))
        if arguments and isinstance(arguments, str):
            call.arguments.append(arguments)
            self._grow(len(arguments))

    def reason(self, item: dict[str, Any], size: int, place: int | None = None) -> None:
        """Take a reasoning item of this size; without a place it stands after all that came so far."""
        if not self._grow_reasoning(size):
            return
        if place is None:
            place = 1 + len(self._calls) if self._calls or self.text.any else 0
        self.reasoning.append((place, item))

    def mark_call(self, item: dict[str, Any], size: int) -> None:
        """Take the items that have to go back beside the last call, once."""
        mark = (len(self._calls), item)
        if self._calls and mark not in self.reasoning[-1:] and self._grow_reasoning(size):
            self.reasoning.append(mark)

    def detail(self, form: str, item: dict[str, Any], size: int) -> None:
        """Take a piece of reasoning that goes back before everything else; text that goes on is joined."""
        if not self._grow_reasoning(size):
            return
        details = self.details.setdefault(form, [])
        last = details[-1] if details else {}
        if not ("index" in item and all(item.get(name) == last.get(name) for name in ("type", "index"))):
            last = {}
            details.append(last)
        for name, value in item.items():
            is_text = name in _TEXTS and isinstance(value, str)
            if is_text and isinstance(known := last.get(name), _Pieces):
                known.append(value)
            elif value is not None or name not in last:
                last[name] = _Pieces([value]) if is_text else value

    def finished(self, reason: Any) -> None:
        """Take the reason for the end; the first one counts."""
        if self.finish is None and reason and isinstance(reason, str):
            self.finish = _ENDS.get(reason.lower(), _short(reason))

    def limited(self, tokens: int | None) -> None:
        """Tell that an answer of the allowed tokens was cut off: by Responses llama.cpp does not say so."""
        if tokens and self.finish == "stop" and self.usage.get("completion_tokens", 0) >= tokens:
            self.finish = "length"

    def named(self, model: Any) -> None:
        """Take the model's name."""
        if isinstance(model, str) and model and model != self.model:
            self.model = _short(model)

    @property
    def begun(self) -> bool:
        """Whether anything of an answer has come."""
        return bool(self._calls) or self._characters + self._reasoning > 0

    def calls(self) -> list[tuple[str, str, str]]:
        """Return id, name and arguments of each call, as the model wrote them."""
        texts = [(call.id, call.name, _encoded_once("".join(call.arguments))) for call in self._calls]
        return [(whole_characters(i), whole_characters(n), whole_characters(a)) for i, n, a in texts]

    def call_items(self) -> list[FunctionCallContent]:
        """Return the calls as Semantic Kernel has them; one without an id gets one."""
        return [
            _ExactCall(  # type: ignore[call-arg] # mypy takes it for a model without a constructor
                id=call_id or f"call_{secrets.token_hex(12)}", index=place, name=name, arguments=arguments
            )
            for place, (call_id, name, arguments) in enumerate(self.calls())
        ]

    def finish_reason(self) -> FinishReason | None:
        """Return the reason for the end, if Semantic Kernel knows it."""
        return FinishReason(self.finish) if self.finish in _REASONS else None

    def metadata(self) -> dict[str, Any]:
        """Return the metadata of the answer, without text and calls."""
        details: list[tuple[int, dict[str, Any]]] = [(0, {n: _joined(d)}) for n, d in self.details.items()]
        if self.thought and not details:
            details.append((0, {THOUGHT_AS: self.thought_as}))
        elif self._tagged and self._calls and not details:
            details.append((0, {TAGGED: "".join(self._tagged)}))
        known: dict[str, Any] = {
            "finish_reason": self.finish,
            "unreadable": self.unreadable,
            "usage": _usage(self.usage),
            "model": self.model,
            PHASE: self.phase,
            REASONING: self.reasoning + details,
            THOUGHT: "".join(self.thought),
        }
        return {name: value for name, value in known.items() if value}

    def _call(self, index: Any, call_id: str, name: str) -> _Call:
        """Return the call that a piece belongs to: the last one of its index, or the last one at all where
        there are none. A piece with a name begins another call if it has another id, or if the arguments so
        far are whole."""
        found = next((c for c in reversed(self._calls) if index is None or c.index == index), None)
        if found is not None and not (name and found.name and _begins(found, index, call_id)):
            return found
        if len(self._calls) >= _MAX_CALLS:
            self._fill()
            return _Call(index)
        self._calls.append(_Call(index))
        return self._calls[-1]

    def _grow(self, characters: int) -> None:
        self._characters += characters
        if self._characters > _MAX_CHARACTERS:
            self._fill()

    def _grow_reasoning(self, size: int) -> bool:
        """Return whether reasoning of this size may still be kept."""
        self._reasoning += size
        if self._reasoning > _MAX_REASONING:
            self._fill()
        return not self.full

    def _fill(self) -> None:
        self.full, self.finish = True, "length"


class _ExactCall(FunctionCallContent):
    """A call whose decimals keep their digits when Semantic Kernel reads its arguments."""

    def parse_arguments(self) -> Mapping[str, Any] | None:
        """Return the arguments, which Semantic Kernel reads itself if they are no JSON.

        Raises:
            FunctionCallInvalidArgumentsException: they cannot be read, as Semantic Kernel tells the model.
        """
        try:
            with suppress(ValueError):
                return loads(self.arguments) if isinstance(self.arguments, str) else self.arguments
            return super().parse_arguments()
        except (ValueError, RecursionError) as error:  # 4301 digits, thousands of brackets
            raise FunctionCallInvalidArgumentsException("the arguments cannot be read") from error


def _begins(before: _Call, index: Any, call_id: str) -> bool:
    """Tell whether a piece that has a name is another call than the one before it."""
    if call_id and before.id:
        return call_id != before.id
    if index is None:
        return True
    if before.tries >= _MAX_TRIES or not "".join(before.arguments[-1:]).rstrip().endswith("}"):
        return False
    before.tries += 1
    try:
        return isinstance(json.loads("".join(before.arguments)), dict)
    except (ValueError, RecursionError):
        return False


def _encoded_once(arguments: str) -> str:
    """Return the arguments of a call; of a JSON string that holds an object, which is how some models write
    them, that object. Some gateways begin with an empty object, and send the arguments after it."""
    if not arguments.lstrip().startswith(('"', "{}{")):
        return arguments
    try:
        inner = arguments.removeprefix("{}") if arguments.startswith("{}") else json.loads(arguments)
        return inner if isinstance(json.loads(inner), dict) else arguments
    except (ValueError, RecursionError):
        return arguments


def _joined(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {name: "".join(value) if isinstance(value, _Pieces) else value for name, value in item.items()}
        for item in items
    ]


def text_of(content: Any) -> str:
    """Return text, also of a list of parts; "" for everything else."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return "".join(text for text in texts if isinstance(text, str))


def count_of(counts: Any, *names: str) -> int | None:
    """Return the count of tokens at a path of names; None if the usage does not have it."""
    for name in names:
        counts = counts.get(name) if isinstance(counts, dict) else None
    is_count = isinstance(counts, int) and not isinstance(counts, bool) and 0 <= counts < 2**53
    return counts if is_count else None


def _short(text: str) -> str:
    printable = "".join(character for character in text[:_SHORT] if character.isprintable())
    return whole_characters(printable).strip()


def _usage(usage: dict[str, int]) -> CompletionUsage | None:
    if not usage:
        return None
    cached, reasoning = usage.get("cached_tokens"), usage.get("reasoning_tokens")
    return CompletionUsage(
        prompt_tokens=usage.get("prompt_tokens"),
        completion_tokens=usage.get("completion_tokens"),
        prompt_tokens_details=None if cached is None else {"cached_tokens": cached},
        completion_tokens_details=None if reasoning is None else {"reasoning_tokens": reasoning},
    )
