"""A model that knows only what it is sent, and refuses more than its context window has.

It answers "What is the NAME?" from a sentence "the NAME is VALUE" in its request. If there is none, it looks
back by the chat's function, once. It calls the tool `odd-fetch` when it is told to fetch, writes notes that
keep each sentence with "is", and says "Noted." to everything else.
"""

import json
import re
from typing import Any

from aiohttp import web
from tests.webclient.scripted_model import calls, chunk, says

__all__ = ["ReadingModel"]

_QUESTION = re.compile(r"What is the ([a-z ]+)\?")
_FACT = re.compile(r"the [a-z ]{3,30} is [A-Za-z0-9]+")
_MOST_FACTS = 60
LOOK_BACK = "_conversation-look_back"


class ReadingModel:
    """`window` is in tokens of three characters. `sent` are the tokens of each request that was taken,
    `refused` of the others; `notes` counts requests for a note. `words` are those of a refusal, with
    `{window}` and `{tokens}`. What it `thinks` before each answer it wants back, as DeepSeek does."""

    def __init__(self, window: int) -> None:
        self.window = window
        self.words = (
            "This model's maximum context length is {window} tokens. However, your messages resulted in "
            "{tokens} tokens. Please reduce the length of the messages."
        )
        self.code: str | None = "context_length_exceeded"
        self.more: dict[str, Any] = {}
        self.usage = True
        self.fails_notes = False
        self.thinks = ""
        self.sent: list[int] = []
        self.refused: list[int] = []
        self.notes = 0
        self.last: list[dict[str, Any]] = []

    def app(self) -> web.Application:
        """Return the endpoint."""
        app = web.Application(client_max_size=2**28)
        app.router.add_post("/openai/v1/chat/completions", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        text = (await request.read()).decode()
        tokens = len(text) // 3
        if tokens > self.window:
            self.refused.append(tokens)
            words = self.words.format(window=self.window, tokens=tokens)
            error = {"message": words, "code": self.code, "type": "invalid_request_error", **self.more}
            return web.json_response({"error": error}, status=400)
        self.sent.append(tokens)
        body = json.loads(text)
        self.last = body["messages"]
        said = [message for message in self.last if message["role"] == "assistant"]
        if self.thinks and not all(message.get("reasoning_content") for message in said):
            error = {
                "message": "The `reasoning_content` in the thinking mode must be passed back to the API."
            }
            return web.json_response({"error": error}, status=400)
        parts = self._reply(body)
        if self.thinks:
            parts = [chunk({"reasoning_content": self.thinks}), *parts]
        if self.usage:
            usage = {"prompt_tokens": tokens, "completion_tokens": 9, "total_tokens": tokens + 9}
            parts = [*parts, {**chunk({}), "choices": [], "usage": usage}]
        events = "".join(f"data: {json.dumps(part)}\n\n" for part in parts) + "data: [DONE]\n\n"
        return web.Response(text=events, content_type="text/event-stream")

    def _reply(self, body: dict[str, Any]) -> list[Any]:
        messages = body["messages"]
        if messages[0]["content"].startswith("Write a note"):
            self.notes += 1
            facts = list(dict.fromkeys(_FACT.findall(messages[-1]["content"])))
            return says("" if self.fails_notes else ". ".join(facts[:_MOST_FACTS]) or "Nothing yet.")
        last = next(m["content"] for m in reversed(messages) if m["role"] == "user")
        asked = _QUESTION.search(last)
        if asked is None:
            fetched = messages[-1]["role"] == "tool"
            return calls((None, "odd-fetch", "{}")) if "Fetch" in last and not fetched else says("Noted.")
        return self._said_of(asked[1], messages, {tool["function"]["name"] for tool in body.get("tools", ())})

    def _said_of(self, name: str, messages: list[dict[str, Any]], tools: set[str]) -> list[Any]:
        known = re.search(rf"the {name} is (\w+)", " ".join(str(m.get("content")) for m in messages[1:]))
        if known:
            return says(f"It is {known[1]}.")
        if messages[-1]["role"] != "tool" and LOOK_BACK in tools:
            return calls((None, LOOK_BACK, json.dumps({"find": f"the {name} is"})))
        return says("I do not know.")
