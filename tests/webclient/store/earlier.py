"""Makes a database as an earlier release wrote it, by that release's own code. Run in a checkout of it:

    git worktree add --detach /tmp/earlier COMMIT && cd /tmp/earlier
    PYTHONPATH=server:webclient:shared:. PYTHON .../tests/webclient/store/earlier.py conversations.sqlite3

`schema_0002.sqlite3` beside this module is of commit e6f0282, the last one of schema 0002: before grants
in all chats, versions, queues, notes, files and pinned conversations. `TITLES` are its conversations.
"""

import asyncio
import json
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from pydantic import SecretStr
from tests.support.ports import free_port
from tests.webclient.oddity import Odd, tool
from tests.webclient.person import Page, WebPerson
from tests.webclient.scripted_model import ScriptedModel, calls, says

from mcpsecurity.runtime.service import started_runner
from mcpsecurity.testing import LocalStack
from mcpsecurity_webclient.app import create_app
from mcpsecurity_webclient.settings import WebSettings

__all__ = ["FILE", "PICTURE", "TITLES", "earlier_server"]

ALICE, BOB = "alice@contoso.example", "bob@contoso.example"
FILE = Path(__file__).with_name("schema_0002.sqlite3")
PICTURE = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR42mM4oKCAFTEMLQkAKj9AAQUJSn0AAAAASUVORK5CYII="
)
TITLES = {
    ALICE: ["Decisions 🎲", "How is the weather in Springfield?", "note that, please", "Endings"],
    BOB: ["What does Bob say?"],
}


def earlier_server() -> Odd:
    """Return a server with a tool for each kind of result, a resource and a prompt."""
    odd = Odd(tools={}, resources={}, prompts={})
    named = {"note": None, "look": {"readOnlyHint": True}, "fail": None, "wipe": {"destructiveHint": True}}
    odd.results |= {
        "tools/list": {
            "tools": [{**tool(n, additionalProperties=True), "annotations": a} for n, a in named.items()]
        },
        "tools/call": _result,
        "resources/list": {"resources": [{"uri": "memo://milk", "name": "milk"}]},
        "resources/read": {"contents": [{"uri": "memo://milk", "text": "Two litres of milk."}]},
        "prompts/list": {"prompts": [{"name": "greet"}]},
        "prompts/get": {
            "messages": [
                {"role": "user", "content": {"type": "text", "text": "Greet Zoë."}},
                {"role": "assistant", "content": {"type": "text", "text": "Hello, Zoë!"}},
            ]
        },
    }
    return odd


def _result(params: dict[str, Any]) -> dict[str, Any]:
    if params["name"] == "fail":
        return {"isError": True, "content": [{"type": "text", "text": "It is broken."}]}
    if params["name"] == "look":
        picture = {"type": "image", "mimeType": "image/png", "data": PICTURE}
        rows = [{"day": f"2026-11-{day:02}", "number": 2**63 + day} for day in range(1, 6)]
        return {"content": [{"type": "text", "text": "Look:"}, picture], "structuredContent": {"rows": rows}}
    return {"content": [{"type": "text", "text": f"Noted {json.dumps(params['arguments'])}. \x00 \ud83d"}]}


async def _decisions(alice: WebPerson, model: ScriptedModel) -> None:
    """Each decision about a call, results of each kind, an attachment and a prompt."""
    async with alice.page() as page:
        made: list[tuple[str, dict[str, Any], dict[str, Any] | None]] = [
            ("note", {"text": "milk", "number": 725653563933458433}, {"always": True}),
            ("note", {"text": "bread"}, None),
            ("look", {"at": "Zürich"}, {"arguments": {"at": "München 🏔"}}),
            ("fail", {}, {}),
            ("wipe", {}, {"decision": "decline", "reason": "Not today."}),
        ]
        for name, arguments, decision in made:
            model.turns += [calls((f"c-{name}", f"odd-{name}", json.dumps(arguments))), says(f"**{name}**")]
            call = await alice.ask(page, f"{name} it")
            if decision is not None:
                assert await alice.decide(call, **dict[str, Any]({"decision": "approve"} | decision)) == 202
            await page.until("run.done", status="completed")
        await _said(alice, page, text="And this?", attachments=[{"server": "odd", "uri": "memo://milk"}])
        await _said(alice, page, text="", prompt={"server": "odd", "name": "greet", "arguments": {}})
    assert (await alice.command("rename", title="Decisions 🎲"))[0] == 202


