"""Each extra does its job with the oldest and with the newest packages that pyproject.toml allows.

That fetches some gigabytes, so it is no part of `make test`: `make versions` does it, with the Python of
`.venv`, or with the one that VERSIONS_PYTHON names.
"""

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from cryptography.fernet import Fernet
from tests.console.conftest import YOU, Screen, bakery, sign_in
from tests.deploy.versions import ENDS, at
from tests.notebooks.reader import Answer, run
from tests.support.installed import ROOT
from tests.support.ports import free_port
from tests.support.programs import postgresql, redis_server, unmeasured
from tests.telemetry.collector import running_collector
from tests.telemetry.scraping import scraped
from tests.telemetry.services import Services, running_services, stopping

from mcpsecurity.client import SignInRequiredError
from mcpsecurity.testing import LocalStack

pytestmark = [pytest.mark.versions, pytest.mark.timeout(1200)]

BOOKS = ROOT / "docs" / "notebooks"
TOOLS = ("pytest>=8", "pytest-asyncio>=0.24", "pytest-xdist>=3.6")
ALONE = {"PYTHONPATH": ""}
"""Nothing of this tree is imported."""


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack() as stack:
        stack.cloud.tenant.device_poll_interval = 1
        yield stack


@pytest.fixture(scope="module", params=ENDS)
def end(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_the_server_answers_a_call_with_a_token_and_refuses_others(
    end: str, stack: LocalStack, tmp_path: Path
) -> None:
    more = ALONE | {"MCP_SERVER_APPROVAL": "never"}
    services = Services(stack, tmp_path, more, str(at(end).python))
    async with stopping(services.server):
        await services.server.start()
        served = stack.serve(services.mcp_url)
        async with served.session("alice") as session:
            result = await session.call_tool("get_random_number", {"min": 5, "max": 6})
        assert result.structuredContent == {"number": 5, "min": 5, "max": 6}
        with pytest.raises(SignInRequiredError):
            async with served.session("alice", expired=True):
                pass


async def test_the_web_chat_answers_a_prompt(end: str, stack: LocalStack, tmp_path: Path) -> None:
    async with running_services(stack, tmp_path, str(at(end, "webclient").python), **ALONE) as services:
        assert (await services.chat())["status"] == "done"


async def test_a_chat_is_traced_and_counted(end: str, stack: LocalStack, tmp_path: Path) -> None:
    port, python = free_port(), str(at(end, "webclient", "telemetry").python)
    async with running_collector() as collector:
        more = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            "MCP_SERVER_METRICS_PORT": str(port),
        }
        async with running_services(stack, tmp_path, python, **ALONE, **more) as services:
            await services.chat()
            await collector.until(lambda found: bool(found.named("invoke_agent web chat")))
            counted = await scraped(port)
    assert len({span.trace_id for span in collector.named("tools/call get_random_number")}) == 1
    assert counted.value("mcpsecurity_tool_calls_total", mcpsecurity_outcome="ok") == 1


async def test_a_chat_is_kept_in_postgresql_and_redis(end: str, stack: LocalStack, tmp_path: Path) -> None:
    python = str(at(end, "webclient", "scale").python)
    async with redis_server() as redis, postgresql() as (_, address):
        more = {
            "MCPSECURITY_REDIS_URL": f"redis://127.0.0.1:{redis.port}",
            "MCPSECURITY_KEYS": Fernet.generate_key().decode(),
            "WEBCLIENT_DATABASE_URL": address,
        }
        async with running_services(stack, tmp_path, python, **ALONE, **more) as services:
            assert (await services.chat())["status"] == "done"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_the_terminal_chats(end: str, stack: LocalStack, tmp_path: Path) -> None:
    served = stack.serve(bakery())
    environment = {
        **unmeasured(),
        **stack.environment,
        **ALONE,
        "CONSOLE_CLIENT_ID": stack.cloud.public_client_id,
        "CONSOLE_TOKEN_CACHE": str(tmp_path / "tokens"),
        "MCP_SERVER_URL": served.url,
        "MCP_SERVER_SCOPE": served.scope,
        "PROMPT_TOOLKIT_NO_CPR": "1",
        "TERM": "xterm",
    }
    process = pexpect.spawn(
        str(at(end, "console").python),
        ["-m", "mcpsecurity", "chat", "--device-code"],
        env=environment,
        cwd=str(tmp_path),
        encoding="utf-8",
        timeout=60,
        dimensions=(60, 250),
    )
    screen = Screen(process)
    sign_in(screen)
    screen.see(YOU)
    screen.type("Bake bread: 3 loaves")
    screen.see("Approve?")
    screen.type("y")
    assert "3 loaves" in screen.see(YOU)
    screen.press("d")
    assert screen.end() == 0


def test_notebooks_call_tools_and_show_forms(end: str, tmp_path: Path) -> None:
    environment = at(end, "notebook")
    _, text = run(BOOKS / "1-first-tool-call.ipynb", environment, tmp_path)
    assert re.search(r"number between [^*]* is \*\*[1-6]\*\*", text)
    filled = {"Cake": {"index": 2}, "Pieces": {"value": "3"}, "Wrapped": {"index": 1}}
    answers = [Answer("Submit", filled), Answer("Decline")]
    _, text = run(BOOKS / "3-elicitation.ipynb", environment, tmp_path, answers)
    assert "3 pieces of carrot cake, wrapped" in text


def test_the_plugin_tests_a_project(end: str, tmp_path: Path) -> None:
    project = Path(shutil.copytree(ROOT / "examples" / "testing", tmp_path / "project"))
    for arguments in ((), ("-n", "2")):
        done = at(end, tools=TOOLS).run("-m", "pytest", "-q", *arguments, cwd=project)
        assert done.returncode == 0, done.stdout
        assert re.search(r"^1\d passed", done.stdout, re.MULTILINE), done.stdout
