"""What a deployment takes: learned from what it refuses, and remembered."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal, Protocol

from mcpsecurity.model_efforts import nearest_effort
from mcpsecurity.model_endpoint import Api, ModelEndpoint
from mcpsecurity.model_plain_schemas import plain_tool
from mcpsecurity.model_turns import in_turn

Way = Literal["responses", "chat", "dated"]
"""How a request is sent: Responses, Chat Completions, or Chat Completions by Azure's dated API."""

_NAMES = (
    "reasoning.summary reasoning.effort reasoning reasoning_effort include temperature top_p stop seed user"
    " parallel_tool_calls stream_options tool_choice store"
)
_OPTIONAL = {name: tuple(name.split(".")) for name in _NAMES.split()}
"""Parameters without which a request means the same, or nearly, and where they stand in the body."""

_NO_ENCRYPTION = re.compile(r"encrypted.content", re.IGNORECASE)
_NAMES_RESPONSES = re.compile(r"/v1/responses|responses api", re.IGNORECASE)
_NAMES_CHAT = re.compile(r"/v1/chat/completions|chat completions? api", re.IGNORECASE)
_WITHOUT_EFFORT = re.compile(r"set reasoning_effort to .?none", re.IGNORECASE)
_OTHER_OPERATION = re.compile(
    r"not supported by the responses api|operation (does not work|is unsupported)|requested api is .{0,20}not"
    r" supported|does not support the .?/(openai/)?v1/(chat/completions|responses).? api",
    re.IGNORECASE,
)
"""How Azure, Foundry and Bedrock refuse a model by one API that they have by the other."""
_OLD_VERSION = re.compile(r"only for api.versions?|api.version.{0,60}(not supported|or later)", re.IGNORECASE)
_UNKNOWN = re.compile(
    r"unsupported|not supported|unknown|unrecognized|unexpected|not permitted|extra inputs|invalid"
    r"|does not exist|must be verified|deprecated|cannot both be|does not support parameter|input should be"
    r"|may only be set|or unset",
    re.IGNORECASE,
)
_NO_EFFORT = re.compile(
    r"\bthink value\b|does not support thinking|invalid reasoning value|thinking level is not", re.IGNORECASE
)
"""How Ollama and Gemini refuse `reasoning_effort`."""
_THOUGHT = "reasoning_content"
_WANTS_THOUGHTS = re.compile(_THOUGHT)
_WANTS_SIGNATURE = re.compile(r"missing a .?thought_signature", re.IGNORECASE)
_UNSIGNED = {"google": {"thought_signature": "skip_thought_signature_validator"}}
"""What Gemini takes for the signature of a call that it did not make itself:
https://ai.google.dev/gemini-api/docs/thought-signatures."""
THOUGHT_AS = "thought_as"
"""Key in a message that is made for Chat Completions: the name by which a thought came, and by which it goes
back while the answer is under way. It is not sent."""
_NO_PHASE = re.compile(r"\bphase\b")
_WANTS_SHORT_IDS = re.compile(r"tool call id was .{0,200}length of 9", re.IGNORECASE | re.DOTALL)
_WANTS_TURNS = re.compile(
    r"roles must alternate|unexpected role .{1,20} after|system message must be (at the beginning|first)"
    r"|call turn comes immediately after",
    re.IGNORECASE,
)
_WANTS_PLAIN_SCHEMAS = re.compile(
    r"function_declarations|input_schema|schema conversion|parse grammar|grammar error|xgrammar"
    r"|unrecogni[sz]ed schema|(invalid|unsupported) .{0,40}schema|schema .{0,60}(not supported|unsupported)",
    re.IGNORECASE,
)
_NO_THOUGHT = " "
"""What stands for a thought that is not known any more: an empty one is refused."""
_BAD = (400, 422)
_EFFORTS = (("reasoning_effort",), ("reasoning", "effort"))
"""Where the effort stands in Chat Completions and in Responses."""
_NO_MODEL = frozenset({"DeploymentNotFound", "model_not_found"})
_LIMITS = ("max_completion_tokens", "max_tokens")
_ALL_LIMITS = (*_LIMITS, "max_output_tokens")
_LIMIT_TOO_HIGH = re.compile(
    r"max_(?:completion_|output_)?tokens\b(?!.*context length).{0,80}"
    r"(?:too large|greater than|less than or equal|> \d+|at most)",
    re.IGNORECASE | re.DOTALL,
)
"""How a limit is refused that the model's own is below, so that it holds without being sent."""
_RETURNED = (
    "reasoning_details", "thinking_blocks", "extra_content", "provider_specific_fields", "reasoning", _THOUGHT
)  # fmt: skip
"""What goes back in messages because it came in them, and what some who send it refuse."""


