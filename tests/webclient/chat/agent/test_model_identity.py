"""Without a key the chat is known to Azure OpenAI by `DefaultAzureCredential`'s token, from the tenant."""

import logging
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from aiohttp import web
from azure.core.exceptions import ClientAuthenticationError
from semantic_kernel.contents import ChatHistory
from tests.browser.stack import Stack
from tests.support.company import service_identity
from tests.support.served import on_loopback
from tests.webclient.conftest import NewPerson, ServeWeb

from mcpsecurity.identity_token import token_provider
from mcpsecurity.kernel.model import ChatModelSettings, open_model
from mcpsecurity.localcloud.openai import ModelEndpoints, add_openai_routes
from mcpsecurity.runtime.tls import client_ssl_context

GRAPH = "https://graph.microsoft.com/.default"


@pytest.fixture(autouse=True)
def identity(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    service_identity(monkeypatch, stack.cloud)


async def _answer(stack: Stack, **changes: Any) -> str:
    """Return what the model says to the web chat's own model code."""
    settings = stack.web_settings(azure_openai_api_key=None, **changes)
    history = ChatHistory()
    history.add_user_message("hello")
    async with open_model(settings, client_ssl_context(settings.ca_file)) as model:
        said = await model.get_chat_message_content(history, ChatModelSettings())
        again = [
            str(piece)
            async for piece in model.get_streaming_chat_message_content(history, ChatModelSettings())
        ]
    assert str(said) == "".join(again)
    return str(said)


async def test_the_token_of_the_environments_application_is_accepted(stack: Stack) -> None:
    assert await _answer(stack)


async def test_the_sign_in_host_may_be_set_for_the_chat_alone(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AZURE_AUTHORITY_HOST")
    assert await _answer(stack, azure_authority_host=stack.cloud.authority)


async def test_a_whole_answer_comes_without_a_key(
    stack: Stack, serve_web: ServeWeb, visitors: NewPerson
) -> None:
    async with serve_web(azure_openai_api_key=None) as url:
        visitor = await visitors(url=url).sign_in()
        async with visitor.stream() as stream:
            await visitor.ask("hello")
            assert (await stream.until("run.done"))["status"] == "completed"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"azure_openai_token_scope": "https://cognitiveservices.azure.us/.default"}, "AADSTS500011"),
        ({"azure_openai_token_scope": "https://nonsense.example/.default"}, "AADSTS500011"),
        ({"azure_openai_token_scope": GRAPH}, None),
    ],
    ids=str,
)
async def test_a_wrong_scope_is_an_error_that_names_it(
    stack: Stack,
    serve_web: ServeWeb,
    visitors: NewPerson,
    caplog: pytest.LogCaptureFixture,
    changes: dict[str, Any],
    reason: str | None,
) -> None:
    async with serve_web(azure_openai_api_key=None, **changes) as url:
        visitor = await visitors(url=url).sign_in()
        async with visitor.stream() as stream:
            await visitor.ask("hello")
            error = (await stream.until("run.done"))["error"]
    expected_error = ("model_no_token", True) if reason else ("model_unauthorized", True)
    assert (error["code"], error["retryable"]) == expected_error
    told = [record.getMessage() for record in caplog.records if record.name == "mcpsecurity.identity_token"]
    expected = [f"no token for {changes['azure_openai_token_scope']}: {reason}"] if reason else []
    assert [line[: len(start)] for line, start in zip(told, expected, strict=True)] == expected


@pytest.mark.parametrize(
    ("environment", "trusts", "reason"),
    [
        ({"AZURE_CLIENT_SECRET": "wrong"}, True, "AADSTS7000215: "),
        ({"AZURE_CLIENT_ID": "10ca1c10-0000-4000-8000-000000000000"}, True, "AADSTS700016: "),
        ({"AZURE_CLIENT_SECRET": None}, True, "DefaultAzureCredential finds no identity that gives one"),
        pytest.param(
            {"AZURE_AUTHORITY_HOST": "https://localhost:1"},
            *(True, "the tenant cannot be reached"),
            marks=pytest.mark.slow,
        ),
        pytest.param({}, False, "the tenant's certificate is not trusted", marks=pytest.mark.slow),
    ],
    ids=str,
)
async def test_why_there_is_no_token_is_logged_on_one_line(
    stack: Stack,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    environment: dict[str, str | None],
    trusts: bool,
    reason: str,
) -> None:
    for key, value in environment.items():
        if value is None:
            monkeypatch.delenv(key)
        else:
            monkeypatch.setenv(key, value)
    tls = client_ssl_context(stack.cloud.ca_file if trusts else None)
    async with token_provider(GRAPH, tls) as provider:
        with pytest.raises(ClientAuthenticationError):
            await provider()
    (record,) = [record for record in caplog.records if record.name == "mcpsecurity.identity_token"]
    assert record.getMessage().startswith(f"no token for {GRAPH}: {reason}")
    assert "\n" not in record.getMessage()
    assert "Trace ID" not in record.getMessage()


async def test_a_token_is_kept_until_it_is_nearly_over(
    stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "azure.identity")
    async with token_provider(GRAPH, client_ssl_context(stack.cloud.ca_file)) as provider:
        assert await provider() == await provider()
    acquired = [record for record in caplog.records if "acquired a token" in record.getMessage()]
    assert len(acquired) == 1


async def test_a_model_on_this_machine_may_be_asked_by_http(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with _plain_model() as endpoint:
        monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", endpoint)  # Semantic Kernel reads it, too
        assert await _answer(stack, azure_openai_endpoint=endpoint)


def _plain_model() -> AbstractAsyncContextManager[str]:
    app = web.Application()
    add_openai_routes(app, ModelEndpoints(api_key="k", accepts_token=bool))
    return on_loopback(app)
