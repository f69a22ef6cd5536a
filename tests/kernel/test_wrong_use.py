"""What an author passes by mistake is refused at once, and the message says what to pass."""

import sys
from typing import Any

import pytest
from semantic_kernel import Kernel

from mcpsecurity import McpClient, import_mcp_tools
from mcpsecurity.client import Command

URL = "https://mcp.example/mcp"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"kernel": "kernel"}, "kernel is a semantic_kernel.Kernel, not str"),
        ({"url": None}, r"an address or a mcpsecurity.client.Command\(\(…\)\), not None"),
        ({"url": ["npx", "x"]}, "not list"),
        ({"credential": "a token", "scope": "api://x/mcp:tools"}, "passed as headers="),
        ({"include": "add"}, r"write include=\['add'\]"),
        ({"exclude": "add"}, r"write exclude=\['add'\]"),
    ],
)
def test_an_argument_of_another_kind_is_refused_when_the_client_is_made(
    given: dict[str, Any], words: str
) -> None:
    with pytest.raises(TypeError, match=words):
        McpClient(**{"kernel": Kernel(), "url": URL, **given})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"url": "localhost:7133/mcp"}, "begins with http:// or https://"),
        ({"url": "npx -y server"}, r"passed as mcpsecurity.client.Command\(\('npx', '-y', …\)\)"),
        ({"plugin_name": "my tools"}, "letters without accents, digits and _ only, unlike 'my tools'"),
    ],
)
def test_text_that_cannot_be_used_is_refused_when_the_client_is_made(
    given: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        McpClient(**{"kernel": Kernel(), "url": URL, **given})


@pytest.mark.parametrize("session", [None, URL])
async def test_tools_are_imported_from_a_session_only(session: Any) -> None:
    with pytest.raises(TypeError, match=r"session is a connected mcp\.ClientSession"):
        await import_mcp_tools(Kernel(), session)


def test_a_command_is_its_words() -> None:
    text: Any = "npx -y server"
    with pytest.raises(TypeError, match="its words one by one"):
        Command(text)
    with pytest.raises(ValueError, match="has a program"):
        Command(())
    assert Command((sys.executable, "-c", "")).arguments[1:] == ("-c", "")
