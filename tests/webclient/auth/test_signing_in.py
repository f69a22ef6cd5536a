"""Signing in: several at once, answers that are not ours, and what the cookie is."""

import asyncio
import re
from pathlib import Path

import pytest
from tests.browser.stack import Stack
from tests.oidc.tenant import MovableClock
from tests.support.certificates import write_certificate
from tests.webclient.conftest import NewPerson, ServeWeb
from yarl import URL

NOT_BEGUN = "This sign-in expired or was started elsewhere. Please try again."
SESSION = "mcpsecurity_session"


async def test_a_person_is_sent_to_the_tenant_with_pkce_and_state_and_comes_back_signed_in(
    visitors: NewPerson, stack: Stack
) -> None:
    visitor = visitors()
    front = await visitor.get("/")
    assert (front.status, front.location) == (302, "/signin")
    authorize = URL(await visitor.begin(), encoded=True)
    assert authorize.query["code_challenge_method"] == "S256"
    assert authorize.query["redirect_uri"] == f"{stack.url}/signin-oidc"
    assert stack.cloud.scope in authorize.query["scope"]
    assert SESSION not in visitor.cookies
    await visitor.sign_in()
    session = await visitor.get("/api/session")
    assert session.body["user"]["username"] == visitor.user


async def test_sign_ins_that_run_side_by_side_in_one_browser_all_succeed(visitors: NewPerson) -> None:
    visitor = visitors()
    begun = await asyncio.gather(*(visitor.begin(f"/signin?next=/chats/{n}") for n in range(5)))
    for number, authorize in reversed(list(enumerate(begun))):
        answer = await visitor.get(await visitor.consent(authorize))
        assert (answer.status, answer.location) == (302, f"/chats/{number}")
    assert [name for name in visitor.cookies if name.startswith("signin-")] == []


async def test_the_oldest_of_too_many_sign_ins_is_given_up(visitors: NewPerson) -> None:
    visitor = visitors()
    begun = [await visitor.begin() for _ in range(9)]
    first, second = await visitor.consent(begun[0]), await visitor.consent(begun[1])
    assert (await visitor.get(first)).status == 400
    assert (await visitor.get(second)).status == 302


async def test_an_answer_can_be_used_once_and_leads_to_the_chat_when_it_comes_again(
    visitors: NewPerson,
) -> None:
    visitor, other = visitors(), visitors()
    callback = await visitor.consent(await visitor.begin())
    assert (await visitor.get(callback)).status == 302
    session = visitor.cookies[SESSION]
    again = await visitor.get(callback)
    assert (again.status, again.location) == (302, "/")
    assert visitor.cookies[SESSION] == session
    await other.sign_in()
    for stranger in (other, visitors()):
        refused = await stranger.get(callback)
        assert refused.status == 400
        assert NOT_BEGUN in refused.body


@pytest.mark.parametrize("query", ["", "?state=unknown&code=abc", "?state=%FF&code=%00"])
async def test_an_answer_with_a_state_nobody_began_is_refused(visitors: NewPerson, query: str) -> None:
    answer = await visitors().get(f"/signin-oidc{query}")
    assert answer.status == 400
    assert NOT_BEGUN in answer.body


async def test_an_answer_does_not_sign_another_browser_in(visitors: NewPerson) -> None:
    attacker, victim = visitors(), visitors()
    callback = await attacker.consent(await attacker.begin())
    refused = await victim.get(callback)
    assert refused.status == 400
    assert SESSION not in victim.cookies
    assert (await attacker.get(callback)).status == 302


async def test_a_sign_in_that_took_too_long_has_to_be_begun_again(
    visitors: NewPerson, serve_web: ServeWeb
) -> None:
    clock = MovableClock()
    async with serve_web({"clock": clock.wall}) as url:
        visitor = visitors(url=url)
        authorize = await visitor.begin()
        clock.offset += 601
        assert (await visitor.get(await visitor.consent(authorize))).status == 400