async def _weather(alice: WebPerson, model: ScriptedModel) -> None:
    """A question of a server, and its answer."""
    await alice.command("mode", mode="elicitation")
    model.turns += [
        calls(("c1", "Tools-get_city_weather", '{"city": "Springfield"}')),
        says("Sunny, `21 °C`."),
    ]
    async with alice.page() as page:
        await alice.command("messages", text="How is the weather in Springfield?")
        asked = (await page.until("elicitation.requested"))["elicitation"]
        await alice.command(f"elicitations/{asked['elicitation_id']}", action="decline")
        await page.until("run.done", status="completed")


async def _endings(alice: WebPerson, model: ScriptedModel) -> None:
    """Answers that were refused, cut off, stopped, and written again."""

    async def refuse(_: web.Request) -> web.StreamResponse:
        error = {"code": "content_filter", "message": "The response was filtered."}
        return web.json_response({"error": error}, status=400)

    model.turns += [refuse, says("Half of", "length"), says("First."), says("Second."), says("Third.")]
    async with alice.page() as page:
        for text in ("something that is refused", "a long one", "one more"):
            await alice.command("messages", text=text)
            await page.until("run.done")
        for _ in range(2):
            assert (await alice.command("regenerate"))[0] == 202
            await page.until("run.done", status="completed")
    assert (await alice.command("rename", title="Endings"))[0] == 202


async def _said(person: WebPerson, page: Page, **message: Any) -> None:
    status, body = await person.command("messages", **message)
    assert status == 202, body
    await page.until("run.done", status="completed")


async def _talk(url: str, local: LocalStack, model: ScriptedModel) -> None:
    async with WebPerson(url, local.cloud.ca_file) as alice, WebPerson(url, local.cloud.ca_file) as bob:
        await alice.sign_in(ALICE)
        await _decisions(alice, model)
        await alice.new_chat()
        await _weather(alice, model)
        await alice.new_chat()
        await _endings(alice, model)
        await alice.new_chat()
        model.turns.append(calls(("c1", "odd-note", '{"text": "to do"}'), ("c2", "odd-note", '{"n": 1.50}')))
        async with alice.page() as page:
            await alice.ask(page, "note that, please")
            await page.until("tool.proposed")  # both wait on
        await alice.new_chat()  # and nothing is said in it
        await bob.sign_in(BOB)
        async with bob.page() as page:
            await _said(bob, page, text="What does Bob say?")


@asynccontextmanager
async def _served(app: web.Application) -> AsyncIterator[int]:
    runner = await started_runner(app)
    try:
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def _settings(local: LocalStack) -> dict[str, Any]:
    return {
        "authority": local.cloud.authority,
        "tenant_id": local.cloud.tenant_id,
        "ca_file": local.cloud.ca_file,
        "client_id": local.cloud.web_client_id,
        "client_secret": SecretStr(local.cloud.web_client_secret),
        "mcp_server_url": local.serve().url,
        "mcp_server_scope": local.cloud.scope,
        "deployment": "scripted",
        "azure_openai_api_key": SecretStr("unused"),
        "model_api": "chat",
        "approval_timeout": 3600,
    }


async def _make(file: Path) -> None:
    model, port = ScriptedModel(), free_port()
    url = f"http://localhost:{port}"
    with LocalStack() as local:
        local.cloud.register_webclient_url(url)
        async with _served(model.app()) as model_port, _served(earlier_server().app()) as server_port:
            settings = {
                **_settings(local),
                "url": url,
                "azure_openai_endpoint": f"http://localhost:{model_port}",
                "database_url": SecretStr(f"sqlite:///{file}"),
                "more_servers": ({"name": "odd", "url": f"http://localhost:{server_port}/mcp"},),
            }
            runner = await started_runner(create_app(WebSettings(**settings)), port=port)
            try:
                await _talk(url, local, model)
            finally:
                await runner.cleanup()
    assert model.refused == []


if __name__ == "__main__":
    written = Path(sys.argv[1]).absolute()
    asyncio.run(_make(written))
    with sqlite3.connect(written) as database:
        database.execute("PRAGMA journal_mode = DELETE")
        database.execute("VACUUM")
