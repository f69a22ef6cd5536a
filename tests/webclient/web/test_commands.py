"""Every status that docs/chat-protocol.md promises for commands and reads."""

import asyncio
import io
import json
from typing import Any

import aiohttp
import pytest
from tests.browser.stack import Stack
from tests.webclient.conftest import NewPerson, ServeWeb
from tests.webclient.visitor import TIMEOUT, Visitor

COMMANDS = [
    ("/api/chats", {}),
    ("messages", {"text": "hello"}),
    ("mode", {"mode": "manual"}),
    ("calls/x/decision", {"decision": "approve", "args_hash": "x"}),
    ("batches/x/decision", {"decision": "approve"}),
    ("elicitations/x", {"action": "accept", "content": {}}),
    ("samplings/x", {"decision": "approve"}),
    ("runs/x/stop", {}),
    ("regenerate", {}),
    ("grants", {"server": "Tools", "tool": "x"}),
    ("servers/Tools/sign-out", {}),
    ("rename", {"title": "x"}),
    ("delete", {}),
]
CHAT = "/api/chats/{}"
READS = ["/api/session", "/api/chats", f"{CHAT}/catalog", f"{CHAT}/events", f"{CHAT}/export"]
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(("path", "body"), COMMANDS)
async def test_no_command_is_taken_from_somebody_who_is_not_signed_in(
    visitors: NewPerson, visitor: Visitor, path: str, body: dict[str, Any]
) -> None:
    nobody = visitors()
    nobody.chat_id, nobody.csrf = visitor.chat_id, visitor.csrf
    answer = await nobody.command(path, body)
    assert (answer.status, answer.error["code"]) == (401, "signed_out")
    assert answer.error["sign_in_url"] == "/signin"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", READS)
async def test_nothing_can_be_read_by_somebody_who_is_not_signed_in(
    visitors: NewPerson, visitor: Visitor, path: str
) -> None:
    answer = await visitors().get(path.format(visitor.chat_id))
    assert (answer.status, answer.error["code"]) == (401, "signed_out")


async def test_posts_of_nobody_to_a_page_lead_to_the_sign_in(visitors: NewPerson) -> None:
    answer = await visitors().request("POST", "/signout")
    assert (answer.status, answer.location) == (303, "/signin")


@pytest.mark.parametrize(("path", "body"), COMMANDS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": None}, {"Origin": "null"}, {"Origin": "https://evil.example"},
        {"Origin": "http://localhost"}, {"X-CSRF-Token": None}, {"X-CSRF-Token": ""},
        {"X-CSRF-Token": "wrong"}, {"X-CSRF-Token": "wr\udce4ng"},
    ],
    ids=str,
)  # fmt: skip
async def test_a_command_that_no_page_of_this_session_sent_is_refused(
    visitor: Visitor, path: str, body: dict[str, Any], headers: dict[str, Any]
) -> None:
    answer = await visitor.command(path, body, headers=headers)
    assert answer.status == 403
    assert answer.error["code"] == ("foreign_origin" if "Origin" in headers else "csrf")
    assert (await visitor.get(f"/chats/{visitor.chat_id}")).status == 200


async def test_two_origins_are_none(visitor: Visitor) -> None:
    headers = [("Origin", visitor.url), ("Origin", visitor.url), ("X-CSRF-Token", visitor.csrf)]
    answer = await visitor.request("POST", "/api/chats", json={}, headers=headers)
    assert answer.status == 403


async def test_another_sessions_token_is_not_ours(visitors: NewPerson, visitor: Visitor) -> None:
    other = await visitors(user=visitor.user).sign_in()
    assert other.csrf != visitor.csrf
    answer = await visitor.command("messages", {"text": "x"}, headers={"X-CSRF-Token": other.csrf})
    assert answer.status == 403


