"""The chat as a person sees it: in a pseudo-terminal, with real sign-in, server and model."""

import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.console.conftest import YOU, Screen, Start, bakery, sign_in

from mcpsecurity.localcloud.entra.ids import MANAGED_IDENTITY_ID
from mcpsecurity.testing import LocalStack, ModelFault, calls, says

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals"),
]

BROWSER = """
import html, re, sys
import httpx

with httpx.Client(follow_redirects=True, trust_env=False, verify=False) as browser:
    page = browser.get(sys.argv[1] + "&prompt=none&login_hint=bob@contoso.example").text
    action = html.unescape(re.search('action="([^"]+)"', page)[1])  # form_post
    fields = re.findall('name="([^"]+)" value="([^"]*)"', page)
    browser.post(action, data={name: html.unescape(value) for name, value in fields})
"""


def test_a_call_is_approved_and_the_answer_streams(signed_in: Screen) -> None:
    signed_in.type("Bake bread: 3 loaves")
    shown = signed_in.see("Approve? [y]es, [n]o, [a]lways for this tool, [e]dit")
    assert "Tool call bake_bread (Bakery)" in shown
    assert '{"loaves": 3}' in shown
    signed_in.type("y")
    assert "3 loaves" in signed_in.see(YOU)
    signed_in.press("d")
    assert signed_in.end() == 0


def test_declined_and_edited_calls_are_what_the_person_chose(signed_in: Screen) -> None:
    signed_in.type("Bake bread: 3 loaves")
    signed_in.see("Approve?")
    signed_in.type("n")
    assert "You declined the call" in signed_in.see(YOU)
    signed_in.type("Bake bread: 4 loaves")
    signed_in.see("Approve?")
    signed_in.type("e")
    signed_in.see("arguments as JSON: ")
    signed_in.type("\x7f" * 3 + "12}")  # the field has {"loaves": 4}
    signed_in.see('{"loaves": 12}')
    signed_in.see("Approve?")
    signed_in.type("y")
    assert "12 loaves" in signed_in.see(YOU)


def test_always_is_for_one_tool_and_can_be_taken_back(signed_in: Screen) -> None:
    signed_in.type("Bake bread: 3 loaves")
    signed_in.see("Approve?")
    signed_in.type("a")
    signed_in.see(YOU)
    signed_in.type("Bake bread: 5 loaves")
    shown = signed_in.see(YOU)
    assert "always approved" in shown
    assert "5 loaves" in shown
    signed_in.type("/grants")
    assert "bake_bread (Bakery)" in signed_in.see(YOU)
    signed_in.type("/revoke")
    assert "Every call is asked about." in signed_in.see(YOU)
    signed_in.type("Bake bread: 6 loaves")
    signed_in.see("Approve?")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no folder that root cannot write to")
def test_a_narrow_terminal_without_colours_letters_and_a_home_is_enough(
    start: Start, stack: LocalStack
) -> None:
    screen = start(
        "--device-code", columns=40, cwd=Path("/proc"), HOME="/proc", XDG_CACHE_HOME="", XDG_DATA_HOME="",
        CONSOLE_TOKEN_CACHE="", NO_COLOR="1", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0",
    )  # fmt: skip
    sign_in(screen)
    screen.see("signed in as")
    screen.see("next time")  # tokens are kept in memory only
    screen.see(YOU)
    stack.model.will(calls("Tools-bake_bread", {"loaves": 3}), says("Drei Br\u00f6tchen."))
    screen.type("Bake bread")
    screen.process.expect_exact("Approve?")
    shown = screen.process.before
    screen.type("y")
    screen.process.expect_exact("Drei Br?tchen.")
    shown += screen.process.before
    assert not re.search(r"\x1b\[[0-9;]*[34][0-7]m", shown), "no colour"
    screen.see(YOU)
    screen.press("d")
    assert screen.end() == 0


