"""A decimal that a model writes, or a notebook passes, reaches the server with its digits."""

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web
from semantic_kernel import Kernel
from semantic_kernel.connectors.ai import FunctionChoiceBehavior
from semantic_kernel.connectors.ai.chat_completion_client_base import ChatCompletionClientBase
from semantic_kernel.connectors.ai.open_ai import AzureChatPromptExecutionSettings
from semantic_kernel.contents import ChatHistory
from tests.support.served import on_loopback

from mcpsecurity.client import McpConnection
from mcpsecurity.kernel import import_mcp_tools
from mcpsecurity.testing import LocalStack, calls, says

LONG = "0.123456789012345678901234567890"
INPUT = {"type": "object", "properties": {"amount": {"type": "number"}}, "additionalProperties": True}


class Shop:
    """A server without a library below it; `bodies` are its calls as they were sent."""

    def __init__(self) -> None:
        self.bodies: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.method != "POST":
            return web.Response(status=405)
        body = await request.text()
        message = json.loads(body)
        results: dict[str, dict[str, Any]] = {
            "initialize": {
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "shop", "version": "1"},
            },
            "tools/list": {"tools": [{"name": "pay", "inputSchema": INPUT}]},
            "tools/call": {"content": [{"type": "text", "text": "Paid."}]},
        }
        if message["method"] not in results:
            return web.Response(status=202)
        if message["method"] == "tools/call":
            self.bodies.append(body.replace(" ", ""))
        return web.json_response(
            {"jsonrpc": "2.0", "id": message["id"], "result": results[message["method"]]}
        )


@pytest.fixture
async def shop(thinking_kernel: Kernel) -> AsyncIterator[Shop]:
    shop, app = Shop(), web.Application()
    app.router.add_route("*", "/mcp", shop.answer)
    async with on_loopback(app, "/mcp") as url, McpConnection(url) as connection:
        await import_mcp_tools(thinking_kernel, connection)
        yield shop


@pytest.mark.parametrize("streamed", [False, True])
async def test_what_the_model_wrote(
    thinking_kernel: Kernel, stack: LocalStack, shop: Shop, streamed: bool
) -> None:
    given = f'{{"amount": 1.10, "more_arguments": {{"rate": {LONG}}}}}'
    stack.model.will(calls("Tools-pay", given), says("Paid."))
    service = thinking_kernel.get_service(type=ChatCompletionClientBase)
    assert isinstance(service, ChatCompletionClientBase)
    settings = AzureChatPromptExecutionSettings(function_choice_behavior=FunctionChoiceBehavior.Auto())
    history = ChatHistory()
    history.add_user_message("Pay!")
    if streamed:
        async for _ in service.get_streaming_chat_message_content(history, settings, kernel=thinking_kernel):
            pass
    else:
        await service.get_chat_message_content(history, settings, kernel=thinking_kernel)
    (body,) = shop.bodies
    assert f'"rate":{LONG}' in body
    assert '"amount":1.10' in body


async def test_what_a_notebook_passes(thinking_kernel: Kernel, shop: Shop) -> None:
    pay = thinking_kernel.get_function("Tools", "pay")
    await pay.invoke(thinking_kernel, amount=Decimal("1.10"), rate=Decimal(LONG), count=3, share=0.5)
    (body,) = shop.bodies
    assert f'"arguments":{{"amount":1.10,"rate":{LONG},"count":3,"share":0.5}}' in body
