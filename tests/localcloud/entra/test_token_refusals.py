"""What the token endpoint refuses: AADSTS code, OAuth error and HTTP status."""

import base64
from typing import TYPE_CHECKING, Any

import pytest

from mcpsecurity.localcloud import LocalCloud
from mcpsecurity.localcloud.entra.errors import Sts

if TYPE_CHECKING:
    from tests.localcloud.entra.conftest import RelyingParty

Refusal = tuple[int, str, list[int]]


def _refusal(answer: tuple[int, dict[str, Any]]) -> Refusal:
    status, body = answer
    return status, body["error"], body["error_codes"]


async def test_a_refusal_has_entras_shape(party: "RelyingParty") -> None:
    status, body = await party.token(grant_type="refresh_token", refresh_token="unknown")

    assert status == 400
    assert body["error_description"].startswith("AADSTS70000: ")
    assert body["trace_id"] in body["error_description"]
    assert body["correlation_id"] in body["error_description"]
    assert body["timestamp"] in body["error_description"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, (400, "invalid_request", [900144])),
        ({"grant_type": "password"}, (400, "unsupported_grant_type", [70003])),
        ({"grant_type": "refresh_token", "client_id": None}, (400, "invalid_request", [900144])),
        ({"grant_type": "refresh_token", "client_id": "unknown"}, (400, "unauthorized_client", [700016])),
        ({"grant_type": "refresh_token", "client_secret": None}, (401, "invalid_client", [7000218])),
        ({"grant_type": "refresh_token", "client_secret": "wrong"}, (401, "invalid_client", [7000215])),
        ({"grant_type": "refresh_token"}, (400, "invalid_request", [900144])),
        ({"grant_type": "authorization_code", "code": "unknown"}, (400, "invalid_grant", [70000])),
        ({"grant_type": "client_credentials"}, (400, "invalid_request", [900144])),
        ({"grant_type": "client_credentials", "scope": "User.Read"}, (400, "invalid_scope", [1002012])),
        ({"grant_type": "client_credentials", "scope": "openid"}, (400, "invalid_scope", [1002012])),
        (
            {"grant_type": "client_credentials", "scope": "api://unknown/.default"},
            (400, "invalid_resource", [500011]),
        ),
    ],
)
async def test_a_request_is_refused(
    party: "RelyingParty", values: dict[str, str | None], expected: Refusal
) -> None:
    assert _refusal(await party.token(**values)) == expected


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"code_verifier": "w" * 43}, (400, "invalid_grant", [501481])),
        ({"code_verifier": None}, (400, "invalid_request", [900144])),
        ({"redirect_uri": "http://localhost:5001/other"}, (400, "invalid_grant", [70000])),
        ({"redirect_uri": None}, (400, "invalid_grant", [70000])),
        ({"scope": ""}, (400, "invalid_request", [28003])),
        ({"resource": "https://other.example/mcp"}, (400, "invalid_target", [9010010])),
    ],
)
async def test_a_code_that_is_redeemed_wrongly_gives_nothing_and_is_used_up(
    party: "RelyingParty", changed: dict[str, str | None], expected: Refusal
) -> None:
    code = await party.code()

    assert _refusal(await party.redeem(code, **changed)) == expected
    assert _refusal(await party.redeem(code)) == (400, "invalid_grant", [54005])


async def test_a_code_is_good_for_its_own_client_only(party: "RelyingParty", cloud: LocalCloud) -> None:
    other = {"client_id": cloud.daemon_client_id, "client_secret": cloud.daemon_client_secret}

    answer = await party.redeem(await party.code(), **other)

    assert _refusal(answer) == (400, "invalid_grant", [700005])


async def test_a_code_expires(party: "RelyingParty", cloud: LocalCloud) -> None:
    code = await party.code()
    cloud.tenant.faults.clock_skew = 601

    assert _refusal(await party.redeem(code)) == (400, "invalid_grant", [70008])


async def test_a_code_that_comes_twice_revokes_what_it_gave(party: "RelyingParty") -> None:
    code = await party.code()
    _, tokens = await party.redeem(code)

    second = await party.redeem(code)
    refreshed = await party.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])

    assert _refusal(second) == (400, "invalid_grant", [54005])
    assert _refusal(refreshed) == (400, "invalid_grant", [50173])