def test_a_form_is_filled_in_line_by_line(signed_in: Screen) -> None:
    signed_in.type("Order a cake")
    signed_in.see("Approve?")
    signed_in.type("y")
    assert "Request from Bakery: What shall it be?" in signed_in.see("1  apple")
    signed_in.see("2  carrot")
    signed_in.see("Cake (1 to 2):")
    signed_in.type("2")
    signed_in.see("Pieces (a whole number, at least 1, at most 12):")
    signed_in.type("99")
    signed_in.see("12 or less")
    signed_in.type("4")
    signed_in.see("Send this?")
    signed_in.type("y")
    assert "4 carrot" in signed_in.see(YOU)


def test_ctrl_c_stops_a_running_tool_and_not_the_program(signed_in: Screen) -> None:
    signed_in.type("Knead dough")
    signed_in.see("Approve?")
    signed_in.type("y")
    signed_in.see("running knead_dough; Ctrl-C stops it")
    signed_in.process.sendintr()
    signed_in.see("(stopped)")
    signed_in.see(YOU)
    signed_in.type("Bake bread: 2 loaves")
    signed_in.see("Approve?")
    signed_in.press("c")
    signed_in.see("(stopped)")
    signed_in.see(YOU)
    signed_in.type("Bake bread: 7 loaves")
    signed_in.see("Approve?")
    signed_in.type("y")
    assert "7 loaves" in signed_in.see(YOU)


def test_a_slash_starts_from_a_prompt_of_the_server(signed_in: Screen) -> None:
    signed_in.type("/prompts")
    assert "/breakfast" in signed_in.see(YOU)
    signed_in.type("/breakfast")
    signed_in.see("loaves (text):")
    signed_in.type("8")
    signed_in.see("Approve?")
    signed_in.type("y")
    assert "8 loaves" in signed_in.see(YOU)


def test_commands_list_tools_begin_a_new_chat_and_end(signed_in: Screen) -> None:
    signed_in.type("/tools")
    assert "bake_bread" in signed_in.see(YOU)
    signed_in.type("/nonsense")
    assert "There is no /nonsense" in signed_in.see(YOU)
    signed_in.type("/new")
    assert "A new chat." in signed_in.see(YOU)
    signed_in.press("c")
    signed_in.see(YOU)
    signed_in.type("/help")
    assert "/signout" in signed_in.see(YOU)
    signed_in.type("/quit")
    assert signed_in.end() == 0


def test_a_failing_model_is_told_in_a_line_and_the_chat_goes_on(signed_in: Screen, stack: LocalStack) -> None:
    stack.faults.model.upcoming.append(ModelFault.content_filter())
    signed_in.type("Bake bread: 3 loaves")
    shown = signed_in.see(YOU)
    assert "content" in shown
    assert "Traceback" not in shown
    signed_in.type("Bake bread: 3 loaves")
    signed_in.see("Approve?")


def test_the_browser_signs_in_on_a_loopback_port(start: Start, tmp_path: Path) -> None:
    browser = tmp_path / "browser.py"
    browser.write_text(BROWSER)
    screen = start(BROWSER=f"{sys.executable} {browser} %s &")
    screen.see("signed in as bob@contoso.example")
    screen.see(YOU)


def test_a_second_run_needs_no_sign_in_until_the_person_has_signed_out(start: Start) -> None:
    code = (
        "import asyncio\n"
        "from msal_extensions import FilePersistence, PersistedTokenCache\n"
        "from mcpsecurity.console.access import Tenant\n"
        "from mcpsecurity.console.program import run_chat\n"
        "from mcpsecurity.console.servers import ChatServer\n"
        "from mcpsecurity.console.settings import ConsoleSettings, TenantSettings\n"
        "settings = ConsoleSettings()\n"
        "cache = PersistedTokenCache(FilePersistence(str(settings.token_cache)))\n"
        "tenant = Tenant(TenantSettings(), device_code=True, cache=cache)\n"
        "asyncio.run(run_chat(settings, [ChatServer(settings.mcp_url, configured=True)], tenant))\n"
    )
    first = start(code=code)
    sign_in(first)
    first.see(YOU)
    first.type("/quit")
    assert first.end() == 0
    second = start(code=code)
    assert "code" not in second.see("signed in as alice@contoso.example")
    second.see(YOU)
    second.type("/signout")
    assert second.end() == 0
    sign_in(start(code=code))


