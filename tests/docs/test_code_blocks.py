"""The code in README and documentation is Python, and what can run here does what the text says."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp.shared.memory import create_connected_server_and_client_session
from semantic_kernel import Kernel
from semantic_kernel.agents import ChatCompletionAgent
from tests.support.agents import makes_an_agent
from tests.support.installed import ROOT

from mcpsecurity.testing import LocalStack, ServedMcp

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(path: Path) -> list[str]:
    """Return the Python code blocks of a page."""
    return re.findall(r"^```python\n(.*?)^```", path.read_text("utf-8"), re.MULTILINE | re.DOTALL)


async def run(code: str, **names: Any) -> dict[str, Any]:
    """Run code that may await, with these names; return all names it leaves."""
    compiled = compile(code, "<documentation>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = eval(compiled, names)  # noqa: S307 - our own documentation
    if result is not None:
        await result
    return names


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def server(stack: LocalStack) -> ServedMcp:
    return stack.serve(approval="never")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_block_is_python(path: Path) -> None:
    for block in blocks(path):
        compile(block, path.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_the_page_on_testing_shows_the_example_project_as_it_is() -> None:
    folder = ROOT / "examples" / "testing"
    files = {str(path.relative_to(folder)): path.read_text("utf-8") for path in folder.rglob("*.py")}
    code = {name: text for name, text in files.items() if text.strip()}
    text = (ROOT / "docs" / "testing.md").read_text("utf-8")
    shown = re.findall(r"`([\w./]+)`[^`]*\n\n```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert {name: block for name, block in shown if name in files} == code


@makes_an_agent
async def test_the_three_lines_of_the_readme_work_as_written(stack: LocalStack, server: ServedMcp) -> None:
    code = next(block for block in blocks(ROOT / "README.md") if "McpClient.connect" in block)
    code = code.replace("https://mcp.contoso.com/mcp", server.url).replace("api://…/mcp:tools", server.scope)
    code = code.replace("from azure.identity import InteractiveBrowserCredential\n", "")
    service = stack.chat_completion()

    def browser_credential(tenant_id: str, client_id: str) -> Any:
        return stack.credential("alice")

    names = await run(code, InteractiveBrowserCredential=browser_credential)
    names["kernel"].add_service(service)
    answer = await ChatCompletionAgent(kernel=names["kernel"]).get_response("A random number between 1 and 6")
    assert re.search(r"is \*\*[1-6]\*\*", str(answer.content))
    await names["client"].aclose()
    await service.close()


async def test_import_mcp_tools_works_as_the_readme_writes_it() -> None:
    from mcp.server.fastmcp import FastMCP

    mcp: FastMCP[Any] = FastMCP("Small", log_level="WARNING")
    mcp.add_tool(lambda: "pong", name="ping")
    code = next(block for block in blocks(ROOT / "README.md") if "import_mcp_tools" in block)
    async with create_connected_server_and_client_session(mcp) as session:
        names = await run(code, kernel=Kernel(), session=session)
    assert set(names["plugin"].functions) == {"ping"}


async def test_the_clients_page_makes_a_model_on_azure_and_one_on_this_machine() -> None:
    code = next(block for block in blocks(ROOT / "docs" / "clients.md") if "ChatModel.at" in block)
    names = await run(code)
    assert (names["azure"].api, names["local"].api) == ("responses", "chat")
    assert names["local"].service_url() == "http://localhost:11434/v1/"
    assert names["kernel"].get_service("gpt-5.6") is names["azure"]
    for model in (names["azure"], names["local"]):
        await model.close()


async def test_the_clients_page_calls_a_tool_by_sdk_and_by_library(
    stack: LocalStack, server: ServedMcp
) -> None:
    calling = [block for block in blocks(ROOT / "docs" / "clients.md") if "async def call" in block]
    for code, function in zip(calling, ("call", "call_safely"), strict=True):
        names = await run(code)
        assert "'number': 5" in await names[function](server.url, stack.tokens("alice"))
