"""The page says why a sign-in at Entra ID failed, and what the person or the administrator can do."""

import pytest
from tests.browser.stack import Stack
from tests.webclient.conftest import NewPerson, ServeWeb
from yarl import URL

NO_TENANT = "Entra ID does not know the tenant of this chat, so nobody can sign in."
SETTINGS = "Please tell your administrator to check ENTRA_TENANT_ID and ENTRA_AUTHORITY."


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        ("access_denied", "AADSTS65004", "You did not consent, so you are not signed in."),
        ("access_denied", "", "You did not consent, so you are not signed in."),
        ("access_denied", "AADSTS53003", "A rule of your organisation does not let you sign in here"),
        ("interaction_required", "AADSTS53003", "A rule of your organisation does not let you sign in here"),
        ("access_denied", "AADSTS90094", "Your organisation has not consented to this chat."),
        ("consent_required", "AADSTS65001", "Your organisation has not consented to this chat."),
        ("access_denied", "AADSTS50105", "Your account is not assigned to this chat."),
        ("invalid_request", "AADSTS50011", "This chat is not set up at Entra ID as it should be"),
        ("invalid_request", "AADSTS90002", "This chat is not set up at Entra ID as it should be"),
        ("invalid_resource", "AADSTS500011", "This chat is not set up at Entra ID as it should be"),
        ("invalid_client", "AADSTS7000222", "Entra ID refuses this chat's secret or certificate"),
        ("login_required", "AADSTS50034", "This account is not one of this organisation."),
        ("temporarily_unavailable", "AADSTS90033", "Entra ID has a problem at the moment."),
        ("invalid_request", "AADSTS999999", "Entra ID did not complete the sign-in. If trying again"),
        ("server_error", "", "Entra ID did not complete the sign-in."),
    ],
)
async def test_a_code_of_the_tenant_is_said_in_words(
    visitors: NewPerson, error: str, code: str, words: str
) -> None:
    visitor = visitors()
    query = {
        "state": URL(await visitor.begin()).query["state"],
        "error": error,
        "error_description": f"{code}: It is so." if code else "It is so.",
    }
    answer = await visitor.get(str(URL("/signin-oidc").with_query(query)))
    assert answer.status == 400
    said = answer.body.replace("&#39;", "'")
    assert words in said
    assert (f"<dd>{code}</dd>" in said) is bool(code)
    assert "It is so" not in said
    assert ("You did not consent" in said) is words.startswith("You did not")


async def test_a_wrong_secret_is_the_operators_to_mend(visitors: NewPerson, serve_web: ServeWeb) -> None:
    async with serve_web(client_secret="wrong") as url:
        visitor = visitors(url=url)
        answer = await visitor.get(await visitor.consent(await visitor.begin()))
    assert "Entra ID refuses this chat&#39;s secret or certificate" in answer.body
    assert "AADSTS7000215" in answer.body


async def test_a_tenant_that_entra_does_not_know_is_named_as_the_operators_matter(
    visitors: NewPerson, serve_web: ServeWeb, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve_web(tenant_id="00000000-0000-4000-8000-000000000000") as url:
        answer = await visitors(url=url).get("/signin")
    assert answer.status == 503
    assert f"{NO_TENANT} {SETTINGS}" in answer.body
    assert "no such tenant (status 400); check ENTRA_TENANT_ID and ENTRA_AUTHORITY" in caplog.text


async def test_an_authority_of_another_tenant_is_told_when_its_answer_is_checked(
    visitors: NewPerson, serve_web: ServeWeb, stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    stack.cloud.tenant.faults.metadata = {"issuer": "https://login.windows.net/common/v2.0"}
    async with serve_web() as url:
        visitor = visitors(url=url)
        answer = await visitor.get(await visitor.consent(await visitor.begin()))
    assert answer.status == 503
    assert f"another tenant than that of this chat, so nobody can sign in. {SETTINGS}" in answer.body
    assert "check ENTRA_AUTHORITY and ENTRA_TENANT_ID" in caplog.text
