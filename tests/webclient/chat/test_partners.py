"""Endpoints that people use beside Azure, as models of one chat: calls are approved, conversations go on."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from tests.browser.stack import Service
from tests.support.partner import SAID, refusing
from tests.support.partners import PARTNERS
from tests.webclient.conftest import RunChat
from tests.webclient.oddity import Odd, tool
from tests.webclient.person import WebPerson

from mcpsecurity.testing import LocalStack

pytestmark = pytest.mark.slow

# What each refuses a question with, and what the person is told.
REFUSALS: dict[str, tuple[int, Any, str]] = {
    "Ollama": (
        400,
        {"error": {"message": "gemma2 does not support tools", "type": "api_error"}},
        "model_no_tools",
    ),
    "old-vLLM": (
        400,
        {"object": "error", "message": '"auto" tool choice requires --enable-auto-tool-choice'},
        "model_no_tools",
    ),
    "llama.cpp": (
        500,
        {"error": {"code": 500, "message": "tools param requires --jinja flag"}},
        "model_no_tools",
    ),
    "Groq": (
        400,
        {"error": {"message": "Failed to call a function.", "code": "tool_use_failed"}},
        "model_error",
    ),
    "Gemini": (
        400,
        [{"error": {"code": 400, "message": "The input token count exceeds the maximum context length"}}],
        "too_long",
    ),
    "Mistral": (422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "tools"]}]}, "model_error"),
    "Anthropic": (
        529,
        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
        "model_error",
    ),
    "proxy": (404, "<html><body>404</body></html>", "model_not_found"),
    "LM-Studio": (
        200,
        {"error": "Unexpected endpoint or method. (POST /chat/completions)"},
        "model_not_a_stream",
    ),
    "gateway": (200, {"message": "Invalid API key"}, "model_unauthorized"),
    "FastAPI": (200, {"detail": "Your credit balance is too low"}, "model_quota"),
    "xAI": (400, {"code": "invalid", "error": "Incorrect API key provided: xa***"}, "model_unauthorized"),
    "Mistral-key": (401, {"message": "Unauthorized", "request_id": "of-the-body"}, "model_unauthorized"),
    "OpenRouter": (402, {"error": {"code": 402, "message": "Insufficient credits"}}, "model_quota"),
    "Gemini-minute": (
        429,
        [{"error": {"code": 429, "message": "Quota exceeded. Please retry in 12.3s."}}],
        "model_busy",
    ),
    "Azure-network": (
        403,
        {"error": {"code": "403", "message": "Access denied due to Virtual Network/Firewall rules."}},
        "model_forbidden",
    ),
    "loading": (
        503,
        {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}},
        "model_loading",
    ),
}
WORKING = {re.sub("[^A-Za-z.]+", "-", partner.name) + "-works": partner for partner in PARTNERS}
REQUEST_IDS = {
    "Groq": "x-request-id",
    "Anthropic": "request-id",
    "Gemini-minute": "x-litellm-call-id",
    "OpenRouter": "cf-ray",
    "Azure-network": "apim-request-id",
}
"""Who names its request, and in which header."""
PASSING = ("loading",)
"""Who is asked once more."""
REFUSING = {
    name: refusing(status, body, **{REQUEST_IDS.get(name, "x-other"): f"of-{name}"})
    for name, (status, body, _) in REFUSALS.items()
}
ALL = WORKING | REFUSING


@pytest.fixture(scope="module")
async def settings(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Any]]:
    """The settings of a chat that has all partners as its models, one server, and a database in a file."""
    server = Odd()
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    server.results["tools/list"] = {"tools": [tool("weather") | {"inputSchema": schema}]}
    server.results["tools/call"] = {"content": [{"type": "text", "text": "sun"}]}
    models = []
    async with AsyncExitStack() as running:
        odd, *services = [Service(app) for app in (server.app, *(partner.app for partner in ALL.values()))]
        for service in (odd, *services):
            await service.start()
            running.push_async_callback(service.stop)
        for (name, partner), service in zip(ALL.items(), services, strict=True):
            url = f"http://localhost:{service.port}{partner.base}"
            address = "endpoint" if partner.azure else "base_url"
            models.append({"name": name, address: url, "model": "m", "key": "k"})
        yield {
            "database": f"sqlite:///{tmp_path_factory.mktemp('chat') / 'chat.sqlite3'}",
            "listed_models": models,
            "commands_per_minute": 1e6,
            "mcp_server_url": f"http://localhost:{odd.port}/mcp",
        }


async def _asked(person: WebPerson) -> dict[str, Any]:
    """Ask, approve what is proposed, and return how the answer ended, with the snapshot after it."""
    async with person.page() as page:
        status, body = await person.command("messages", text="How is the weather?")
        assert status == 202, body
        while True:
            name, data = await page.next()
            if name == "tool.proposed":
                assert data["call"]["arguments"] == {"city": "Bern"}
                assert await person.decide(data["call"]) == 202
            if name == "run.done":
                break
    async with person.page() as page:
        return data | {"snapshot": page.snapshot}


async def test_calls_are_approved_and_conversations_go_on_after_a_restart(
    settings: dict[str, Any], run_chat: RunChat, local: LocalStack
) -> None:
    chats: dict[str, str] = {}
    async with WebPerson("", local.cloud.ca_file) as person:
        for _ in range(2):
            async with run_chat(**settings) as person.url:
                await person.sign_in()
                for name in WORKING:
                    if name not in chats:
                        chats[name] = await person.new_chat()
                        await person.command("model", model=name)
                    person.chat_id = chats[name]
                    done = await _asked(person)
                    assert done["status"] == "completed", (name, done)
                    assert done["snapshot"]["messages"][-1]["text"] == SAID, name


async def test_a_call_that_is_approved_after_a_restart_has_its_signature(
    settings: dict[str, Any], run_chat: RunChat, local: LocalStack
) -> None:
    """Each of these refuses the result of a call without what it gave beside it."""
    signing = [name for name in WORKING if re.match("Gemini|OpenRouter|LiteLLM-s|Portkey|agentgateway", name)]
    assert len(signing) == 6
    chats: dict[str, str] = {}
    async with WebPerson("", local.cloud.ca_file) as person:
        async with run_chat(**settings) as person.url:
            await person.sign_in()
            for name in signing:
                chats[name] = await person.new_chat()
                await person.command("model", model=name)
                async with person.page() as page:
                    await person.ask(page, "How is the weather?")
        async with run_chat(**settings) as person.url:
            await person.sign_in()
            for name in signing:
                person.chat_id = chats[name]
                async with person.page() as page:
                    (call,) = page.snapshot["calls"]
                    assert await person.decide(call) == 202
                    done = await page.until("run.done")
                assert done["status"] == "completed", (name, done)


async def test_refusals_are_told_in_words_that_fit(
    settings: dict[str, Any], run_chat: RunChat, local: LocalStack, caplog: pytest.LogCaptureFixture
) -> None:
    told: dict[str, Any] = {}
    async with WebPerson("", local.cloud.ca_file) as person, run_chat(**settings) as person.url:
        await person.sign_in()
        for name in REFUSALS:
            await person.new_chat()
            await person.command("model", model=name)
            told[name] = (await _asked(person))["error"]
    assert {name: e["code"] for name, e in told.items()} == {n: code for n, (_, _, code) in REFUSALS.items()}
    assert "Try again in 13 seconds." in told["Gemini-minute"]["message"]
    assert all(f"request of-{name}" in caplog.text for name in REQUEST_IDS)
    assert "request of-the-body" in caplog.text
    asked = {name: len(partner.asked) for name, partner in REFUSING.items()}
    assert asked == {name: 2 if name in PASSING else 1 for name in REFUSALS}
