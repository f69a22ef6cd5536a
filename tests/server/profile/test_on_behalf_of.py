"""The on-behalf-of flow: its requests; answers of the tenant become tool errors and stay out of the log."""

import json
import logging

import pytest
from tests.oidc.odd_answers import ODD_ANSWERS
from tests.oidc.tenant import ControlledTenant, MovableClock
from tests.server.protected import ProtectedServer
from tests.server.tools.test_identity import _call


@pytest.mark.parametrize(("status", "body"), ODD_ANSWERS)
async def test_an_odd_token_answer_is_a_tool_error_and_stays_out_of_the_log(
    tenant: ControlledTenant,
    clock: MovableClock,
    caplog: pytest.LogCaptureFixture,
    status: int,
    body: bytes,
) -> None:
    caplog.set_level(logging.DEBUG)
    tenant.token_answer = (status, body)
    token = tenant.access_token()
    settings = {"client_secret": "s", "graph_url": "https://localhost:1"}
    async with ProtectedServer(tenant, clock, **settings) as protected:
        result = await _call(protected, token, "get_my_profile")
    assert result["isError"]
    assert "SECRET" not in str(result)
    assert "SECRET" not in caplog.text
    assert token not in caplog.text
    assert "Traceback" not in caplog.text
    assert "/elsewhere" not in tenant.posts
    assert len(tenant.posts) >= 1


async def test_it_says_that_it_passes_a_claims_challenge_on(
    tenant: ControlledTenant, clock: MovableClock
) -> None:
    settings = {"client_secret": "s", "graph_url": "https://localhost:1"}
    async with ProtectedServer(tenant, clock, **settings) as protected:
        await _call(protected, tenant.access_token(), "get_my_profile")
    (form,) = tenant.forms
    assert json.loads(form["claims"]) == {"access_token": {"xms_cc": {"values": ["CP1"]}}}