def test_a_server_that_refuses_is_told_and_ends_it(start: Start) -> None:
    screen = start("--device-code", MCP_SERVER_URL="http://127.0.0.1:9/mcp")
    sign_in(screen)
    screen.see("chat: The MCP server at 127.0.0.1:9 does not answer.")
    assert screen.end() == 1


def test_which_hosts_are_reached_through_a_proxy_is_told_before_the_sign_in_without_its_password(
    start: Start,
) -> None:
    proxy = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), "http://company:hidden@127.0.0.1:9")
    outside = {"AZURE_OPENAI_ENDPOINT": "https://model.example", "MCP_SERVER_URL": "http://mcp.example/mcp"}
    screen = start("--device-code", **outside, **proxy)
    shown = screen.see("To sign in")
    assert "model.example, mcp.example: through the proxy 127.0.0.1:9" in shown
    assert "hidden" not in shown


def test_a_missing_configuration_is_named(start: Start) -> None:
    screen = start(CONSOLE_CLIENT_ID="", MCP_SERVER_SCOPE="")
    screen.see("CONSOLE_CLIENT_ID: not set")
    screen.see("MCP_SERVER_SCOPE: not set")
    assert screen.end() == 2


def test_a_call_that_lacks_a_permission_leads_to_consent_and_goes_on(start: Start, stack: LocalStack) -> None:
    stack.cloud.tenant.directory.publish_scope("bread:bake", "Bake bread as you", personal=True)
    strict = stack.serve(bakery(), tool_scopes={"bake_bread": ("bread:bake",)})
    screen = start("--device-code", MCP_SERVER_URL=strict.url, MCP_SERVER_SCOPE=strict.scope)
    sign_in(screen)
    screen.see(YOU)
    screen.type("Bake bread: 3 loaves")
    screen.see("Approve?")
    screen.type("y")
    sign_in(screen)
    assert "3 loaves" in screen.see(YOU)
    screen.type("Bake bread: 5 loaves")
    screen.see("Approve?")
    screen.type("y")
    assert "5 loaves" in screen.see(YOU), "nothing is asked a second time"


def test_a_claims_challenge_leads_to_another_sign_in_and_the_call_goes_on(
    start: Start, stack: LocalStack
) -> None:
    strict = stack.serve(bakery(), tool_acrs={"bake_bread": "c1"})
    screen = start("--device-code", MCP_SERVER_URL=strict.url, MCP_SERVER_SCOPE=strict.scope)
    sign_in(screen)
    screen.see(YOU)
    screen.type("Bake bread: 3 loaves")
    screen.see("Approve?")
    screen.type("y")
    sign_in(screen)
    assert "3 loaves" in screen.see(YOU)


def test_the_identity_of_the_machine_stands_for_the_program_where_public_clients_are_forbidden(
    start: Start, stack: LocalStack, tmp_path: Path
) -> None:
    browser = tmp_path / "browser.py"
    browser.write_text(BROWSER)
    cloud, directory = stack.cloud, stack.cloud.tenant.directory
    options = {
        "BROWSER": f"{sys.executable} {browser} %s &",
        "CONSOLE_CLIENT_ID": cloud.web_client_id,
        "ENTRA_CLIENT_IDENTITY": "managed",
        **cloud.identity_environment,
    }
    registered = directory.clients[cloud.web_client_id]
    directory.clients[cloud.web_client_id] = replace(registered, any_loopback_redirect=True)
    screen = start(**options)
    screen.see("AADSTS700027")
    assert screen.end() == 1, "no federated credential says that the identity may stand for it"
    directory.add_federated_credential(cloud.web_client_id, MANAGED_IDENTITY_ID)
    screen = start(**options)
    screen.see("signed in as bob@contoso.example")
    screen.see(YOU)
    screen.type("Bake bread: 3 loaves")
    screen.see("Approve?")
    screen.type("y")
    assert "3 loaves" in screen.see(YOU)
