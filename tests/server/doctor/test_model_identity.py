"""Without a key the doctor asks the model as the identity that the chat will have."""

from typing import Any

import pytest
from tests.server.doctor.doctoring import find, settings_of
from tests.support.company import service_identity

from mcpsecurity.localcloud import LocalCloud
from mcpsecurity_server.doctor import Finding, Status

URL = "http://localhost:1/mcp"
UNKNOWN = "10ca1c10-0000-4000-8000-000000000000"


@pytest.fixture(autouse=True)
def identity(healthy_cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    service_identity(monkeypatch, healthy_cloud)


async def _found(cloud: LocalCloud, **changes: Any) -> Finding:
    return await find("model", settings_of(cloud, URL, azure_openai_api_key=None, **changes))


async def test_the_token_of_that_identity_is_accepted(healthy_cloud: LocalCloud) -> None:
    found = await _found(healthy_cloud)
    assert found.status is Status.OK
    assert "to the token for https://cognitiveservices.azure.com/.default" in found.message


@pytest.mark.parametrize(
    ("scope", "words", "setting"),
    [
        ("https://graph.microsoft.com/.default", "refuses the token for https://graph", "AZURE_OPENAI_TOKEN"),
        ("https://cognitiveservices.azure.us/.default", "AADSTS500011", "AZURE_OPENAI_TOKEN_SCOPE"),
        ("two scopes", "write one scope", "AZURE_OPENAI_TOKEN_SCOPE"),
    ],
)
async def test_a_wrong_scope_is_named(
    healthy_cloud: LocalCloud, scope: str, words: str, setting: str
) -> None:
    found = await _found(healthy_cloud, azure_openai_token_scope=scope)
    assert found.status is Status.FAILED
    assert words in found.message
    assert setting in found.setting


@pytest.mark.parametrize(
    ("key", "value", "words", "setting"),
    [
        ("AZURE_CLIENT_SECRET", "wrong", "AADSTS7000215", "AZURE_CLIENT_SECRET"),
        ("AZURE_CLIENT_ID", UNKNOWN, "AADSTS700016", "AZURE_CLIENT_ID"),
        ("AZURE_TENANT_ID", UNKNOWN, "AADSTS90002", "AZURE_TENANT_ID"),
        pytest.param(
            *("AZURE_AUTHORITY_HOST", "https://localhost:1", "cannot be reached", "AZURE_AUTHORITY_HOST"),
            marks=pytest.mark.slow,
        ),
        ("AZURE_AUTHORITY_HOST", "http://localhost:1", "write a host", "AZURE_AUTHORITY_HOST"),
    ],
)
async def test_a_wrong_variable_of_the_identity_is_named(
    healthy_cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch, key: str, value: str, words: str, setting: str
) -> None:
    monkeypatch.setenv(key, value)
    found = await _found(healthy_cloud)
    assert found.status is Status.FAILED
    assert words in found.message
    assert setting in found.setting


async def test_no_identity_at_all_is_a_failure(
    healthy_cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AZURE_CLIENT_SECRET")
    found = await _found(healthy_cloud)
    assert found.status is Status.FAILED
    assert "finds no identity" in found.message
    assert found.setting.startswith("AZURE_OPENAI_API_KEY, or ")