async def test_an_answer_of_another_issuer_is_refused(visitors: NewPerson) -> None:
    visitor = visitors()
    callback = URL(await visitor.consent(await visitor.begin()), encoded=True)
    answer = await visitor.get(str(callback.update_query(iss="https://login.attacker.example/t/v2.0")))
    assert answer.status == 400
    assert "another tenant" in answer.body


async def test_a_code_that_is_not_the_tenants_shows_entras_code(
    visitors: NewPerson, caplog: pytest.LogCaptureFixture
) -> None:
    visitor = visitors()
    callback = URL(await visitor.consent(await visitor.begin()), encoded=True)
    answer = await visitor.get(str(callback.update_query(code="not-a-code")))
    assert answer.status == 400
    assert "AADSTS" in answer.body
    assert "Entra ID did not complete the sign-in." in answer.body
    assert "tell your administrator this code" in answer.body
    [line] = [r for r in caplog.records if "a sign-in failed with AADSTS" in r.getMessage()]
    assert (line.levelname, "not-a-code" in caplog.text) == ("WARNING", False)


async def test_an_error_of_the_tenant_is_shown_as_text_with_its_code(visitors: NewPerson) -> None:
    visitor = visitors()
    callback = await visitor.consent(await visitor.begin(), login_hint="nobody@contoso.example")
    assert URL(callback).query["error"] == "login_required"
    answer = await visitor.get(callback)
    assert answer.status == 400
    assert "AADSTS50034" in answer.body
    marked = URL(await visitor.begin()).query["state"]
    nasty = f"/signin-oidc?state={marked}&error=x&error_description=AADSTS%3Cscript%3E:no"
    assert "<script>" not in (await visitor.get(nasty)).body


async def test_a_consent_that_the_person_declines_is_called_that(visitors: NewPerson, stack: Stack) -> None:
    stack.cloud.tenant.faults.consent_required = True
    visitor = visitors()
    url = await visitor.begin()
    page = await visitor.get(url)
    for choice in ({"user": visitor.user}, {"decision": "cancel"}):
        [flow] = re.findall(r'name="flow" value="([^"]+)"', page.body)
        [action] = re.findall(r'<form[^>]* action="([^"]+)"', page.body)
        url = str(URL(url, encoded=True).join(URL(action)))
        page = await visitor.request("POST", url, data={"flow": flow, **choice})
    answer = await visitor.get(page.location)
    assert answer.status == 400
    assert "You did not consent" in answer.body
    assert "AADSTS65004" in answer.body


async def test_the_session_gets_a_new_name_at_each_sign_in_and_the_old_one_is_dead(
    visitors: NewPerson,
) -> None:
    visitor = await visitors().sign_in()
    before = visitor.cookies[SESSION].value
    csrf = visitor.csrf
    await visitor.sign_in()
    assert visitor.cookies[SESSION].value != before
    assert visitor.csrf == csrf, "pages that are still open must go on working"
    thief = visitors(user=visitor.user)
    thief.http.cookie_jar.update_cookies({SESSION: before}, URL(visitor.url))
    assert (await thief.get("/api/session")).status == 401


async def test_a_session_name_chosen_by_somebody_else_is_not_taken_over(visitors: NewPerson) -> None:
    visitor = visitors()
    visitor.http.cookie_jar.update_cookies({SESSION: "chosen-by-an-attacker"}, URL(visitor.url))
    await visitor.sign_in()
    assert visitor.cookies[SESSION].value != "chosen-by-an-attacker"


async def test_the_cookie_on_plain_http_is_kept_from_scripts_and_other_sites(visitors: NewPerson) -> None:
    visitor = await visitors().sign_in()
    cookie = visitor.cookies[SESSION]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert not cookie["domain"] or cookie["domain"] == "localhost"
    assert len(cookie.value) >= 32


