"""Odd answers of the tenant to a sign-in: a page that says so, and nothing of them in the log."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.oidc.odd_answers import ODD_ANSWERS
from tests.oidc.tenant import TENANT_ID, ControlledTenant
from tests.webclient.conftest import NewPerson, ServeWeb
from yarl import URL


@pytest.fixture
async def tenant(tmp_path: Path) -> AsyncIterator[ControlledTenant]:
    async with ControlledTenant(tmp_path) as tenant:
        yield tenant


@pytest.mark.parametrize(("status", "body"), ODD_ANSWERS)
async def test_an_odd_token_answer_is_a_failed_sign_in_and_stays_out_of_the_log(
    tenant: ControlledTenant,
    serve_web: ServeWeb,
    visitors: NewPerson,
    caplog: pytest.LogCaptureFixture,
    status: int,
    body: bytes,
) -> None:
    caplog.set_level(logging.DEBUG)
    tenant.token_answer = (status, body)
    changes = {"authority": tenant.authority, "tenant_id": TENANT_ID, "ca_file": tenant.ca_file}
    async with serve_web(**changes) as url:
        visitor = visitors(url=url)
        state = URL(await visitor.begin(), encoded=True).query["state"]
        answer = await visitor.get(f"/signin-oidc?code=the-code&state={state}")
        assert answer.status in (400, 503)
        assert "SECRET" not in answer.body
        assert (await visitor.get("/api/session")).status == 401
    assert "SECRET" not in caplog.text
    assert "the-code" not in [word for record in caplog.records for word in record.getMessage().split("=")]
    assert "Traceback" not in caplog.text
    assert "/elsewhere" not in tenant.posts
    assert len(tenant.posts) >= 1
