"""A person is known by an ID token that we verified; MSAL alone would believe it."""

from typing import Any

import pytest
from tests.browser.stack import Stack
from tests.webclient.conftest import NewPerson
from tests.webclient.visitor import Answer
from yarl import URL

from mcpsecurity.localcloud.entra.tokens import TokenFactory


class WrongTokens(TokenFactory):
    """Makes ID tokens that are not as they should be."""

    def __init__(self, good: TokenFactory) -> None:
        super().__init__(good.issuer, good.keys, good.clock)
        self.changes: dict[str, Any] = {}
        self.tampered = False
        self.instead: list[Any] = []
        """What comes in place of ID tokens, if there is something."""

    def id_claims(self, *args: Any, **options: Any) -> dict[str, Any]:
        claims = super().id_claims(*args, **options) | self.changes
        return {name: value for name, value in claims.items() if value is not None}

    def sign(self, claims: Any) -> Any:
        token = super().sign(claims)
        if self.instead and "nonce" in claims:
            return self.instead[0]
        if not self.tampered or "nonce" not in claims:
            return token
        head, _, signature = token.rpartition(".")
        return f"{head}.{signature[:10]}{'A' if signature[10] != 'A' else 'B'}{signature[11:]}"


@pytest.fixture
def tokens(stack: Stack) -> Any:
    """The tenant's tokens, to be made wrong."""
    tenant = stack.cloud.tenant
    good = tenant.tokens
    tenant.tokens = wrong = WrongTokens(good)
    yield wrong
    tenant.tokens = good


async def _attempt(visitors: NewPerson) -> Answer:
    visitor = visitors()
    answer = await visitor.get(await visitor.consent(await visitor.begin()))
    assert "mcpsecurity_session" not in visitor.cookies
    assert (await visitor.get("/api/session")).status == 401
    return answer


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "another"}, {"nonce": None},
        {"aud": "10ca1c10-0000-4000-8000-00000000ffff"}, {"aud": None},
        {"azp": "10ca1c10-0000-4000-8000-00000000ffff"},
        {"iss": "https://login.attacker.example/t/v2.0"}, {"iss": None},
        {"tid": "10ca1c10-0000-4000-8000-00000000ffff"},
        {"exp": 1_600_000_000}, {"exp": None}, {"nbf": 4_000_000_000},
        {"oid": None}, {"oid": 7},
    ],
    ids=str,
)  # fmt: skip
async def test_an_id_token_that_is_not_for_this_sign_in_is_refused(
    visitors: NewPerson, tokens: WrongTokens, changes: dict[str, Any]
) -> None:
    tokens.changes = changes
    answer = await _attempt(visitors)
    assert answer.status == 400
    assert "The sign-in could not be verified." in answer.body


async def test_an_id_token_with_a_wrong_signature_is_refused(
    visitors: NewPerson, tokens: WrongTokens
) -> None:
    tokens.tampered = True
    answer = await _attempt(visitors)
    assert answer.status == 400
    assert "The sign-in could not be verified." in answer.body


async def test_a_person_without_names_is_called_by_her_object_id(
    visitors: NewPerson, tokens: WrongTokens, stack: Stack
) -> None:
    tokens.changes = {"name": None, "preferred_username": None}
    visitor = await visitors().sign_in()
    user = stack.cloud.tenant.directory.users[visitor.user]
    session = await visitor.get("/api/session")
    assert session.body["user"] == {"name": user.oid, "username": user.oid}


@pytest.mark.parametrize("hint", [7, ["x"], {"x": 1}, True, ""], ids=repr)
async def test_a_login_hint_that_is_no_text_is_no_reason_not_to_sign_out(
    visitors: NewPerson, tokens: WrongTokens, hint: Any
) -> None:
    tokens.changes = {"login_hint": hint}
    visitor = await visitors().sign_in()
    answer = await visitor.sign_out()
    assert answer.status == 303
    assert "logout_hint" not in URL(answer.location).query
    assert (await visitor.get("/api/session")).status == 401


@pytest.mark.parametrize("shape", [None, 7, "", "a.b.c", "ü", ["x"]], ids=repr)
async def test_a_token_answer_without_a_readable_id_token_is_a_failed_sign_in(
    tokens: WrongTokens, visitors: NewPerson, shape: Any
) -> None:
    tokens.instead = [shape]
    answer = await _attempt(visitors)
    assert answer.status in (400, 401, 403, 502, 503)
    assert "could not be verified" in answer.body
