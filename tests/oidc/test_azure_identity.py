"""The identity that Azure gives a program: managed, and of a Kubernetes workload."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from tests.support.company import company_proxy

from mcpsecurity.localcloud.entra.ids import MANAGED_IDENTITY_ID, TOKEN_EXCHANGE
from mcpsecurity.oidc.azure_identity import AzureIdentity, NoIdentityTokenError
from mcpsecurity.settings import EntraSettings, SettingsError, settings_of
from mcpsecurity.testing import LocalStack


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack() as stack:
        yield stack


@pytest.fixture
def machine(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine has a managed identity."""
    for name, value in stack.cloud.identity_environment.items():
        monkeypatch.setenv(name, value)


def _settings(stack: LocalStack, identity: str, **more: Any) -> EntraSettings:
    cloud = stack.cloud
    common = {"authority": cloud.authority, "tenant_id": cloud.tenant_id, "ca_file": cloud.ca_file}
    return settings_of(EntraSettings, **common, client_identity=identity, **more)


def _claims(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize("identity", ["managed", f"managed:{MANAGED_IDENTITY_ID}"])
def test_a_managed_identity_proves_itself_and_gets_tokens(stack: LocalStack, identity: str) -> None:
    found = AzureIdentity(_settings(stack, identity))
    claims = _claims(found.assertion())
    assert (claims["aud"], claims["sub"]) == (TOKEN_EXCHANGE, MANAGED_IDENTITY_ID)
    token, seconds = found.redis_password()
    assert _claims(token)["aud"] == "https://redis.azure.com"
    assert 3000 < seconds <= 3600
    assert _claims(found.database_password())["aud"] == "https://ossrdbms-aad.database.windows.net"
    assert found.redis_password()[0] == token, "it is kept while it is good"


@pytest.mark.usefixtures("machine")
async def test_the_machine_is_asked_directly_and_the_tenant_through_the_companys_proxy(
    stack: LocalStack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("a token of Kubernetes")
    async with company_proxy(monkeypatch) as company:
        assert await asyncio.to_thread(AzureIdentity(_settings(stack, "managed")).assertion)
        more = {"federated_token_file": tmp_path / "token", "workload_client_id": MANAGED_IDENTITY_ID}
        settings = _settings(stack, "workload", **more).model_copy(
            update={"authority": "https://login.contoso.example"}
        )
        with pytest.raises(NoIdentityTokenError):
            await asyncio.to_thread(AzureIdentity(settings).redis_password)
    assert company.asked == {"login.contoso.example"}
    assert not company.others


@pytest.mark.parametrize(
    ("authority", "audience"),
    [
        ("https://login.microsoftonline.us", "api://AzureADTokenExchangeUSGov"),
        ("https://login.partner.microsoftonline.cn", "api://AzureADTokenExchangeChina"),
    ],
)
@pytest.mark.usefixtures("machine")
def test_each_cloud_has_an_audience_of_its_own(stack: LocalStack, authority: str, audience: str) -> None:
    settings = settings_of(
        EntraSettings, authority=authority, tenant_id=stack.cloud.tenant_id, client_identity="managed"
    )
    assert _claims(AzureIdentity(settings).assertion())["aud"] == audience


def test_where_there_is_no_identity_it_says_so_and_no_secret(
    stack: LocalStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:9/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "not-to-be-shown")
    with pytest.raises(NoIdentityTokenError) as caught:
        AzureIdentity(_settings(stack, "managed")).assertion()
    assert "not-to-be-shown" not in str(caught.value)


def test_a_workloads_file_is_read_each_time(stack: LocalStack, tmp_path: Path) -> None:
    file = tmp_path / "token"
    identity = AzureIdentity(_settings(stack, "workload", federated_token_file=file))
    with pytest.raises(NoIdentityTokenError, match="cannot be read"):
        identity.assertion()
    for text in ("first", "second"):
        file.write_text(f"{text}\n")
        assert identity.assertion() == text
    file.write_text("")
    with pytest.raises(NoIdentityTokenError, match="empty"):
        identity.assertion()


@pytest.mark.parametrize("identity", ["managed:", "managed:me", "secret", "workload:x", "MANAGED"])
def test_a_malformed_setting_is_named(stack: LocalStack, identity: str) -> None:
    with pytest.raises(SettingsError, match="ENTRA_CLIENT_IDENTITY"):
        _settings(stack, identity)


def test_a_workload_without_a_file_is_an_error_at_the_start(stack: LocalStack) -> None:
    with pytest.raises(SettingsError, match="AZURE_FEDERATED_TOKEN_FILE"):
        _settings(stack, "workload")
