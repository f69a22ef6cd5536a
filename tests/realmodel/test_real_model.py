"""The web chat and the real llama.cpp: both sides of the wire are whole, and the other one is not ours.

What the model says stands in a table (`weights.py`); reading the chat's tools and messages by a template,
finding calls in what is written, streaming, limits and refusals are llama.cpp's.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp.server.fastmcp import FastMCP
from pydantic import SecretStr
from semantic_kernel import Kernel
from semantic_kernel.contents import ChatHistory
from semantic_kernel.functions import kernel_function
from tests.realmodel.environment import NotInstalledError, llama_python, llama_server
from tests.realmodel.weights import COUNTING, GREETING, THOUGHT, write_model
from tests.server.doctor.endpoints import openai_finding
from tests.support.ports import free_port
from tests.webclient.events import EventStream
from tests.webclient.visitor import Visitor

from mcpsecurity.console.turn import Conversation
from mcpsecurity.kernel import ChatModel, ChatModelSettings
from mcpsecurity.kernel.context import BudgetedModel
from mcpsecurity.kernel.model import open_model
from mcpsecurity.model_settings import ModelSettings
from mcpsecurity.runtime.service import started_runner
from mcpsecurity.runtime.tls import client_ssl_context
from mcpsecurity.settings import settings_of
from mcpsecurity.testing import LocalStack
from mcpsecurity_server.doctor import Status
from mcpsecurity_webclient.app import create_app
from mcpsecurity_webclient.settings import WebSettings

pytestmark = pytest.mark.timeout(180)

_WINDOW = 8_192
_LARGE = 65_536


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "table.gguf"
    write_model(path)
    return path


@pytest.fixture(scope="module")
def python() -> Path:
    try:
        return llama_python()
    except NotInstalledError as error:
        pytest.skip(f"no llama.cpp here: {error}")


@pytest.fixture(scope="module")
def endpoint(python: Path, weights: Path) -> Iterator[str]:
    """The base URL of a server that reads 8,192 tokens: each byte is one."""
    with llama_server(python, weights, free_port(), _WINDOW) as url:
        yield url


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def tool_server(stack: LocalStack) -> str:
    mcp: FastMCP[Any] = FastMCP("Weather", log_level="WARNING")

    @mcp.tool()
    def get_weather(city: str) -> str:
        """Tell the weather of a city."""
        return f"{city}: 21 degrees"

    return stack.serve(mcp).url


@asynccontextmanager
async def _alice(endpoint: str, stack: LocalStack, tool_server: str, **more: Any) -> AsyncIterator[Visitor]:
    """Alice at a chat that uses the model; `more` are further settings."""
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
        mcp_server_url=tool_server,
        mcp_server_scope=cloud.scope,
        openai_base_url=endpoint,
        openai_model="table",
        system_prompt="You are a friendly assistant.",
        **more,
    )
    runner = await started_runner(create_app(settings), port=port)
    try:
        async with Visitor(url, "alice@contoso.example") as visitor:
            yield await visitor.sign_in()
    finally:
        await runner.cleanup()


@pytest.fixture(params=[500], ids=["long answers"])
async def visitor(
    request: pytest.FixtureRequest, endpoint: str, stack: LocalStack, tool_server: str
) -> AsyncIterator[Visitor]:
    """Alice; the parameter is the limit of an answer in tokens."""
    async with _alice(endpoint, stack, tool_server, max_output_tokens=request.param) as visitor:
        yield visitor


async def _answered(visitor: Visitor, text: str) -> dict[str, Any]:
    """Ask, approve all calls, and return the last message."""
    async with visitor.stream() as stream:
        await visitor.ask(text)
        await _approved(visitor, stream)
    return dict((await visitor.snapshot())["messages"][-1])


async def _approved(visitor: Visitor, stream: EventStream) -> list[dict[str, Any]]:
    """Approve all calls until the run is done; return the calls that were made."""
    made = []
    while (event := await stream.next()).name != "run.done":
        if event.name == "tool.proposed":
            assert (await visitor.decide(event.data["call"], "approve")).status == 202
        elif event.name == "tool.done":
            made.append(event.data)
    assert event.data["status"] == "completed", event.data
    return made


async def test_an_answer_is_streamed_word_by_word(visitor: Visitor) -> None:
    async with visitor.stream() as stream:
        await visitor.ask("Hello!")
        done = await stream.until("run.done")
        deltas = [event.data["text"] for event in stream.events if event.name == "message.delta"]
    snapshot = await visitor.snapshot()
    message = snapshot["messages"][-1]
    assert (done["status"], message["text"], "".join(deltas)) == ("completed", GREETING, GREETING)
    assert message["usage"]["completion_tokens"] > 3
    assert message["finish_reason"] == "stop"
    assert snapshot["context"]["window"] == _WINDOW, "which the server tells"


async def test_a_call_is_approved_and_the_model_reads_its_result(visitor: Visitor) -> None:
    async with visitor.stream() as stream:
        await visitor.ask("How is the weather in Oslo?")
        (made,) = await _approved(visitor, stream)
    assert (made["status"], made["content"][0]["text"]) == ("done", "Oslo: 21 degrees")
    message = (await visitor.snapshot())["messages"][-1]
    assert message["text"] == "It is 21 degrees and sunny there."


async def test_two_calls_of_one_answer_are_both_made(visitor: Visitor) -> None:
    async with visitor.stream() as stream:
        await visitor.ask("How is the weather in both cities?")
        made = await _approved(visitor, stream)
    assert sorted(call["content"][0]["text"] for call in made) == ["Oslo: 21 degrees", "Rome: 21 degrees"]
    assert (await visitor.snapshot())["messages"][-1]["text"] == "It is 21 degrees and sunny there."


async def test_a_thought_is_no_part_of_the_answer(visitor: Visitor) -> None:
    message = await _answered(visitor, "Think of a number.")
    assert message["text"] == "I have thought about it."
    assert THOUGHT not in str((await visitor.snapshot())["messages"][-1]["text"])


async def test_what_the_model_thought_before_a_call_comes_back_to_its_template(visitor: Visitor) -> None:
    message = await _answered(visitor, "Ponder the weather.")
    assert message["text"] == "I remember what I thought before the call."
    message = await _answered(visitor, "How is the weather in Oslo?")
    assert message["text"] == "It is 21 degrees and sunny there."


async def test_by_responses_thoughts_come_back_and_a_limit_is_told(
    endpoint: str, stack: LocalStack, tool_server: str
) -> None:
    """llama.cpp says of an answer at its limit that it is complete."""
    async with _alice(endpoint, stack, tool_server, model_api="responses", max_output_tokens=100) as visitor:
        message = await _answered(visitor, "Ponder the weather.")
        assert message["text"] == "I remember what I thought before the call."
        assert (await _answered(visitor, "Count!"))["finish_reason"] == "length"


async def test_the_terminals_loop_calls_tools_and_keeps_within_what_the_server_reads(endpoint: str) -> None:
    class Tools:
        @kernel_function
        def get_weather(self, city: str) -> str:
            """Tell the weather of a city."""
            return f"{city}: 21 degrees"

    kernel, shown = Kernel(), list[str]()
    kernel.add_plugin(Tools(), "Tools")
    async with ChatModel.at(endpoint, "table") as service:
        model = BudgetedModel.of(service, window=_LARGE, kernel=kernel, answer=500)
        conversation = Conversation(kernel, model)
        await conversation.answer("How is the weather in both cities?", shown.append)
        for number in range(4):
            await conversation.answer(f"Number {number}: " + "ships sail ashore. " * 110, shown.append)
    assert "".join(shown) == "It is 21 degrees and sunny there." + 4 * GREETING
    assert model.in_use.window == _WINDOW, "as a refusal said"


async def test_the_doctor_tells_how_much_the_server_reads(endpoint: str, stack: LocalStack) -> None:
    found = await openai_finding(stack.cloud, endpoint, openai_model="table")
    assert found.status is Status.OK, found.message
    assert "by Chat Completions, with a tool, streaming" in found.message
    assert f"It reads {_WINDOW} tokens" in found.message


async def test_questions_that_follow_at_once_are_answered(endpoint: str) -> None:
    """llama.cpp closes a connection a moment after a stream, though it says that it keeps it."""
    settings = settings_of(ModelSettings, openai_base_url=endpoint, openai_model="table")
    async with open_model(settings, client_ssl_context(None)) as model:
        for _ in range(8):
            history = ChatHistory()
            history.add_user_message("Hello!")
            answer = await model.get_chat_message_content(history, ChatModelSettings())
            assert str(answer) == GREETING


@pytest.mark.parametrize("visitor", [6000], indirect=True, ids=["very long answers"])
async def test_an_answer_that_is_stopped_ends_at_once_and_keeps_its_words(visitor: Visitor) -> None:
    async with visitor.stream() as stream:
        run = await visitor.ask("Count!")
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
        await visitor.ask("Count!")
        await stream.until("run.done")
        first = (await visitor.snapshot())["messages"][-1]
        assert first["finish_reason"] == "length"
        assert COUNTING.lstrip().startswith(first["text"].strip())
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
    assert (await _answered(visitor, "Hello!"))["text"] == GREETING


async def test_a_conversation_that_the_server_refuses_as_too_long_is_shortened(
    endpoint: str, stack: LocalStack, tool_server: str
) -> None:
    async with _alice(endpoint, stack, tool_server, context_window=_LARGE, max_output_tokens=500) as visitor:
        for number in range(5):
            message = await _answered(visitor, f"Number {number}: " + "ships sail ashore. " * 110)
            assert message["text"] == GREETING
        assert (await visitor.snapshot())["context"]["window"] == _WINDOW, "as the refusal said"
