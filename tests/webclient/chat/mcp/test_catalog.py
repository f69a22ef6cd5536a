"""What servers offer besides tools: templates of resources, proposals for arguments, and links to read."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from mcp.types import ResourceTemplate
from tests.browser.stack import Service
from tests.webclient.conftest import RunChat
from tests.webclient.oddity import Odd
from tests.webclient.person import WebPerson

from mcpsecurity.testing import LocalStack
from mcpsecurity_webclient.chat.mcp.servers import template_json


@pytest.fixture
async def beside(local: LocalStack, run_chat: RunChat) -> AsyncIterator[tuple[WebPerson, Odd]]:
    odd = Odd(resources={}, prompts={}, completions={})
    service = Service(odd.app)
    async with AsyncExitStack() as running:
        await service.start()
        running.push_async_callback(service.stop)
        more = ({"name": "odd", "url": f"http://localhost:{service.port}/mcp"},)
        url = await running.enter_async_context(run_chat(more_servers=more))
        person = await running.enter_async_context(WebPerson(url, local.cloud.ca_file))
        yield await person.sign_in(), odd


@pytest.mark.parametrize(
    ("template", "names"),
    [
        ("a://{x}/{y_1}/{x}", ["x", "y_1"]),
        ("a:/{/path*}{+rest}{.ending:3}{#part}", ["path", "rest", "ending", "part"]),
        ("a://b{?q,limit:4}{&more*}", ["q", "limit", "more"]),
        ("a://b{}{,}{ x }{|x}", []),
    ],
)
def test_the_variables_of_a_template_are_found_in_every_form(template: str, names: list[str]) -> None:
    found = ResourceTemplate(name="x", uriTemplate=template)
    assert template_json("odd", found)["arguments"] == names


async def test_templates_are_listed_and_their_arguments_completed(beside: tuple[WebPerson, Odd]) -> None:
    person, odd = beside
    asked: list[dict[str, Any]] = []
    odd.results["resources/templates/list"] = {
        "resourceTemplates": [
            {"uriTemplate": "file:///{folder}/{name}.txt", "name": "files", "title": "Files"},
            {"uriTemplate": 7},
        ]
    }

    def complete(params: dict[str, Any]) -> dict[str, Any]:
        asked.append(params)
        return {"completion": {"values": ["north", "notes"], "hasMore": False}}

    odd.results["completion/complete"] = complete
    _, catalog = await person.read(f"/api/chats/{person.chat_id}/catalog")
    assert [t for t in catalog["templates"] if t["server"] == "odd"] == [
        {
            "server": "odd",
            "uri_template": "file:///{folder}/{name}.txt",
            "title": "Files",
            "description": "",
            "arguments": ["folder", "name"],
        }
    ]
    wanted = {"server": "odd", "kind": "template", "of": "file:///{folder}/{name}.txt", "name": "name"}
    values = {"folder": "a", "name": "no"}
    assert await person.command("complete", **wanted, values=values) == (202, {"values": ["north", "notes"]})
    assert asked[-1]["argument"] == {"name": "name", "value": "no"}
    assert asked[-1]["context"] == {"arguments": {"folder": "a"}}
    assert asked[-1]["ref"] == {"type": "ref/resource", "uri": "file:///{folder}/{name}.txt"}
    assert (await person.command("complete", **{**wanted, "server": "none"}, values={}))[0] == 502


async def test_a_resource_is_downloaded_as_a_file_that_no_browser_runs(beside: tuple[WebPerson, Odd]) -> None:
    person, odd = beside
    odd.results["resources/read"] = {
        "contents": [{"uri": "file:///x.html", "text": "<script>alert(1)</script>", "mimeType": "text/html"}]
    }
    url = f"{person.url}/api/chats/{person.chat_id}/resource"
    async with person.http.get(url, params={"server": "odd", "uri": "file:///a/x.html"}) as response:
        assert response.status == 200
        assert await response.text() == "<script>alert(1)</script>"
        assert response.headers["Content-Type"] == "application/octet-stream"
        assert response.headers["Content-Disposition"] == 'attachment; filename="x-html.bin"'
        assert response.headers["X-Content-Type-Options"] == "nosniff"
