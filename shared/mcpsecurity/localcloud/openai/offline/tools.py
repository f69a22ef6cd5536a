"""Tools as a request describes them, and how well a text speaks of one."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from mcpsecurity.localcloud.openai.offline.prompt_words import ACTING, participle, stems

_EXCLUSIVE = r"(?:exclusive|excluded|not included|not inclusive|never (?:drawn|returned|reached))"
_READING_WORDS = (
    "get list lookup look up fetch read find show search generate calculate compute play roll draw pick flip"
)
_READING = frozenset(_READING_WORDS.split(" "))
_THEN = frozenset({"from", "by", "for", "of", "with", "in", "at"})
_NAME, _PARAMETER, _DESCRIPTION, _UNSAID = 3.0, 1.5, 0.5, 0.5


@dataclass(frozen=True)
class Parameter:
    """A parameter: its schema is the one branch that is not null.

    `exclusive`: it is the end of a range, and what describes it says that it is not in it.
    """

    name: str
    schema: Mapping[str, Any]
    required: bool
    exclusive: bool = False

    @property
    def type(self) -> str:
        """The JSON type, "string" when nothing says."""
        kind = self.schema.get("type", "string")
        if isinstance(kind, list):
            kind = next((k for k in kind if k != "null"), "string")
        return str(kind)

    @cached_property
    def words(self) -> frozenset[str]:
        """What its name is made of, as stems."""
        return frozenset(stems(self.name))

    @cached_property
    def parts(self) -> frozenset[str]:
        """What its name is made of, as written."""
        return frozenset(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.name).lower().split("_"))


@dataclass(frozen=True)
class Tool:
    """A function that the request offers. `name` is the name on the wire, such as `Tools-get_weather`."""

    name: str
    description: str
    parameters: tuple[Parameter, ...] = field(default=())

    @property
    def plain_name(self) -> str:
        """The name without the plugin's."""
        return self.name.rpartition("-")[2]

    @cached_property
    def words(self) -> frozenset[str]:
        """What its name is made of."""
        return frozenset(stems(self.plain_name))

    @cached_property
    def described(self) -> frozenset[str]:
        """What its description speaks of."""
        return frozenset(stems(self.description))

    @cached_property
    def noun(self) -> str:
        """What to call its result in a sentence: `get_random_number` gives "random number"."""
        words = self._name_words
        while len(words) > 1 and (words[0] in _READING or words[0] in ACTING or words[0] in ("all", "any")):
            words = words[1:]
        end = next((place for place, word in enumerate(words) if word in _THEN and place > 0), len(words))
        return " ".join(words[:end])

    @property
    def nouns(self) -> str:
        """The noun's plural."""
        return self.noun if self.noun.endswith("s") else f"{self.noun}s"

    @property
    def verb(self) -> str:
        """The first word of its name."""
        return self._name_words[0]

    @property
    def acts(self) -> bool:
        """Whether its name says that it changes something."""
        return self.verb in ACTING

    @property
    def participle(self) -> str:
        """The word for a call that is done: "erased"."""
        return participle(self.verb)

    @cached_property
    def _name_words(self) -> list[str]:
        spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.plain_name)
        return [word.lower() for word in re.split(r"[_\W]+", spaced) if word] or [self.plain_name]

    def score(self, said: Sequence[str]) -> float:
        """Return how much a text, as stems, speaks of this tool.

        What the name says and the text does not counts against it, unless it is a parameter's name.
        """
        words = set(said)
        named = self.words & words
        own = {word for parameter in self.parameters for word in parameter.words}
        asked = (own & words) - named
        described = (self.described & words) - named - asked
        return (
            _NAME * len(named)
            + _PARAMETER * len(asked)
            + _DESCRIPTION * len(described)
            - _UNSAID * len(self.words - words - own)
        )

    def beside(self, said: Sequence[str], topics: frozenset[str]) -> int:
        """Return how many topics of a text this tool has nothing to do with; none if its name is said."""
        own = {word for parameter in self.parameters for word in parameter.words}
        if not self.words - set(said) - own:
            return 0
        return len(topics - self.words - self.described - own)


_LOOKS_BACK = "_conversation-"


def read_tools(request: Mapping[str, Any]) -> list[Tool]:
    """Return the tools of a chat-completions request, without the chat's own way to look back, which these
    rules have no use for."""
    functions = [tool["function"] for tool in request.get("tools") or () if tool.get("type") == "function"]
    return [_read(f) for f in functions if not str(f.get("name")).startswith(_LOOKS_BACK)]


def _read(function: Mapping[str, Any]) -> Tool:
    schema = function.get("parameters") or {}
    required = set(schema.get("required", ()))
    described = str(function.get("description", ""))
    parameters = tuple(
        Parameter(name, _branch(details, schema), name in required, _is_exclusive(name, details, described))
        for name, details in (schema.get("properties") or {}).items()
        if isinstance(details, Mapping)
    )
    return Tool(str(function["name"]), described, parameters)


def _is_exclusive(name: str, details: Mapping[str, Any], described: str) -> bool:
    """Return whether the schema or the tool's description says that this end is not in the range."""
    own = re.search(rf"{_EXCLUSIVE}", str(details.get("description", "")), re.IGNORECASE)
    there = re.search(
        rf"\b{re.escape(name)}\b\s*[(,]?\s*(?:is |itself )*{_EXCLUSIVE}", described, re.IGNORECASE
    )
    return bool(own or there)


def _branch(details: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the branch of an optional parameter that is not null, with a local reference followed."""
    for key in ("anyOf", "oneOf"):
        branches = [b for b in details.get(key, ()) if isinstance(b, Mapping) and b.get("type") != "null"]
        if branches and "const" not in branches[0]:
            return {**details, **_branch(branches[0], root)}
    reference = details.get("$ref")
    if isinstance(reference, str):
        return {**root.get("$defs", {}).get(reference.rpartition("/")[2], {}), **details}
    return details
