"""A sign-in at servers whose certificate is of an authority of one's own."""

from functools import partial
from pathlib import Path

import pytest
from tests.client.oauth.test_auth import Visits, whoami
from tests.support.oauth import browser, protected

from mcpsecurity.client import BridgeError
from mcpsecurity.client.oauth import MemoryStore, browser_auth
from mcpsecurity.localcloud.certificates import Certificates, ensure_certificates
from mcpsecurity.runtime.tls import client_ssl_context


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return ensure_certificates(tmp_path_factory.mktemp("authority"))


def visits_with(ca_file: Path) -> Visits:
    return Visits(partial(browser, tls=client_ssl_context(ca_file)))


async def test_a_person_signs_in_tokens_are_refreshed_and_the_sign_out_revokes_them(
    certificates: Certificates,
) -> None:
    ca, store = certificates.ca_file, MemoryStore()
    visits = visits_with(ca)
    async with protected(certificate=certificates.server_file) as server:
        assert server.url.startswith("https://localhost:")
        for _ in range(2):
            auth = browser_auth(server.url, store=store, ca_file=ca, tell=lambda _: None, open_page=visits)
            assert await whoami(server, auth, ca_file=ca) == "a person"
            server.tokens.access.clear()
        assert (len(visits.urls), server.tokens.refreshed) == (1, 1)
        await auth.sign_out()
        assert server.tokens.refresh == {}


async def test_a_sign_in_at_an_untrusted_authority_is_refused(certificates: Certificates) -> None:
    visits = visits_with(certificates.ca_file)
    async with protected(certificate=certificates.server_file) as server:
        auth = browser_auth(server.url, tell=lambda _: None, open_page=visits)
        with pytest.raises(BridgeError, match="does not answer"):
            await whoami(server, auth, ca_file=certificates.ca_file)
        assert (visits.urls, server.tokens.clients) == ([], {})
