"""The parts of the chat in a terminal, in this process, against the local stack."""

import asyncio
import re
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import jwt
import msal  # type: ignore[import-untyped] # ships no types
import pytest
from azure.core.exceptions import ClientAuthenticationError
from mcp import types
from semantic_kernel import Kernel
from semantic_kernel.contents import FunctionCallContent, FunctionResultContent
from tests.support.company import company_proxy
from tests.support.device import enter_code

from mcpsecurity.client import ToolText
from mcpsecurity.console.access import Access
from mcpsecurity.console.cache import open_token_cache
from mcpsecurity.console.chat import Chat
from mcpsecurity.console.errors import ErrorWords
from mcpsecurity.console.handler import ConsoleHandler
from mcpsecurity.console.images import keep_images
from mcpsecurity.console.sampling import sampling_callback
from mcpsecurity.console.servers import OpenServer
from mcpsecurity.console.signin import MsalCredential
from mcpsecurity.console.terminal import TypedTerminal
from mcpsecurity.console.turn import CANCELLED, Conversation
from mcpsecurity.kernel import McpClient
from mcpsecurity.kernel.context import BudgetedModel
from mcpsecurity.model_settings import ModelSettings
from mcpsecurity.settings import settings_of
from mcpsecurity.testing import LocalStack, ModelFault, ServedMcp, calls, fails, says


class Script:
    """A terminal at which lines are typed in order. An exception among them is a key: Ctrl-C, or Ctrl-D."""

    def __init__(self, *lines: str | type[BaseException]) -> None:
        self.lines = list(lines)
        self.text = ""
        self.asked = asyncio.Event()

    def write(self, text: str, style: str = "") -> None:  # noqa: ARG002 - the terminal's signature
        self.text += text + "\n"

    def stream(self, piece: str) -> None:
        self.text += piece

    async def read(self, prompt: str, text: str = "") -> str:  # noqa: ARG002 - the terminal's signature
        self.asked.set()
        self.text += prompt
        line = self.lines.pop(0) if self.lines else EOFError
        if not isinstance(line, str):
            raise line
        return line

    async def read_message(self, prompt: str) -> str:
        return await self.read(prompt)


async def chat(stack: LocalStack, server: ServedMcp, *lines: str | type[BaseException]) -> str:
    """Have a chat to its end, and return all that was shown."""
    async with opened(stack, server, *lines) as (program, terminal):
        await program.run()
    return terminal.text


@asynccontextmanager
async def opened(
    stack: LocalStack, server: ServedMcp, *lines: str | type[BaseException]
) -> AsyncIterator[tuple[Chat, Script]]:
    terminal, kernel, service = Script(*lines), Kernel(), stack.chat_completion()
    programs: list[Chat] = []
    handler = ConsoleHandler(terminal, lambda: programs[0].stop())  # noqa: PLW0108 - the program is made below

    async def sign_out() -> None:
        terminal.write("SIGNED OUT")

    credential = stack.credential()
    model = BudgetedModel.of(service, window=8_192, kernel=kernel)
    sampling = sampling_callback(handler, model, lambda: "Bakery")
    async with McpClient(
        kernel, server.url, credential, server.scope, ask=handler, approve=True, sampling=sampling
    ) as client:
        told = ErrorWords(
            settings_of(ModelSettings, openai_base_url="http://localhost:1/v1", openai_model="m")
        ).of
        access = Access({}, lambda: "signed in", sign_out)
        programs.append(
            Chat(terminal, [OpenServer(client, handler, access)], Conversation(kernel, model), told)
        )
        yield programs[0], terminal
    await service.close()


async def test_messages_are_answered_and_calls_asked_about(stack: LocalStack, server: ServedMcp) -> None:
    text = await chat(
        stack, server, "", "Bake bread: 3 loaves", "a", "Bake bread: 4 loaves", "/grants", "/revoke"
    )
    assert text.count("Approve?") == 1
    assert "3 loaves" in text
    assert "4 loaves" in text
    assert "  bake_bread (Bakery)\n" in text
    assert text.index("bake_bread (Bakery)\n") < text.index("Every call is asked about.")


async def test_commands_do_what_help_says(stack: LocalStack, server: ServedMcp) -> None:
    async with opened(
        stack, server, "/help", "/tools", "/prompts", "/no", "/new", KeyboardInterrupt, "/signout", "x"
    ) as (program, terminal):
        await program.run()
        assert {"/help", "/breakfast", "/quit"} <= set(program.command_names())
    for shown in ("/revoke", "order_cake  Order a cake.", "/breakfast", "There is no /no;", "A new chat."):
        assert shown in terminal.text
    assert "SIGNED OUT" in terminal.text
    assert terminal.lines == ["x"], "signing out ends it"