async def test_with_an_https_address_every_cookie_is_bound_to_this_host_and_to_https(
    visitors: NewPerson, serve_web: ServeWeb, stack: Stack
) -> None:
    stack.cloud.register_webclient_url("https://chat.example")
    async with serve_web(url="https://chat.example") as url:
        visitor = visitors(url=url)
        begun = await visitor.get("/signin")
        flow = begun.headers["Set-Cookie"]
        callback = URL(await visitor.consent(begun.location), encoded=True)
        assert callback.host == "chat.example"
        cookie = {"Cookie": flow.partition(";")[0]}
        done = await visitor.get(str(callback.relative()), headers=cookie)
        assert done.status == 302
        [taken, session] = sorted(done.headers.getall("Set-Cookie"), key=lambda line: "session" in line)
        for line, name in ((flow, "__Host-signin-"), (taken, "__Host-"), (session, "__Host-")):
            assert line.startswith(name)
            assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(line.split("; "))
            assert "Domain" not in line
        assert done.headers["Strict-Transport-Security"].startswith("max-age=31536000")


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:x()",
        "/%0d%0aSet-Cookie:x=1\r\n", "/\tevil", "", "evil.example", "/ /evil", "/ü",
    ],
)  # fmt: skip
async def test_a_sign_in_leads_to_no_other_site(visitors: NewPerson, target: str) -> None:
    visitor = visitors()
    begin = str(URL("/signin").with_query(next=target))
    answer = await visitor.get(await visitor.consent(await visitor.begin(begin)))
    assert answer.location in ("/", "/%0d%0aSet-Cookie:x=1")
    assert "x" not in visitor.cookies


async def test_a_signed_out_visitor_is_sent_back_to_the_page_she_wanted(visitors: NewPerson) -> None:
    visitor = visitors()
    wanted = await visitor.get("/chats/abc")
    assert wanted.location == "/signin?next=/chats/abc"
    answer = await visitor.get(await visitor.consent(await visitor.begin(wanted.location)))
    assert answer.location == "/chats/abc"


async def test_signing_in_as_somebody_else_ends_the_first_persons_session(visitors: NewPerson) -> None:
    visitor, other = await visitors().sign_in(), visitors()
    old_chat = visitor.chat_id
    async with visitor.stream() as stream:
        await visitor.sign_in(login_hint=other.user)
        assert (await stream.until("session.expired"))["reason"] == "signed_out"
    assert (await visitor.get("/api/session")).body["user"]["username"] == other.user
    assert (await visitor.get(f"/chats/{old_chat}")).status == 404


async def test_a_certificate_does_instead_of_a_secret(
    visitors: NewPerson, serve_web: ServeWeb, stack: Stack, tmp_path: Path
) -> None:
    file = tmp_path / "client.pem"
    stack.cloud.tenant.directory.add_certificate(stack.cloud.web_client_id, write_certificate(file))
    async with serve_web(client_secret=None, certificate_file=file) as url:
        visitor = await visitors(url=url).sign_in()
        assert (await visitor.get("/api/session")).status == 200


async def test_a_certificate_the_tenant_does_not_know_is_told_with_its_code(
    visitors: NewPerson, serve_web: ServeWeb, tmp_path: Path
) -> None:
    write_certificate(tmp_path / "client.pem")
    async with serve_web(client_secret=None, certificate_file=tmp_path / "client.pem") as url:
        visitor = visitors(url=url)
        answer = await visitor.get(await visitor.consent(await visitor.begin()))
        assert answer.status == 400
        assert "AADSTS700027" in answer.body


async def test_a_wrong_secret_is_told_with_its_code(visitors: NewPerson, serve_web: ServeWeb) -> None:
    async with serve_web(client_secret="wrong") as url:
        visitor = visitors(url=url)
        answer = await visitor.get(await visitor.consent(await visitor.begin()))
        assert answer.status == 400
        assert "AADSTS7000215" in answer.body