class Refusal(Protocol):
    """A status that tells of a failure, and the error in its body: `model_error.Refusal` is one."""

    @property
    def status_code(self) -> int: ...
    @property
    def message(self) -> str: ...
    @property
    def code(self) -> str | None: ...
    @property
    def param(self) -> str | None: ...


@dataclass(slots=True)
class Dialect:
    """How one deployment is asked.

    Attributes:
        way: the API in use.
        fixed: whether the operator chose Responses or Chat Completions, so that a refusal does not change it.
        dropped: optional parameters that the deployment refused.
        efforts: by each effort that the deployment does not know, the one that is sent instead.
        limit: its name for the limit of an answer in Chat Completions.
        effortless: it takes tools by Chat Completions with the reasoning effort `none` only.
        thoughtful: it wants back what it thought, as DeepSeek and Kimi do.
        unreturned: what it sends in messages and does not take back.
        signs: it wants a signature with each call, as Gemini does.
        unphased: it does not know the phases of messages in Responses.
        short_ids: it takes ids of calls that have nine letters and digits only, as Mistral does.
        in_turn: it takes one system message, and messages of person and model in turn.
        plain: it takes schemas of tools in few keywords only.
    """

    way: Way
    fixed: bool = False
    dropped: set[tuple[str, ...]] = field(default_factory=set, init=False)
    efforts: dict[str, str] = field(default_factory=dict, init=False)
    limit: str = field(default=_LIMITS[0], init=False)
    effortless: bool = field(default=False, init=False)
    thoughtful: bool = field(default=False, init=False)
    short_ids: bool = field(default=False, init=False)
    in_turn: bool = field(default=False, init=False)
    plain: bool = field(default=False, init=False)
    unreturned: set[str] = field(default_factory=set, init=False)
    signs: bool = field(default=False, init=False)
    unphased: bool = field(default=False, init=False)
    _turned: bool = field(default=False, init=False)

    @classmethod
    def of(cls, endpoint: ModelEndpoint, api: Api) -> "Dialect":
        """Return how an endpoint is asked at first: by `api`; with `auto`, by Responses if it has it.

        Those who follow OpenAI know the older name of the limit, and some let the newer one pass without a
        word (ollama/ollama#7125, abetlen/llama-cpp-python#1907).
        """
        chat: Way = "chat" if endpoint.api_version is None else "dated"
        by_responses = endpoint.has_responses if api == "auto" else api == "responses"
        made = cls("responses" if by_responses else chat, fixed=api != "auto")
        made.limit = _LIMITS[0] if endpoint.is_openais else _LIMITS[1]
        return made

    def shaped(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return a body as the deployment takes it."""
        shaped = dict(body)
        if self.limit != _LIMITS[0] and _LIMITS[0] in shaped:
            shaped[self.limit] = shaped.pop(_LIMITS[0])
        for path in self.dropped:
            _drop(shaped, path)
        for path in _EFFORTS if self.efforts else ():
            if isinstance(effort := _at(shaped, path), str):
                _put(shaped, path, self.effort_for(effort))
        if self.effortless and self.way != "responses" and shaped.get("tools"):
            shaped["reasoning_effort"] = "none"
        if self.unphased and "input" in shaped:
            shaped["input"] = [_without(item, "phase") for item in shaped["input"]]
        if "messages" in shaped:
            messages = in_turn(shaped["messages"]) if self.in_turn else shaped["messages"]
            shaped["messages"] = [self._message(message) for message in messages]
        if self.plain and "tools" in shaped:
            shaped["tools"] = [plain_tool(tool) for tool in shaped["tools"]]
        return shaped

    def effort_for(self, effort: str) -> str:
        """Return the effort that is sent for another: itself, unless it has been refused."""
        while effort in self.efforts:
            effort = self.efforts[effort]
        return effort

    def _message(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a message of Chat Completions as the deployment takes it."""
        unwanted = {_THOUGHT, THOUGHT_AS, *self.unreturned}
        shaped = {name: value for name, value in message.items() if name not in unwanted}
        if (name := message.get(THOUGHT_AS)) and name not in self.unreturned and not self.thoughtful:
            shaped[name] = message[_THOUGHT]
        if self.thoughtful and message["role"] == "assistant":
            shaped[_THOUGHT] = message.get(_THOUGHT) or _NO_THOUGHT
        if self.short_ids and "tool_call_id" in shaped:
            shaped["tool_call_id"] = _short(shaped["tool_call_id"])
        if "tool_calls" in shaped and (self.short_ids or self.unreturned):
            shaped["tool_calls"] = [self._call(call) for call in shaped["tool_calls"]]
        if self.signs and "tool_calls" in shaped:
            first, *others = shaped["tool_calls"]
            shaped["tool_calls"] = [{"extra_content": _UNSIGNED, **first}, *others]
        return shaped

    def _call(self, call: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a call as the deployment takes it."""
        shaped = {name: value for name, value in call.items() if name not in self.unreturned}
        return {**shaped, "id": _short(call["id"])} if self.short_ids else shaped

    def learn(self, error: Refusal, way: Way, body: Mapping[str, Any]) -> bool:
        """Learn from a refusal of a body that was sent in this way. True if the same question may be asked
        once more in another."""
        if way != self.way or self._other_way(error):
            return True
        parameter, message = error.param or "", error.message or ""
        if ("messages" in body and self._other_messages(error, body)) or self._other_forms(message, body):
            return True
        if self._other_effort(error, body):
            return True
        if error.status_code not in _BAD:
            return False
        if _WITHOUT_EFFORT.search(message) and "messages" in body:
            known, self.effortless = body.get("reasoning_effort") == "none", True
            return not known
        if any(limit in body for limit in _ALL_LIMITS) and "max_" in parameter + message:
            return self._other_limit(body, message)
        path = _OPTIONAL.get(parameter) or _optional_in(message, body)
        if path is None or not _has(body, path):
            return False
        if path == ("reasoning_effort",) and self.effortless:
            self.effortless = False
        self.dropped.add(path)
        return True

    def _other_way(self, error: Refusal) -> bool:
        """Turn to another API if the refusal names it, or if the path of this one does not exist."""
        status, message = error.status_code, error.message or ""
        if self.way == "dated" and status in (400, 404) and _OLD_VERSION.search(message):
            self.way = "chat"
            return True
        if self.fixed or self._turned:
            return False
        wanted = self.way
        if self.way == "responses":
            missing = status in (404, 405) and error.code not in _NO_MODEL
            other = _NAMES_CHAT.search(message) or _OTHER_OPERATION.search(message)
            if missing or (status == 400 and other):
                wanted = "chat"
        elif status in (400, 404):
            other = _NAMES_RESPONSES.search(message) or _OTHER_OPERATION.search(message)
            wanted = "responses" if other else wanted
        self._turned = wanted != self.way
        self.way = wanted
        return self._turned

    def _other_messages(self, error: Refusal, body: Mapping[str, Any]) -> bool:
        """Learn what the deployment wants in messages that it has refused so far."""
        message = error.message or ""
        before = self.thoughtful, self.short_ids, self.signs, len(self.unreturned)
        sent = _returned(body["messages"])
        if not message and error.status_code in _BAD:  # Cerebras says nothing
            self.unreturned |= sent & {"reasoning", _THOUGHT}
        elif _UNKNOWN.search(message):
            self.unreturned |= {name for name in sent if re.search(rf"(?<!\w){name}(?!\w)", message)}
        if _THOUGHT not in self.unreturned:
            self.thoughtful = self.thoughtful or bool(_WANTS_THOUGHTS.search(message))
        self.short_ids = self.short_ids or bool(_WANTS_SHORT_IDS.search(message))
        self.signs = self.signs or bool(_WANTS_SIGNATURE.search(message))
        return before != (self.thoughtful, self.short_ids, self.signs, len(self.unreturned))

    def _other_forms(self, message: str, body: Mapping[str, Any]) -> bool:
        """Learn that the deployment wants messages in turn or without phases, or plain schemas; False if they
        are so already."""
        if _WANTS_TURNS.search(message):
            self.in_turn = True
        elif _WANTS_PLAIN_SCHEMAS.search(message) and "response_format" not in message:
            self.plain = True
        elif _NO_PHASE.search(message) and "input" in body:
            self.unphased = True
        else:
            return False
        return self.shaped(dict(body)) != body

    def _other_effort(self, error: Refusal, body: Mapping[str, Any]) -> bool:
        """Learn the effort that is nearest to a refused one, if the refusal lists those that are known."""
        if error.status_code not in (*_BAD, 500) or (self.effortless and "messages" in body):
            return False
        sent = next((known for path in _EFFORTS if isinstance(known := _at(body, path), str)), None)
        if sent is None:
            return False
        message, refused = error.message or "", frozenset(self.efforts)
        nearest = nearest_effort(sent, error.param or "", message, refused)
        if nearest is None or _WITHOUT_EFFORT.search(message):
            return False
        self.efforts[sent] = nearest
        return True

    def _other_limit(self, body: Mapping[str, Any], message: str) -> bool:
        """Learn another name for the limit of an answer, or that it is more than the model writes anyway."""
        sent = next(limit for limit in _ALL_LIMITS if limit in body)
        if _LIMIT_TOO_HIGH.search(message) is not None:
            self.dropped.add((sent,))
            return True
        if sent not in _LIMITS:
            return False
        other = next(limit for limit in _LIMITS if limit != sent)
        if not (_UNKNOWN.search(message) or other in message):
            return False
        self.limit = other
        return True


def unstreamed(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request that asks for a whole answer. After an empty stream it tells what is wrong."""
    return {**_without(body, "stream_options"), "stream": False}


def _without(item: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key != name}


def _short(call_id: str) -> str:
    """Return nine letters and digits for an id, the same ones each time."""
    if re.fullmatch(r"[A-Za-z0-9]{9}", call_id):
        return call_id
    return sha256(call_id.encode(errors="replace")).hexdigest()[:9]


def _returned(messages: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return which of what the deployment sent goes back in these messages."""
    sent: set[str] = set()
    for message in messages:
        sent |= message.keys()
        for call in message.get("tool_calls", ()):
            sent |= call.keys()
    return sent & set(_RETURNED)


def _optional_in(message: str, body: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return where the optional parameter stands that a message refuses without saying so by `param`."""
    named = (path for name, path in _OPTIONAL.items() if _named(name, message) and _has(body, path))
    if _UNKNOWN.search(message) and (path := next(named, None)):
        return path
    if _NO_ENCRYPTION.search(message):
        return _OPTIONAL["include"]
    return _OPTIONAL["reasoning_effort"] if _NO_EFFORT.search(message) else None


def _named(name: str, message: str) -> bool:
    """Tell whether a message names a parameter; xAI writes `reasoningEffort`."""
    head, *tail = name.split("_")
    spelled = f"{re.escape(name)}|{re.escape(head)}{''.join(map(str.capitalize, tail))}"
    return re.search(rf"(?<![\w.])(body\.)?({spelled})(?!\w)", message) is not None


def _at(body: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """Return what stands at a path; None if nothing does."""
    found: Any = body
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _has(body: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    inner = _at(body, path[:-1])
    return isinstance(inner, Mapping) and path[-1] in inner


def _put(body: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    *outer, name = path
    body |= {outer[0]: {**body[outer[0]], name: value}} if outer else {name: value}


def _drop(body: dict[str, Any], path: tuple[str, ...]) -> None:
    if not _has(body, path):
        return
    if len(path) == 1:
        del body[path[0]]
        return
    inner = dict(body[path[0]])
    _drop(inner, path[1:])
    if inner:
        body[path[0]] = inner
    else:
        del body[path[0]]