async def test_a_prompt_asks_for_its_arguments_and_can_be_left(stack: LocalStack, server: ServedMcp) -> None:
    text = await chat(stack, server, "/breakfast", KeyboardInterrupt, "/breakfast", "8", "y", "/quit")
    assert "user: Bake bread: 8 loaves" in text
    assert text.count("loaves (text)") == 2
    assert '{"loaves": 8}' in text


async def test_a_server_uses_the_model_when_the_person_has_read_what_it_would_say(
    stack: LocalStack, server: ServedMcp
) -> None:
    stack.model.will(calls("Tools-praise_bread", {}), says("Bread is good."), says("Done."))
    text = await chat(stack, server, "Go on", "y", "y")
    asked = (
        "Bakery asks to use your model, for at most 100 tokens:\n  system: Be brief.\n  user: Praise bread.\n"
    )
    assert asked + "Ask the model? [y]es, [n]o" in text
    spoken, told = (request.messages for request in stack.model.asked[-2:])
    assert [message["content"] for message in spoken] == ["Be brief.", "Praise bread."]
    assert "Bread is good." in told[-1]["content"]


@pytest.mark.parametrize("answer", ["n", KeyboardInterrupt])
async def test_a_server_does_not_use_the_model_without_a_yes(
    stack: LocalStack, server: ServedMcp, answer: str | type[BaseException]
) -> None:
    stack.model.will(calls("Tools-praise_bread", {}), says("Done."))
    before = len(stack.model.asked)
    text = await chat(stack, server, "Go on", "y", answer)
    stack.model.clear()
    assert "Ask the model?" in text
    assert all("Praise bread." not in str(request.messages) for request in stack.model.asked[before:])


async def test_a_model_that_fails_is_told_to_the_server(stack: LocalStack, server: ServedMcp) -> None:
    stack.model.will(
        calls("Tools-praise_bread", {}), fails(ModelFault.content_filter()), says("That is a pity.")
    )
    assert "That is a pity." in await chat(stack, server, "Go on", "y", "y")
    assert "The model could not be asked" in str(stack.model.asked[-1].messages[-1])


async def test_a_server_that_asks_more_than_the_model_reads_gets_an_error_and_nothing_is_cut(
    stack: LocalStack, server: ServedMcp
) -> None:
    stack.model.will(calls("Tools-praise_bread", {"times": 3_000}), says("A pity."))
    before = len(stack.model.asked)
    text = await chat(stack, server, "Go on", "y")
    assert "Bakery wanted to use your model with more than it reads for one answer: refused." in text
    assert "Ask the model?" not in text
    assert "longer than what the model reads" in str(stack.model.asked[-1].messages[-1])
    assert len(stack.model.asked) == before + 2, "only the person's own"


async def test_a_server_is_told_when_the_model_finds_its_request_too_long(
    stack: LocalStack, server: ServedMcp
) -> None:
    too_long = ModelFault(400, "context_length_exceeded", "Too long.")
    stack.model.will(calls("Tools-praise_bread", {}), fails(too_long), says("A pity."))
    before = len(stack.model.asked)
    await chat(stack, server, "Go on", "y", "y")
    assert "longer than what the model reads" in str(stack.model.asked[-1].messages[-1])
    assert len(stack.model.asked) == before + 3, "it was asked once"


async def test_ctrl_c_at_a_question_stops_the_answer_and_the_chat_goes_on(
    stack: LocalStack, server: ServedMcp
) -> None:
    lines = ("Bake bread: 3 loaves", KeyboardInterrupt, "Bake bread: 5 loaves", "y")
    text = await chat(stack, server, *lines)
    assert "(stopped)" in text
    assert "5 loaves" in text.partition("(stopped)")[2]


async def test_a_failing_model_and_a_failing_server_are_told_in_a_line(
    stack: LocalStack, server: ServedMcp
) -> None:
    twice = [ModelFault.server_error()] * 2  # because the model is asked once more after the first
    stack.faults.model.upcoming.extend([*twice, ModelFault.rate_limit()])
    text = await chat(
        stack, server, "Bake bread: 3 loaves", "Bake bread: 3 loaves", "Bake bread: 3 loaves", "y"
    )
    assert "500" in text
    assert "has had too many requests" in text
    assert "Traceback" not in text
    assert text.rstrip().count("3 loaves") >= 1


async def test_a_stopped_call_gets_a_result_so_that_the_model_accepts_what_follows(
    stack: LocalStack, server: ServedMcp
) -> None:
    async with opened(stack, server, "y") as (program, terminal):
        conversation = program._conversation
        answering = asyncio.create_task(conversation.answer("Knead dough", terminal.stream))
        async with asyncio.timeout(90):
            await terminal.asked.wait()
        answering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await answering
        items = [item for message in conversation.history.messages for item in message.items]
        calls = [item.id for item in items if isinstance(item, FunctionCallContent)]
        results = {item.id: str(item.result) for item in items if isinstance(item, FunctionResultContent)}
        assert results == {calls[0]: CANCELLED}
        terminal.lines += ["y"]
        await conversation.answer("Bake bread: 2 loaves", terminal.stream)
    assert "2 loaves" in terminal.text


