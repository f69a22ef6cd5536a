"""The project that docs/testing.md shows tests its own server, with the wheel in a fresh environment."""

import re
import shutil
from functools import partial
from pathlib import Path

import pytest
from tests.support.installed import ROOT, installed

pytestmark = pytest.mark.timeout(300)
alone = partial(installed, tools=("pytest", "pytest-asyncio", "pytest-xdist"))
"""What `pip install mcpsecurity` brings, and the pytest of the project's own."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "examples" / "testing", tmp_path / "greeter-project"))


def test_the_wheel_is_what_the_environment_imports(project: Path) -> None:
    code = "import mcpsecurity, mcpsecurity_server; print(mcpsecurity.__path__, mcpsecurity_server.__path__)"
    done = alone().run("-c", code, cwd=project)
    assert done.stdout.count(str(alone().folder)) == 2, done.stdout


def test_the_bridge_calls_a_tool_of_the_local_stack(project: Path) -> None:
    code = """
import asyncio
from mcpsecurity.client import McpConnection, TokenAuth
from mcpsecurity.testing import LocalStack

async def main(stack):
    server = stack.serve(approval="never")
    async def token(_):
        return stack.tokens("alice")
    async with McpConnection(server.url, auth=TokenAuth(token)) as connection:
        result = await connection.call_tool("get_random_number", {"min": 5, "max": 6})
        print("number", result.structuredContent["number"])

with LocalStack() as stack:
    asyncio.run(main(stack))
"""
    done = alone().run("-W", "error", "-c", code, cwd=project)
    assert done.stdout == "number 5\n"


def test_its_tests_pass_alone_and_in_parallel(project: Path) -> None:
    for arguments in ((), ("-n", "2")):
        done = alone().run("-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, cwd=project)
        assert re.search(r"^13 passed", done.stdout, re.MULTILINE), done.stdout


def test_a_part_needs_no_pytest(project: Path) -> None:
    done = alone().run("-m", "unittest", "tests.test_with_unittest", cwd=project)
    assert "Ran 2 tests" in done.stdout, done.stdout
    assert done.returncode == 0


def test_the_page_shows_the_settings_of_pytest() -> None:
    settings = (ROOT / "examples" / "testing" / "pyproject.toml").read_text("utf-8")
    page = (ROOT / "docs" / "testing.md").read_text("utf-8")
    (shown,) = re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert settings.endswith(shown)


def test_they_fail_when_the_server_lets_anybody_in(project: Path) -> None:
    conftest = project / "tests" / "conftest.py"
    text = conftest.read_text("utf-8")
    conftest.write_text(text.replace("return {", 'return {"no_auth": True, '), "utf-8")
    done = alone().run("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=project)
    assert done.returncode == 1
    for name in ("greets_who_is_signed_in", "wrong_tokens", "deleting", "application_without", "nobody"):
        assert re.search(rf"^FAILED .*{name}", done.stdout, re.MULTILINE), done.stdout


def test_the_plugin_costs_a_project_that_does_not_use_it_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text(
        "import sys\ndef test_it(): assert not {'aiohttp', 'mcp', 'semantic_kernel'} & set(sys.modules)\n"
    )
    done = alone().run("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=tmp_path)
    assert "1 passed" in done.stdout, done.stdout
