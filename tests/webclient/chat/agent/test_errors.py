"""What goes wrong with the model is told in words, and the conversation goes on afterwards."""

from typing import Any

import pytest
from tests.browser.stack import Stack
from tests.webclient.conftest import NewPerson, ServeWeb
from tests.webclient.visitor import Visitor
from yarl import URL

from mcpsecurity.localcloud.openai import ModelFault


async def _ends(visitor: Visitor, text: str = "hello") -> dict[str, Any]:
    async with visitor.stream() as stream:
        await visitor.ask(text)
        return await stream.until("run.done")


async def _goes_on(visitor: Visitor) -> None:
    async with visitor.stream() as stream:
        assert (await visitor.command("regenerate")).status == 202
        assert (await stream.until("run.done"))["status"] == "completed"
        snapshot = await visitor.snapshot()
        assert [m["role"] for m in snapshot["messages"]] == ["user", "assistant"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (ModelFault.rate_limit(40), ("model_busy", True, "Try again in 40 seconds.")),
        (ModelFault(429, "429", "busy"), ("model_busy", True, "The model is busy.")),
        (ModelFault.content_filter(), ("content_filter", False, "content filter")),
        (ModelFault.server_error(), ("model_error", True, "(500)")),
        (ModelFault(401, "401", "no"), ("model_unauthorized", True, "credentials")),
        (ModelFault(403, "403", "no"), ("model_unauthorized", True, "credentials")),
        (ModelFault(404, "DeploymentNotFound", "no"), ("model_not_found", True, "does not exist")),
        (ModelFault(400, "context_length_exceeded", "no"), ("too_long", False, "Please write less")),
        (ModelFault(429, "insufficient_quota", "no"), ("model_quota", True, "quota")),
        (ModelFault(400, "other", "secret details"), ("model_error", False, "(400)")),
    ],
    ids=lambda value: value.code if isinstance(value, ModelFault) else "",
)
async def test_an_error_of_the_model_has_a_code_and_words(
    visitor: Visitor, stack: Stack, fault: ModelFault, error: tuple[str, bool, str]
) -> None:
    stack.model.faults.upcoming.extend([fault] * 2)
    done = await _ends(visitor)
    code, retryable, words = error
    assert done["status"] == "failed"
    assert (done["error"]["code"], done["error"]["retryable"]) == (code, retryable)
    assert words in done["error"]["message"]
    assert "secret" not in done["error"]["message"]
    assert done["error"].get("retry_after") == fault.retry_after
    stack.model.faults.upcoming.clear()
    await _goes_on(visitor)


async def test_a_model_that_cannot_be_reached_is_said_to_be_out_of_reach(
    visitor: Visitor, stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    stack.model.faults.down = True
    assert (await _ends(visitor, "a secret question"))["error"]["code"] == "model_unreachable"
    assert f"run failed: model_unreachable, {URL(stack.cloud.openai_endpoint).authority}" in caplog.text
    assert "secret" not in caplog.text
    stack.model.faults.down = False
    await _goes_on(visitor)


async def test_a_model_that_is_silent_is_given_up(
    visitors: NewPerson, serve_web: ServeWeb, stack: Stack
) -> None:
    async with serve_web(model_timeout=0.3) as url:
        visitor = await visitors(url=url).sign_in()
        stack.model.faults.silent = True
        done = await _ends(visitor)
        assert (done["error"]["code"], done["error"]["retryable"]) == ("model_timeout", True)


async def test_an_answer_that_breaks_off_keeps_what_was_said(visitor: Visitor, stack: Stack) -> None:
    stack.model.faults.drop_after = 5
    async with visitor.stream() as stream:
        await visitor.ask("hello")
        message = (await stream.until("message.done"))["message"]
        done = await stream.until("run.done")
    assert message["text"] != ""
    assert message["finish_reason"] == "broken_off"
    assert (done["status"], done["error"]["code"]) == ("failed", "model_broke_off")
    stack.model.faults.drop_after = None
    await _goes_on(visitor)


async def test_a_wrong_key_and_a_wrong_deployment_are_told_apart(
    visitors: NewPerson, serve_web: ServeWeb
) -> None:
    for changes, code in (
        ({"azure_openai_api_key": "wrong"}, "model_unauthorized"),
        ({"deployment": "wrong"}, "model_not_found"),
    ):
        async with serve_web(**changes) as url:
            visitor = await visitors(url=url).sign_in()
            assert (await _ends(visitor))["error"]["code"] == code


async def test_a_credential_that_gives_no_token_is_the_operators_to_mend(
    visitors: NewPerson, serve_web: ServeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MANAGED_IDENTITY", "AZURE_CLI", "AZURE_POWER_SHELL", "AZURE_DEVELOPER_CLI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
    async with serve_web(azure_openai_api_key=None) as url:
        visitor = await visitors(url=url).sign_in()
        assert (await _ends(visitor))["error"]["code"] == "model_no_token"
