"""`mcpsecurity chat --local` beside a running `mcpsecurity demo`, without any configuration."""

import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest
from tests.console.conftest import YOU, Screen
from tests.integration.test_demo import free_offset
from tests.support.ambient import write_dotenv
from tests.support.programs import unmeasured

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals"),
]

_OURS = ("ENTRA_", "MCP", "WEBCLIENT_", "AZURE_", "OPENAI_", "OPEN_METEO_", "LOCALCLOUD_", "CONSOLE_")


Run = Callable[..., Screen]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Starts programs in a folder with a `.env`, and with variables of the person's own."""
    environment = {key: value for key, value in unmeasured().items() if not key.startswith(_OURS)} | {
        "BROWSER": "false",  # nobody signs in
        "LOCALCLOUD_FOLDER": str(tmp_path / "cloud"),
        "CONSOLE_TOKEN_CACHE": str(tmp_path / "tokens"),
        "PROMPT_TOOLKIT_NO_CPR": "1",
        "TERM": "xterm",
    }
    offset = str(free_offset())
    write_dotenv(tmp_path)

    def start(*arguments: str, **own: str) -> Screen:
        process = pexpect.spawn(
            sys.executable,
            ["-m", "mcpsecurity", *arguments, "--port-offset", offset],
            env=environment | own,
            cwd=str(tmp_path),
            encoding="utf-8",
            timeout=60,
            dimensions=(60, 250),
        )
        return Screen(process)

    return start


def test_the_terminal_joins_the_demo_with_the_model_of_the_environment_and_without_the_dotenv(
    run: Run,
) -> None:
    demo = run("demo", "--no-browser")
    demo.see("ready {")
    chat = run("chat", "--local", "--user", "bob")
    chat.see("Secure MCP server, signed in as bob@contoso.example")
    chat.see(YOU)
    chat.type("Give me a random number between 5 and 5")
    chat.see("Approve?")
    chat.type("y")
    assert "between 5 and 5 is 5" in chat.see(YOU)
    chat.press("d")
    assert chat.end() == 0
    own_model = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "OPENAI_CHAT_MODEL_ID": "own"}
    chat = run("chat", "--local", **own_model, CONSOLE_CLIENT_ID="https://console.example/client")
    chat.see("The model is own at http://127.0.0.1:9/v1, as the environment says.")
    chat.see("signed in as alice@contoso.example")
    chat.see(YOU)
    chat.type("Hello")
    chat.see("The model at 127.0.0.1 does not answer.")
    chat.see(YOU)
    chat.press("d")
    assert chat.end() == 0
    demo.process.sendintr()
    assert demo.end() == 0
