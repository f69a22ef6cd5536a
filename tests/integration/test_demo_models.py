"""`mcpsecurity demo` with a model of one's own, named by options or by the environment, and an MCP server."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.client.odd import Odd
from tests.integration.test_demo import output_of, running_demo
from tests.support.served import on_loopback
from tests.webclient.person import WebPerson

from mcpsecurity.cli.demo_model import choose_model
from mcpsecurity.localcloud.openai.deployments import DEPLOYMENTS
from mcpsecurity.localcloud.openai.refusal import RefusedError

pytestmark = pytest.mark.timeout(120)
NAME = "offline-reasoning"


class OwnModel:
    """A model that refuses what GPT-5.6 refuses, and a server. `asked`: path, body and headers."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[tuple[str, dict[str, Any], Any]] = []
        self.mcp = Odd()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["OwnModel"]:
        app = web.Application(client_max_size=2**22)
        app.router.add_post("/openai/v1/{api:.*}", self._answer)
        app.router.add_route("*", "/mcp", self.mcp.handle)
        async with on_loopback(app) as self.url:
            yield self

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.asked.append((request.path, body, request.headers))
        if request.match_info["api"] != "responses":
            try:
                DEPLOYMENTS[NAME].check_chat(body)
            except RefusedError as why:
                error = {"message": str(why), "param": why.param, "code": why.code}
                return web.json_response({"error": error}, status=400)
        events: list[dict[str, Any]] = [
            {"type": "response.output_text.delta", "delta": "Hello from a model of your own."},
            {"type": "response.completed", "response": {"model": "own-1", "status": "completed"}},
        ]
        text = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
        return web.Response(text=text, content_type="text/event-stream")


@pytest.fixture
async def own() -> AsyncIterator[OwnModel]:
    async with OwnModel().running() as model:
        yield model


async def _hello(folder: Path, *options: str, **environment: str) -> tuple[str, str]:
    """Say hello in a demo; return how the answer ended, and what the demo told the person."""
    async with running_demo(folder, *options, **environment) as (process, ready, _):
        async with WebPerson(ready["webclient"], Path(ready["ca_file"])) as alice:
            await alice.sign_in()
            async with alice.page() as page:
                assert (await alice.command("messages", text="hello"))[0] == 202
                ended = await page.until("run.done")
        process.terminate()
        async with asyncio.timeout(90):
            _, told = await process.communicate()
    return ended["status"], told.decode()


Environment = Callable[[str], dict[str, str]]


@pytest.mark.parametrize(
    ("options", "environment", "paths", "header"),
    [
        (
            lambda url: ["--model-url", f"{url}/openai/v1", "--model", NAME, "--mcp-server", f"{url}/mcp"],
            lambda _: {"OPENAI_API_KEY": "k", "MCPSECURITY_MODEL_HEADERS": '{"X-Team": "shop"}'},
            ["/openai/v1/chat/completions", "/openai/v1/responses"],
            ("Authorization", "Bearer k"),
        ),
        (
            lambda _: [],
            lambda url: {
                "OPENAI_BASE_URL": f"{url}/openai/v1",
                "OPENAI_CHAT_MODEL_ID": NAME,
                "OPENAI_API_KEY": "k",
                "MCPSECURITY_MODEL_HEADERS": '{"X-Team": "shop"}',
            },
            ["/openai/v1/chat/completions", "/openai/v1/responses"],
            ("Authorization", "Bearer k"),
        ),
        (
            lambda _: [],
            lambda url: {
                "AZURE_OPENAI_ENDPOINT": f"{url}/openai/v1/",
                "AZURE_OPENAI_CHAT_DEPLOYMENT_NAME": NAME,
                "AZURE_OPENAI_API_KEY": "k",
                "MCPSECURITY_MODEL_HEADERS": '{"X-Team": "shop"}',
            },
            ["/openai/v1/responses"],
            ("api-key", "k"),
        ),
    ],
    ids=["options", "OPENAI_*", "AZURE_OPENAI_*"],
)
async def test_the_chat_talks_to_the_model_that_is_named(
    own: OwnModel,
    tmp_path: Path,
    options: Callable[[str], list[str]],
    environment: Environment,
    paths: list[str],
    header: tuple[str, str],
) -> None:
    status, told = await _hello(tmp_path, *options(own.url), **environment(own.url))
    assert status == "completed"
    assert f"The model is {NAME} at {own.url}" in told
    assert own.mcp.methods[:1] == (["initialize"] if "--mcp-server" in options("") else [])
    assert [path for path, _, _ in own.asked] == paths
    _, body, headers = own.asked[-1]
    assert body["model"] == NAME
    assert "Tools-get_random_number" in [tool["name"] for tool in body["tools"]]
    assert headers[header[0]] == header[1]
    assert headers["X-Team"] == "shop"