@pytest.mark.parametrize("kind", ["text/plain", FORM, "multipart/form-data", "x/y"])
async def test_a_command_that_is_not_json_by_its_type_is_refused(visitor: Visitor, kind: str) -> None:
    answer = await visitor.command("messages", data=b'{"text": "x"}', headers={"Content-Type": kind})
    assert (answer.status, answer.error["code"]) == (415, "not_json")


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"[]", b"null", b'"x"', b'{"text": 1}', b'{"text": "x", "more": 1}', b'{"text": NaN}',
        b'{"text": "\\ud800"}', b"\xff\xfe", b"[" * 5000, b'{"text": "x", "attachments": [{}]}',
        b'{"text": "x", "client_request_id": 5}', b'{"text": "x", "prompt": {"server": "a"}}',
        json.dumps({"text": "x", "client_request_id": "i" * 65}).encode(),
    ],
    ids=lambda data: repr(data[:40]),
)  # fmt: skip
async def test_a_command_of_another_form_is_refused(visitor: Visitor, data: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await visitor.command("messages", data=data, headers=headers)
    assert (answer.status, answer.error["code"]) == (400, "malformed")
    assert (await visitor.snapshot())["messages"] == []


@pytest.mark.parametrize(("path", "body"), COMMANDS)
async def test_fields_nobody_knows_are_refused_in_every_command(
    visitor: Visitor, path: str, body: dict[str, Any]
) -> None:
    assert (await visitor.command(path, {**body, "unknown": True})).status == 400


@pytest.mark.parametrize(("path", "body"), [c for c in COMMANDS if "/x" in c[0] or c[0] == "grants"])
async def test_what_does_not_exist_is_not_found(visitor: Visitor, path: str, body: dict[str, Any]) -> None:
    assert (await visitor.command(path, body)).status == 404


@pytest.mark.parametrize(("path", "body"), COMMANDS[1:])
async def test_another_persons_conversation_answers_as_if_it_did_not_exist(
    visitors: NewPerson, visitor: Visitor, path: str, body: dict[str, Any]
) -> None:
    other = await visitors().sign_in()
    theirs = await other.command(f"/api/chats/{visitor.chat_id}/{path}", body)
    none = await other.command(f"/api/chats/none/{path}", body)
    assert (theirs.status, theirs.body) == (none.status, none.body) == (404, none.body)


@pytest.mark.parametrize("path", [*READS[2:], "/chats/{}"])
async def test_another_persons_conversation_cannot_be_read(
    visitors: NewPerson, visitor: Visitor, path: str
) -> None:
    other = await visitors().sign_in()
    theirs, none = await other.get(path.format(visitor.chat_id)), await other.get(path.format("none"))
    assert (theirs.status, theirs.body) == (none.status, none.body) == (404, none.body)


async def test_one_answer_at_a_time(visitor: Visitor, stack: Stack) -> None:
    stack.model.faults.silent = True
    run = await visitor.ask("hello")
    for command, body in (("messages", {"text": "more"}), ("regenerate", {})):
        answer = await visitor.command(command, body)
        assert (answer.status, answer.error["code"]) == (409, "busy")
    assert (await visitor.command(f"runs/{run}/stop")).status == 202
    assert (await visitor.command(f"runs/{run}/stop")).status == 409
    assert (await visitor.command("runs/unknown/stop")).status == 404


async def test_there_is_nothing_to_write_again_before_anything_was_asked(visitor: Visitor) -> None:
    answer = await visitor.command("regenerate")
    assert (answer.status, answer.error["code"]) == (409, "nothing_to_do")


async def test_a_message_has_words_and_a_limit(visitors: NewPerson, serve_web: ServeWeb) -> None:
    async with serve_web(max_message=10) as url:
        visitor = await visitors(url=url).sign_in()
        empty = await visitor.command("messages", {"text": " \n "})
        assert (empty.status, empty.error["fields"]) == (422, {"text": "Write something."})
        long = await visitor.command("messages", {"text": "x" * 11})
        assert (long.status, long.error["code"]) == (413, "too_long")
        body = io.BytesIO(json.dumps({"text": "x" * 7_000_000}).encode())
        headers = {"Content-Type": "application/json"}
        huge = await visitor.command("messages", data=body, headers=headers)
        assert (huge.status, huge.error["message"]) == (413, "That was too long.")
        assert (await visitor.command("messages", {"text": "x" * 10})).status == 202


async def test_a_title_has_words(visitor: Visitor) -> None:
    async with visitor.stream() as stream:
        refused = await visitor.command("rename", {"title": "  "})
        assert (refused.status, refused.error["fields"]) == (422, {"title": "Write something."})
        assert (await visitor.command("rename", {"title": " My \n <b>chat</b> "})).status == 202
        assert (await stream.until("title.changed"))["title"] == "My <b>chat</b>"
    chats = (await visitor.get("/api/chats")).body["chats"]
    assert [chat["title"] for chat in chats] == ["My <b>chat</b>"]


async def test_a_deleted_conversation_is_gone_and_its_pages_are_let_go(visitor: Visitor) -> None:
    chat = visitor.chat_id
    async with visitor.stream() as stream:
        assert (await visitor.command("delete")).status == 202
        await stream.ends()
    assert (await visitor.get(f"/chats/{chat}")).status == 404


async def test_too_many_open_pages_are_refused(visitors: NewPerson, serve_web: ServeWeb) -> None:
    async with serve_web(max_streams=2) as url:
        visitor = await visitors(url=url).sign_in()
        async with visitor.stream():
            async with visitor.stream():
                third = await visitor.get(f"/api/chats/{visitor.chat_id}/events")
                assert (third.status, third.error["code"]) == (429, "too_many_streams")
            async with asyncio.timeout(12):  # less than a silent stream takes to find out
                while (await visitor.get(f"/chats/{visitor.chat_id}")).status == 200:
                    events = f"{url}/api/chats/{visitor.chat_id}/events"
                    async with visitor.http.get(events) as again:
                        if again.status == 200:
                            break


@pytest.mark.slow
async def test_too_many_busy_conversations_are_refused_and_an_idle_one_gives_way(
    visitors: NewPerson, serve_web: ServeWeb, stack: Stack
) -> None:
    async with serve_web(max_chats=2) as url:
        visitor = await visitors(url=url).sign_in()
        stack.model.faults.silent = True
        await visitor.ask("hello")
        idle = await visitor.new_chat()
        await visitor.new_chat()
        assert idle != visitor.chat_id
        await visitor.ask("hello")
        answer = await visitor.command("/api/chats")
        assert (answer.status, answer.error["code"]) == (429, "too_many_chats")
        stack.model.faults.silent = False


async def test_a_prompt_of_a_server_that_is_down_is_502_and_can_be_tried_again(
    visitors: NewPerson, serve_web: ServeWeb
) -> None:
    async with serve_web(mcp_server_url="http://localhost:9/mcp", more_servers=()) as url:
        visitor = await visitors(url=url).sign_in()
        for body in (
            {"text": "", "prompt": {"server": "Tools", "name": "x"}},
            {"text": "x", "attachments": [{"server": "Tools", "uri": "x://y"}]},
        ):
            answer = await visitor.command("messages", body)
            assert (answer.status, answer.error["code"], answer.error["retryable"]) == (502, "mcp", True)
        assert (await visitor.snapshot())["messages"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"text": "", "prompt": {"server": "nobody", "name": "x"}},
        {"text": "x", "attachments": [{"server": "nobody", "uri": "x://y"}]},
    ],
)
async def test_a_server_that_is_not_configured_is_refused_with_words(
    visitor: Visitor, body: dict[str, Any]
) -> None:
    answer = await visitor.command("messages", body)
    assert (answer.status, answer.error["message"]) == (502, "There is no such MCP server.")