def credential(stack: LocalStack, tell: Callable[[str], None]) -> MsalCredential:
    cloud = stack.cloud
    return MsalCredential(
        cloud.public_client_id,
        cloud.authority,
        cloud.tenant_id,
        cache=msal.TokenCache(),
        tell=tell,
        device_code=True,
        ca_file=cloud.ca_file,
    )


async def test_one_sign_in_is_enough_until_signing_out(stack: LocalStack) -> None:
    told: list[str] = []

    def tell(text: str) -> None:
        told.append(text)
        found = re.search(r"open the page (\S+) and enter the code (\S+) to", text)
        assert found
        threading.Thread(target=enter_code, args=found.groups()).start()

    async with asyncio.timeout(40), credential(stack, tell) as who:
        assert who.username is None
        first = await who.get_token(stack.cloud.scope)
        claims = jwt.decode(first.token, options={"verify_signature": False})
        assert claims["xms_cc"] == ["cp1"], "it says that it can take a claims challenge"
        assert (await who.get_token(stack.cloud.scope)).token == first.token
        fresh = await who.get_fresh_token(stack.cloud.scope)
        assert fresh.token != first.token
        assert (await who.get_token(stack.cloud.scope)).token == fresh.token
        assert len(told) == 1
        assert who.username == "alice@contoso.example"
        await who.sign_out()
        assert who.username is None
        await who.get_token(stack.cloud.scope)
        assert len(told) == 2


async def test_a_sign_in_that_fails_says_why(stack: LocalStack) -> None:
    async with credential(stack, lambda _: None) as who:
        with pytest.raises(ClientAuthenticationError, match="AADSTS"):
            await who.get_token("api://no-such-api/scope")
        stack.faults.tenant.down = True
        with pytest.raises(ClientAuthenticationError):
            await who.get_token(stack.cloud.scope)
    stack.faults.clear()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a keyring")
def test_without_a_keyring_nothing_is_written_and_the_person_is_told(tmp_path: Path) -> None:
    pytest.importorskip("msal_extensions")
    try:
        import gi  # type: ignore[import-not-found] # noqa: F401 - libsecret's binding
    except ImportError:
        cache, remark = open_token_cache(tmp_path / "folder" / "tokens")
        assert isinstance(cache, msal.TokenCache)
        assert remark is not None
        assert "sign in again" in remark
        assert not (tmp_path / "folder" / "tokens").exists()


def test_images_become_files_of_known_types_only(tmp_path: Path) -> None:
    parts = [
        types.ImageContent(type="image", data="aGVsbG8=", mimeType="image/png"),
        types.ImageContent(type="image", data="aGVsbG8=", mimeType="image/svg+xml"),
    ]
    lines: list[str] = []
    keep_images("draw", ToolText.of(types.CallToolResult(content=[*parts])), lines.append, tmp_path)
    (file,) = tmp_path.iterdir()
    assert file.read_bytes() == b"hello"
    assert file.stat().st_mode & 0o077 == 0
    assert lines == [
        f"draw returned an image: {file}",
        "draw returned an image of type image/svg+xml, which is not kept.",
    ]


async def test_input_that_is_no_terminal_is_read_by_lines(tmp_path: Path) -> None:
    code = (
        "import asyncio\n"
        "from mcpsecurity.console.terminal import TypedTerminal\n"
        "async def main():\n"
        "    terminal = TypedTerminal()\n"
        "    while True:\n"
        "        terminal.write(repr(await terminal.read('> ')))\n"
        "try:\n    asyncio.run(main())\nexcept EOFError:\n    print('end')\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(90):
        output, _ = await process.communicate(b"one\n\x1b[2J\n")
    lines = [line.rstrip() for line in output.decode().splitlines()]
    assert lines == ["> one", "'one'", "> \ufffd[2J", r"'\x1b[2J'", ">", "end"], "questions are shown, too"


def test_slash_completes_commands_only() -> None:
    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.document import Document

    from mcpsecurity.console.terminal import _Commands

    completer = _Commands(lambda: ["/new", "/next", "/quit"])

    def complete(text: str) -> list[str]:
        return [c.text for c in completer.get_completions(Document(text), CompleteEvent())]

    assert complete("/n") == ["/new", "/next"]
    assert complete("n") == []
    assert complete("/new x") == []
    assert TypedTerminal() is not None


async def test_the_tenant_is_asked_through_the_companys_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = "11111111-2222-4333-8444-555555555555"
    async with (
        company_proxy(monkeypatch) as company,
        MsalCredential(
            tenant, "https://login.contoso.example", tenant, cache=msal.TokenCache(), tell=print
        ) as credential,
    ):
        with pytest.raises(ClientAuthenticationError):
            await credential.get_token("api://x/y")
        assert company.asked == {"login.contoso.example"}
