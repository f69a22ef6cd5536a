"""Preferences: cookies choose language and theme, and each catalogue has an address that may be kept."""

import pytest
from tests.webclient.visitor import Visitor

from mcpsecurity_webclient.languages import page_texts


@pytest.mark.parametrize(
    ("cookies", "accepted", "expected"),
    [
        ("", "fr", '<html lang="fr">'),
        ("language=es; theme=dark", "fr", '<html lang="es" data-theme="dark">'),
        ('language=xx; theme="><script>', "de-AT", '<html lang="de">'),
    ],
)
async def test_a_page_is_in_the_language_and_theme_of_its_person(
    visitor: Visitor, cookies: str, accepted: str, expected: str
) -> None:
    headers = {"Accept-Language": accepted, "Cookie": cookies}
    async with visitor.http.get(f"{visitor.url}/signout-callback-oidc", headers=headers) as answer:
        assert expected in await answer.text()


async def test_a_catalogue_may_be_kept_for_ever_and_an_unknown_one_is_not_found(
    visitor: Visitor,
) -> None:
    name, script = page_texts("de")
    async with visitor.http.get(f"{visitor.url}/texts/{name}") as answer:
        assert answer.status == 200
        assert await answer.text() == script
        assert "immutable" in answer.headers["Cache-Control"]
    for other in ("de.0123456789ab.js", "en.js", "..%2Fde.po", "xx.0123456789ab.js"):
        async with visitor.http.get(f"{visitor.url}/texts/{other}") as answer:
            assert answer.status == 404


async def test_a_refusal_is_in_the_persons_language(visitor: Visitor) -> None:
    headers = {"Accept-Language": "de"}
    async with visitor.http.get(f"{visitor.url}/chats/unknown", headers=headers) as answer:
        assert answer.status == 404
        assert '<html lang="de">' in await answer.text()
