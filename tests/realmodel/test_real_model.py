"""The web chat with a real OpenAI-compatible server and a real model: llama.cpp with SmolLM2.

The model is small: it writes words and calls no tools, so that only streaming, stopping, going on and
overflowing are tried with it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from mcp.server.fastmcp import FastMCP
from pydantic import SecretStr
from semantic_kernel.contents import ChatHistory
from tests.realmodel.environment import SERVE, NotInstalledError, realmodel_python
from tests.support.ports import free_port
from tests.webclient.visitor import Visitor

from mcpsecurity.kernel import ChatModelSettings
from mcpsecurity.kernel.model import open_model
from mcpsecurity.model_settings import ModelSettings
from mcpsecurity.runtime.service import started_runner
from mcpsecurity.runtime.tls import client_ssl_context
from mcpsecurity.settings import settings_of
from mcpsecurity.testing import LocalStack, ServerCommand
from mcpsecurity.testing.command import RunningCommand
from mcpsecurity_webclient.app import create_app
from mcpsecurity_webclient.settings import WebSettings

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The base URL of the running server."""
    try:
        python = realmodel_python()
    except NotInstalledError as error:
        pytest.skip(f"no real model here: {error}")
    port = free_port()
    command = ServerCommand([str(python), str(SERVE), str(port)], seconds=60)
    running = RunningCommand(command, port, {})
    try:
        _wait_until_loaded(f"http://127.0.0.1:{port}/health")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        running.stop()


def _wait_until_loaded(url: str) -> None:
    deadline = time.monotonic() + 60
    with httpx.Client(trust_env=False) as http:
        while http.get(url).status_code != 200:
            assert time.monotonic() < deadline, "the model is not loaded in time"
            time.sleep(0.1)


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack() as stack:
        yield stack


@pytest.fixture(params=[200], ids=["long answers"])
async def visitor(request: pytest.FixtureRequest, endpoint: str, stack: LocalStack) -> AsyncIterator[Visitor]:
    """Alice at a chat that uses the model; the parameter is the limit of an answer in tokens."""
    port, cloud = free_port(), stack.cloud
    url = f"http://localhost:{port}"
    cloud.register_webclient_url(url)
    settings = WebSettings(
        authority=cloud.authority,
        tenant_id=cloud.tenant_id,
        ca_file=cloud.ca_file,
        url=url,
        client_id=cloud.web_client_id,
        client_secret=SecretStr(cloud.web_client_secret),
        mcp_server_url=stack.serve(FastMCP("Without tools", log_level="WARNING")).url,
        mcp_server_scope=cloud.scope,
        openai_base_url=endpoint,
        openai_model="smollm2",
        system_prompt="You are a friendly assistant.",
        max_output_tokens=request.param,
    )
    runner = await started_runner(create_app(settings), port=port)
    try:
        async with Visitor(url, "alice@contoso.example") as visitor:
            yield await visitor.sign_in()
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("visitor", [24], indirect=True, ids=["short answers"])
async def test_an_answer_is_streamed_word_by_word(visitor: Visitor) -> None:
    async with visitor.stream() as stream:
        await visitor.ask("Write one sentence about rivers.")
        done = await stream.until("run.done")
        deltas = [event for event in stream.events if event.name == "message.delta"]
    assert done["status"] == "completed"
    assert len(deltas) > 1
    message = (await visitor.snapshot())["messages"][-1]
    assert "".join(event.data["text"] for event in deltas) == message["text"]
    assert message["usage"]["completion_tokens"] > 3
    assert (await visitor.snapshot())["context"]["window"] == 1024, "which the server tells"
    assert message["finish_reason"] in ("stop", "length")


async def test_questions_that_follow_at_once_are_answered(endpoint: str) -> None:
    """llama.cpp closes a connection a moment after a stream, though it says that it keeps it."""
    settings = settings_of(
        ModelSettings, openai_base_url=endpoint, openai_model="smollm2", max_output_tokens=16
    )
    async with open_model(settings, client_ssl_context(None)) as model:
        for _ in range(4):
            history = ChatHistory()
            history.add_user_message("Say hello.")
            assert await model.get_chat_message_content(history, ChatModelSettings()) is not None


async def test_an_answer_that_is_stopped_ends_at_once_and_keeps_its_words(visitor: Visitor) -> None:
    async with visitor.stream() as stream:
        run = await visitor.ask("Count from one to three hundred in words, separated by commas.")
        await stream.until("message.delta")
        assert (await visitor.command(f"runs/{run}/stop")).status == 202
        async with asyncio.timeout(10):
            done = await stream.until("run.done")
    assert done["status"] == "stopped"
    message = (await visitor.snapshot())["messages"][-1]
    assert message["text"]
    assert message["finish_reason"] == "stopped"


@pytest.mark.parametrize("visitor", [16], indirect=True, ids=["short answers"])
async def test_an_answer_that_reached_its_limit_goes_on(visitor: Visitor) -> None:
    async with visitor.stream() as stream:
        await visitor.ask("Tell me a long story about a lighthouse.")
        await stream.until("run.done")
        first = (await visitor.snapshot())["messages"][-1]
        assert first["finish_reason"] == "length"
        assert (await visitor.command("continue")).status == 202
        await stream.until("run.done")
    last = (await visitor.snapshot())["messages"][-1]
    assert last["role"] == "assistant"
    assert (last["message_id"], last["text"]) != (first["message_id"], first["text"])


async def test_more_than_the_model_reads_is_said_to_be_too_much(visitor: Visitor) -> None:
    async with visitor.stream() as stream:
        await visitor.ask("river " * 1500)
        done = await stream.until("run.done")
        assert done["status"] == "failed"
        assert done["error"]["code"] == "too_long"
        await visitor.new_chat()
    async with visitor.stream() as stream:
        await visitor.ask("Say hello.")
        assert (await stream.until("run.done"))["status"] == "completed"
