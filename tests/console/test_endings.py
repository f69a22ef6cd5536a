"""The person is told how an answer ended that did not end as usual, and reads what the model refuses."""

import json
from typing import Any

import pytest
from aiohttp import web
from semantic_kernel import Kernel
from semantic_kernel.functions import kernel_function
from tests.support.served import on_loopback

from mcpsecurity.console.turn import Conversation
from mcpsecurity.kernel import ChatModel

CALL = '<tool_call>\n{"name": "Tools-roll", "arguments": {}}\n</tool_call>'


class Tools:
    """A tool that the model may call."""

    @kernel_function
    def roll(self) -> str:
        """Roll a die."""
        return "4"


@pytest.mark.parametrize(
    ("delta", "finish", "shown", "ending"),
    [
        ({"content": "Yes."}, "stop", "Yes.", ""),
        ({"content": "Yes, and"}, "length", "Yes, and", "reached the limit of its length"),
        ({"content": "Yes, and"}, "content_filter", "Yes, and", "filter ended this answer"),
        ({"content": ""}, "stop", "", "gave no answer"),
        (
            {"reasoning": "It is 4."},
            "stop",
            "",
            "only thought, and gave no answer. Its server may take answers",
        ),
        ({"reasoning": "It is 4."}, "stop", "", "It thought:\n\nIt is 4."),
        ({"reasoning": "Let me"}, "length", "", "while it was still thinking"),
        ({"refusal": "I can't do it."}, "stop", "I can't do it.", ""),
        ({"content": CALL}, "stop", CALL, "wrote a tool call as text"),
    ],
)
async def test_how_an_answer_ended_is_told(
    delta: dict[str, Any], finish: str, shown: str, ending: str
) -> None:
    async def answer(_: web.Request) -> web.Response:
        chunk = {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
        text = f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n"
        return web.Response(text=text, content_type="text/event-stream")

    app, kernel, said = web.Application(), Kernel(), list[str]()
    app.router.add_post("/v1/chat/completions", answer)
    kernel.add_plugin(Tools(), "Tools")
    async with on_loopback(app) as url, ChatModel.at(f"{url}/v1", "m") as model:
        conversation = Conversation(kernel, model)
        await conversation.answer("Hello?", said.append)
    assert "".join(said) == shown
    assert ending in conversation.ending
    assert bool(ending) == bool(conversation.ending)
    if delta == {"reasoning": "It is 4."}:
        assert conversation.history.messages[-1].content == "It is 4.", "the model knows what it said"