async def test_a_refresh_token_is_replaced_once_its_successor_is_used(party: "RelyingParty") -> None:
    _, first = await party.redeem(await party.code())

    async def refresh(tokens: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return await party.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])

    _, lost = await refresh(first)
    status, second = await refresh(first)
    assert status == 200, "an answer that was lost does no harm"
    await refresh(second)

    assert _refusal(await refresh(first)) == (400, "invalid_grant", [70000])
    assert (await refresh(lost))[0] == 200


async def test_a_refresh_token_expires_and_belongs_to_its_client(
    party: "RelyingParty", cloud: LocalCloud
) -> None:
    _, tokens = await party.redeem(await party.code())
    request = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}

    foreign = await party.token(
        **request, client_id=cloud.daemon_client_id, client_secret=cloud.daemon_client_secret
    )
    cloud.tenant.faults.clock_skew = 91 * 86400
    late = await party.token(**request)

    assert _refusal(foreign) == (400, "invalid_grant", [700005])
    assert _refusal(late) == (400, "invalid_grant", [70008])


async def test_a_public_client_has_no_secret_and_no_token_of_its_own(
    party: "RelyingParty", cloud: LocalCloud
) -> None:
    public = {"client_id": cloud.public_client_id}
    scope = f"api://{cloud.api_client_id}/.default"

    with_secret = await party.token(**public, grant_type="client_credentials", client_secret="any")
    without = await party.token(**public, grant_type="client_credentials", client_secret=None, scope=scope)

    assert _refusal(with_secret) == (401, "invalid_client", [700025])
    assert _refusal(without) == (400, "unauthorized_client", [7000219])


async def test_a_secret_may_come_in_the_authorization_header(
    party: "RelyingParty", cloud: LocalCloud
) -> None:
    url = f"{cloud.authority}/{cloud.tenant_id}/oauth2/v2.0/token"
    form = {"grant_type": "client_credentials", "scope": f"api://{cloud.api_client_id}/.default"}

    async def status(authorization: str) -> int:
        async with party.http.post(url, data=form, headers={"Authorization": authorization}) as response:
            return response.status

    def basic(secret: str | bytes) -> str:
        content = secret.encode() if isinstance(secret, str) else secret
        return "Basic " + base64.b64encode(cloud.daemon_client_id.encode() + b":" + content).decode()

    assert await status(basic(cloud.daemon_client_secret.replace("~", "%7E"))) == 200
    assert await status(basic("wrong")) == 401
    assert await status(basic(b"\xff")) == 400
    assert await status("Basic ====") == 400


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b'{"grant_type": "password"}', "application/json", 9002313),
        (b"grant_type=\xff", "application/x-www-form-urlencoded; charset=nonsense", 9002313),
        (b"grant_type=\xff", "application/x-www-form-urlencoded; charset=utf-8", 9002313),
        (b"grant_type=a&grant_type=b", "application/x-www-form-urlencoded", 9000411),
        (b"", "application/x-www-form-urlencoded", 900144),
    ],
)
async def test_a_body_that_is_no_form_is_refused(
    party: "RelyingParty", cloud: LocalCloud, body: bytes, content_type: str, code: int
) -> None:
    url = f"{cloud.authority}/{cloud.tenant_id}/oauth2/v2.0/token"

    async with party.http.post(url, data=body, headers={"Content-Type": content_type}) as response:
        answer = await response.json()

    assert response.status == 400
    assert answer["error_codes"] == [code]


async def test_a_test_can_make_the_endpoint_refuse(party: "RelyingParty", cloud: LocalCloud) -> None:
    faults = cloud.tenant.faults
    faults.refuse(Sts.DEVICE_NOT_FOUND)
    faults.refuse(Sts.CONDITIONAL_ACCESS, grant_type="refresh_token", claims='{"access_token":{}}')

    first = await party.redeem(await party.code())
    status, tokens = await party.redeem(await party.code())
    refused = await party.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])

    assert _refusal(first) == (400, "invalid_grant", [700003])
    assert status == 200
    assert _refusal(refused) == (400, "interaction_required", [53003])
    assert refused[1]["claims"] == '{"access_token":{}}'