async def test_the_same_command_sent_again_is_done_once(visitor: Visitor, stack: Stack) -> None:
    body = {"text": "hello", "client_request_id": "one"}
    answers = await asyncio.gather(*(visitor.command("messages", body) for _ in range(5)))
    assert {a.status for a in answers} == {202}
    assert len({a.body["run_id"] for a in answers}) == 1
    async with visitor.stream() as stream:
        snapshot = await stream.until("snapshot")
        if snapshot["run"]:
            await stream.until("run.done")
    again = await visitor.command("messages", body)
    assert again.body == answers[0].body
    assert [m["role"] for m in (await visitor.snapshot())["messages"]] == ["user", "assistant"]


async def test_a_refused_command_sent_again_is_refused_again(visitor: Visitor) -> None:
    body = {"client_request_id": "two"}
    first, second = await visitor.command("regenerate", body), await visitor.command("regenerate", body)
    assert (first.status, first.body) == (second.status, second.body) == (409, first.body)


async def test_request_ids_of_different_people_and_paths_do_not_meet(
    visitors: NewPerson, visitor: Visitor
) -> None:
    other = await visitors().sign_in()
    body = {"client_request_id": "three"}
    made = [(await v.command("/api/chats", body)).body["chat_id"] for v in (visitor, other)]
    assert len(set(made)) == 2
    assert (await visitor.command("rename", {"title": "x", **body})).status == 202


