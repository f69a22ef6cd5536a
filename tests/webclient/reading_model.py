"""A model that knows only what it is sent (`tests/support/reading.py`); more than its window it refuses."""

import json
from typing import Any

from aiohttp import web
from tests.support.reading import asks_for_note, reading_answer
from tests.webclient.scripted_model import calls, chunk, says

__all__ = ["ReadingModel"]


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
        if asks_for_note(messages):
            self.notes += 1
            if self.fails_notes:
                return says("")
        answer = reading_answer(messages, body.get("tools", ()))
        return says(answer) if isinstance(answer, str) else calls((None, *answer))
