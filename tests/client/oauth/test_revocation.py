"""At the sign-out the authorization server forgets the tokens, too (RFC 7009), if it can."""

from typing import Any

import pytest
from tests.client.oauth.test_auth import Visits, auth_for, whoami
from tests.support.oauth import Instead, protected

from mcpsecurity.client.oauth import MemoryStore, read_grant
from mcpsecurity.client.oauth.documents import ServerMetadata


async def test_signing_out_revokes_the_refresh_token_at_the_authorization_server() -> None:
    store, visits = MemoryStore(), Visits()
    async with protected() as server:
        await whoami(server, auth_for(server, visits, store))
        assert len(server.tokens.refresh) == 1
        await auth_for(server, visits, store).sign_out()
        assert server.tokens.refresh == {}


@pytest.mark.parametrize("answer", [503, 400, {"error": "unsupported_token_type"}])
async def test_an_authorization_server_that_does_not_revoke_does_not_hinder_the_sign_out(
    answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    store, visits, instead = MemoryStore(), Visits(), Instead()
    async with protected(instead) as server:
        auth = auth_for(server, visits, store)
        await whoami(server, auth)
        instead["/revoke"] = answer
        await auth.sign_out()
        [token] = server.tokens.refresh
    assert await store.load() is None
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("mcpsecurity")]
    assert sum(" was not revoked: HTTP " in line for line in ours) == isinstance(answer, int)
    assert not any(token in line for line in ours)


async def test_without_an_address_for_it_or_with_one_that_is_inside_nothing_is_revoked(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for named in (None, "https://169.254.169.254/revoke", "http://example.com/revoke"):
        store, visits = MemoryStore(), Visits()
        async with protected() as server:
            auth = auth_for(server, visits, store)
            await whoami(server, auth)
            grant = read_grant(await store.load())
            assert grant is not None
            document = {**grant.server.model_dump(mode="json"), "revocation_endpoint": named}
            changed = grant.model_copy(update={"server": ServerMetadata.model_validate(document)})
            await store.save(changed.model_dump_json())
            await auth_for(server, visits, store).sign_out()
            assert len(server.tokens.refresh) == 1
        assert await store.load() is None
    assert caplog.text.count("was not revoked: BridgeError") == 2