async def test_a_command_goes_on_when_the_page_hangs_up_before_the_answer(
    visitor: Visitor, stack: Stack
) -> None:
    async with visitor.stream() as stream:
        body = {"text": "hello", "client_request_id": "four"}
        sent = asyncio.create_task(visitor.command("messages", body))
        await stream.until("message.added")
        sent.cancel()
        await stream.until("run.done")
        answer = await visitor.command("messages", body)
    assert answer.status == 202
    assert len((await visitor.snapshot())["messages"]) == 2


async def test_pages_and_answers_carry_the_security_headers(visitor: Visitor) -> None:
    for path in ("/", "/api/session", "/nothing", "/static/js/main.js", "/health"):
        headers = (await visitor.get(path)).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'; script-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "Strict-Transport-Security" not in headers
        assert headers["Cache-Control"] == ("no-cache" if path.startswith("/static") else "no-store")


async def test_a_static_file_of_an_endless_name_does_not_exist(visitor: Visitor) -> None:
    for name in ("x" * 256, "%C3%A4" * 200):
        assert (await visitor.get(f"/static/{name}")).status == 404


async def test_pages_that_do_not_exist_or_cannot_be_used_like_that_say_so(visitor: Visitor) -> None:
    missing, api = await visitor.get("/nothing"), await visitor.get("/api/nothing")
    assert (missing.status, api.status) == (404, 404)
    assert "There is nothing at this address" in missing.body
    assert api.error["message"].startswith("There is nothing at this address")
    assert (await visitor.get("/signout")).status == 405
    assert (await visitor.command("/api/session")).status == 405


async def test_health_needs_no_sign_in(visitors: NewPerson) -> None:
    answer = await visitors().get("/health")
    assert (answer.status, answer.body) == (200, "The web chat is running.")


@pytest.mark.parametrize("kind", [f"{FORM}; charset=nonsense", FORM])
async def test_a_sign_out_form_nobody_can_read_is_refused(visitor: Visitor, kind: str) -> None:
    headers = {"Origin": visitor.url, "Content-Type": kind}
    answer = await visitor.request("POST", "/signout", data=b"csrf_token=%ff\xff&\xfe", headers=headers)
    assert answer.status == 403


async def test_somebody_elses_host_header_changes_nothing_of_the_redirects(stack: Stack) -> None:
    async with (
        aiohttp.ClientSession(timeout=TIMEOUT) as http,
        http.get(f"{stack.url}/signin", headers={"Host": "evil.example"}, allow_redirects=False) as answer,
    ):
        assert "evil.example" not in answer.headers["Location"]


async def test_a_pinned_conversation_is_listed_first(visitor: Visitor) -> None:
    first = visitor.chat_id
    assert (await visitor.command("rename", {"title": "First"})).status == 202
    second = (await visitor.command("/api/chats")).body["chat_id"]
    assert (await visitor.command(f"/api/chats/{second}/rename", {"title": "Second"})).status == 202
    assert (await visitor.command("pin", {"pinned": True})).status == 202
    chats = (await visitor.get("/api/chats")).body["chats"]
    assert [(chat["chat_id"], chat["pinned"]) for chat in chats] == [(first, True), (second, False)]
    await visitor.command("pin", {"pinned": False})
    assert not any(chat["pinned"] for chat in (await visitor.get("/api/chats")).body["chats"])
    assert (await visitor.get(f"/api/chats/{first}")).body == {"chat_id": first, "title": "First"}


async def test_an_empty_conversation_is_not_listed(visitor: Visitor) -> None:
    assert (await visitor.get("/api/chats")).body["chats"] == []
