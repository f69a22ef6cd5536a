"""The model's endpoint is private, and its tokens are for the cloud that it is in."""

from typing import Any

import pytest
from pydantic import ValidationError

from mcpsecurity.model_settings import ModelSettings, token_scope
from mcpsecurity.settings import SettingsError, load_settings

PUBLIC, GOVERNMENT, CHINA = (f"https://cognitiveservices.azure.{top}/.default" for top in ("com", "us", "cn"))


def _settings(endpoint: str, **more: Any) -> ModelSettings:
    return ModelSettings(azure_openai_endpoint=endpoint, deployment="x", **more)


@pytest.mark.parametrize(
    ("endpoint", "authority", "scope"),
    [
        ("https://contoso.openai.azure.com", None, PUBLIC),
        ("https://contoso.openai.azure.com/", "login.microsoftonline.us", PUBLIC),
        ("https://contoso.services.ai.azure.com/openai/v1/", None, PUBLIC),
        ("https://contoso.openai.azure.us", None, GOVERNMENT),
        ("https://contoso.cognitiveservices.azure.us/", "login.microsoftonline.com", GOVERNMENT),
        ("https://contoso.openai.azure.cn", None, CHINA),
        ("https://contoso.azure-api.net/gateway", "login.microsoftonline.us", PUBLIC),
        ("https://contoso.azure-api.us/gateway", None, GOVERNMENT),
        ("https://models.contoso.example", None, PUBLIC),
        ("https://models.contoso.example", "login.microsoftonline.us", GOVERNMENT),
        ("https://models.contoso.example", "https://login.microsoftonline.us/", GOVERNMENT),
        ("https://models.contoso.example", "https://login.chinacloudapi.cn", CHINA),
        ("https://models.contoso.example", "LOGIN.partner.microsoftonline.cn", CHINA),
        ("https://models.contoso.example", "https://localhost:7443", PUBLIC),
        ("https://azure.us.evil.example", None, PUBLIC),
    ],
)
def test_the_scope_is_that_of_the_models_cloud(endpoint: str, authority: str | None, scope: str) -> None:
    assert token_scope(endpoint, authority) == scope
    assert _settings(endpoint, azure_authority_host=authority).token_scope == scope


def test_a_scope_that_is_set_is_the_one() -> None:
    settings = _settings(
        "https://contoso.openai.azure.us", azure_openai_token_scope="https://ai.azure.us/.default"
    )
    assert settings.token_scope == "https://ai.azure.us/.default"


def test_the_authority_host_is_read_where_azure_identity_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://models.contoso.example")
    monkeypatch.setenv("AZURE_OPENAI_CHAT_DEPLOYMENT_NAME", "x")
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", "login.microsoftonline.us")
    assert load_settings(ModelSettings).token_scope == GOVERNMENT


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("AZURE_OPENAI_ENDPOINT", "http://contoso.openai.azure.com"),
        ("AZURE_OPENAI_ENDPOINT", "http://10.0.0.1"),
        ("AZURE_OPENAI_ENDPOINT", "http://localhost.evil.example"),
        ("AZURE_OPENAI_ENDPOINT", "http://127.0.0.1@evil.example"),
        ("AZURE_OPENAI_ENDPOINT", "ftp://localhost"),
        ("AZURE_OPENAI_TOKEN_SCOPE", "two scopes"),
        ("AZURE_AUTHORITY_HOST", "http://login.microsoftonline.com"),
        ("AZURE_AUTHORITY_HOST", "https://a@b"),
        ("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com/tenant"),
    ],
)
def test_what_cannot_be_trusted_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, key: str, value: str
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://contoso.openai.azure.com")
    monkeypatch.setenv("AZURE_OPENAI_CHAT_DEPLOYMENT_NAME", "x")
    monkeypatch.setenv(key, value)
    with pytest.raises(SettingsError, match=rf"^{key}: "):
        load_settings(ModelSettings)


@pytest.mark.parametrize("endpoint", ["http://localhost:11434", "http://127.0.0.1/", "http://[::1]:8080/v1"])
def test_this_machine_may_be_asked_by_http(endpoint: str) -> None:
    assert _settings(endpoint).azure_openai_endpoint == endpoint


def test_another_machine_may_not_be_asked_by_http() -> None:
    with pytest.raises(ValidationError, match="must begin with https://"):
        _settings("http://models.contoso.example")