async def test_the_model_of_a_deployment_or_of_a_dotenv_file_is_left_aside(
    own: OwnModel, tmp_path: Path
) -> None:
    named = {"OPENAI_BASE_URL": f"{own.url}/v1", "OPENAI_CHAT_MODEL_ID": NAME}
    (tmp_path / ".env").write_text("".join(f"{key}={value}\n" for key, value in named.items()))
    status, told = await _hello(tmp_path)
    assert (status, own.asked) == ("completed", [])
    assert "model" not in told
    status, told = await _hello(tmp_path, **named, ENTRA_TENANT_ID="11111111-2222-3333-4444-555555555555")
    assert (status, own.asked) == ("completed", [])
    assert "ENTRA_TENANT_ID is set, so this environment is a deployment's" in told


@pytest.mark.parametrize(
    ("ambient", "remark", "own"),
    [
        ({}, "", False),
        ({"OPENAI_API_KEY": "k"}, "", False),
        ({"OPENAI_BASE_URL": "http://x"}, "OPENAI_CHAT_MODEL_ID is not set, so", False),
        ({"OPENAI_CHAT_MODEL_ID": "m"}, "", False),
        ({"OPENAI_API_KEY": "k", "OPENAI_CHAT_MODEL_ID": "m"}, "The model is m at api.openai.com", True),
        ({"AZURE_OPENAI_ENDPOINT": "https://x"}, "AZURE_OPENAI_CHAT_DEPLOYMENT_NAME is not set", False),
        (
            {"AZURE_OPENAI_ENDPOINT": "https://x/openai/deployments/gpt/chat/completions"},
            "The model is gpt at",
            True,
        ),
    ],
    ids=str,
)
def test_the_environment_names_a_model_by_address_and_name(
    ambient: dict[str, str], remark: str, own: bool
) -> None:
    chosen = choose_model(ambient)
    assert chosen.remark.startswith(remark)
    assert bool(chosen.remark) is bool(remark)
    assert chosen.environment == (ambient if own else None)


def test_an_option_counts_before_the_environment() -> None:
    ambient = {
        "AZURE_OPENAI_ENDPOINT": "https://x",
        "AZURE_OPENAI_API_KEY": "of azure",
        "OPENAI_BASE_URL": "http://elsewhere",
        "OPENAI_API_KEY": "k",
        "WEBCLIENT_CLIENT_ID": "a deployment's",
        "PATH": "/bin",
    }
    chosen = choose_model(ambient, "http://localhost:1/v1", "m")
    assert chosen.environment == {
        "OPENAI_BASE_URL": "http://localhost:1/v1",
        "OPENAI_CHAT_MODEL_ID": "m",
        "OPENAI_API_KEY": "k",
        "AZURE_OPENAI_API_KEY": "of azure",
    }


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--model", "m"], "--model-url and --model belong together"),
        (["--model-url", "http://localhost:1"], "--model-url and --model belong together"),
        (["--model-url", "http://models.example", "--model", "m"], "write https://"),
        (
            ["--model-url", "https://models.example", "--model", "m"],
            "OPENAI_API_KEY: models.example needs one",
        ),
    ],
)
async def test_options_that_lead_to_no_model_are_refused(
    tmp_path: Path, options: list[str], words: str
) -> None:
    code, out, errors = await output_of(tmp_path, "demo", "--no-browser", *options)
    assert code not in (0, None)
    assert words in " ".join(errors.split())
    assert "ready" not in out
