"""A model's settings: every address that people paste is understood or refused by name, keys stay with their
endpoint, and tokens are for the cloud that the endpoint is in."""

from pathlib import Path
from typing import Any

import pytest

from mcpsecurity.model_settings import ModelSettings, token_scope
from mcpsecurity.settings import SettingsError, load_settings, settings_of

PUBLIC, GOVERNMENT, CHINA = (f"https://cognitiveservices.azure.{top}/.default" for top in ("com", "us", "cn"))
AZURE = "https://contoso.openai.azure.com"
V1 = f"{AZURE}/openai/v1"
DATED = "2025-01-01-preview"


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for field in ModelSettings.model_fields.values():
        for key in getattr(field.validation_alias, "choices", [field.validation_alias]):
            monkeypatch.delenv(str(key), raising=False)
    monkeypatch.chdir(tmp_path)


def _azure(endpoint: str = AZURE, **more: Any) -> ModelSettings:
    return settings_of(ModelSettings, azure_openai_endpoint=endpoint, deployment="x", **more)


def _openai(url: str | None, **more: Any) -> ModelSettings:
    return settings_of(ModelSettings, **{"openai_base_url": url, "openai_model": "m"} | more)


@pytest.mark.parametrize(
    ("endpoint", "authority", "scope"),
    [
        (AZURE, None, PUBLIC),
        (f"{AZURE}/", "login.microsoftonline.us", PUBLIC),
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
    assert _azure(endpoint, azure_authority_host=authority).token_scope == scope


def test_a_scope_that_is_set_is_the_one() -> None:
    settings = _azure(
        "https://contoso.openai.azure.us", azure_openai_token_scope="https://ai.azure.us/.default"
    )
    assert settings.token_scope == "https://ai.azure.us/.default"


def test_the_authority_host_is_read_where_azure_identity_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://models.contoso.example")
    monkeypatch.setenv("AZURE_OPENAI_CHAT_DEPLOYMENT_NAME", "x")
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", "login.microsoftonline.us")
    assert load_settings(ModelSettings).token_scope == GOVERNMENT


@pytest.mark.parametrize(
    ("pasted", "base", "version"),
    [
        (AZURE, V1, None),
        (f" {V1}/ ", V1, None),
        (f"{V1}/chat/completions", V1, None),
        (f"{V1}/responses", V1, None),
        (f"{AZURE}/openai/responses?api-version=2025-04-01-preview", V1, None),
        (f"{AZURE}/openai/deployments/x/chat/completions?api-version={DATED}", V1, DATED),
        (
            "https://contoso.services.ai.azure.com/api/projects/shop",
            "https://contoso.services.ai.azure.com/openai/v1",
            None,
        ),
        (
            "https://contoso.services.ai.azure.com/models/chat/completions?api-version=2024-05-01-preview",
            "https://contoso.services.ai.azure.com/openai/v1",
            None,
        ),
        ("https://contoso.azure-api.net/gateway", "https://contoso.azure-api.net/gateway/openai/v1", None),
        ("https://localhost:7443", "https://localhost:7443/openai/v1", None),
        ("http://127.0.0.1/", "http://127.0.0.1/openai/v1", None),
        ("http://[::1]:8080", "http://[::1]:8080/openai/v1", None),
    ],
)  # fmt: skip
def test_every_form_of_azures_address_is_understood(pasted: str, base: str, version: str | None) -> None:
    endpoint = _azure(pasted).endpoint
    assert (endpoint.azure, endpoint.base_url, endpoint.api_version) == (True, base, version)


@pytest.mark.parametrize(
    ("pasted", "base"),
    [
        ("http://localhost:11434", "http://localhost:11434/v1"),
        ("http://localhost:11434/v1/", "http://localhost:11434/v1"),
        ("https://api.groq.com/openai/v1", "https://api.groq.com/openai/v1"),
        ("https://models.github.ai/inference/chat/completions", "https://models.github.ai/inference"),
        (None, "https://api.openai.com/v1"),
    ],
)
def test_every_form_of_another_address_is_understood(pasted: str | None, base: str) -> None:
    settings = _openai(pasted, openai_api_key="k")
    assert (settings.endpoint.azure, settings.endpoint.base_url) == (False, base)
    assert (settings.model_name, settings.model_key, settings.uses_identity) == ("m", "k", False)


def test_an_azure_address_given_to_openais_setting_is_still_azures() -> None:
    settings = _openai(f"{V1}/")
    assert settings.endpoint.azure
    assert settings.uses_identity


def test_the_dated_api_is_used_when_its_version_is_set() -> None:
    assert _azure(azure_openai_api_version="2024-12-01-preview").endpoint.api_version == "2024-12-01-preview"
    assert _azure(azure_openai_api_version="v1").endpoint.api_version is None


def test_an_address_that_names_its_deployment_needs_no_name() -> None:
    url = f"{AZURE}/openai/deployments/gpt/chat/completions?api-version=2024-10-21"
    assert settings_of(ModelSettings, azure_openai_endpoint=url).model_name == "gpt"


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({}, ("AZURE_OPENAI_ENDPOINT: no model is set; set this, or OPENAI_BASE_URL, or OPENAI_API_KEY, for "
         "example OPENAI_BASE_URL=http://localhost:11434/v1 and OPENAI_CHAT_MODEL_ID=qwen3")),
        ({"OPENAI_API_KEY": "k"}, "OPENAI_CHAT_MODEL_ID: the model's name is needed"),
        ({"OPENAI_BASE_URL": "http://localhost:1"}, "OPENAI_CHAT_MODEL_ID: the model's name is needed"),
        (
            {"AZURE_OPENAI_ENDPOINT": AZURE},
            "AZURE_OPENAI_CHAT_DEPLOYMENT_NAME: the deployment's name is needed",
        ),
        (
            {"OPENAI_BASE_URL": "https://models.example/v1", "OPENAI_CHAT_MODEL_ID": "m"},
            "OPENAI_API_KEY: models.example needs one; if it takes any, write none",
        ),
        (
            {
                "OPENAI_BASE_URL": "http://localhost:1",
                "OPENAI_CHAT_MODEL_ID": "m",
                "AZURE_OPENAI_ENDPOINT": AZURE,
                "AZURE_OPENAI_CHAT_DEPLOYMENT_NAME": "x",
            },
            "AZURE_OPENAI_ENDPOINT: OPENAI_BASE_URL is set, too; remove one of them",
        ),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_missing_or_too_much_is_named(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], line: str
) -> None:
    for key, value in values.items():
        monkeypatch.setenv(key, value)
    with pytest.raises(SettingsError) as refused:
        load_settings(ModelSettings)
    assert str(refused.value).startswith(line)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("AZURE_OPENAI_ENDPOINT", "http://contoso.openai.azure.com", "write https://"),
        ("AZURE_OPENAI_ENDPOINT", "http://10.0.0.1", "write https://"),
        ("AZURE_OPENAI_ENDPOINT", "http://localhost.evil.example", "write https://"),
        ("AZURE_OPENAI_ENDPOINT", "http://127.0.0.1@evil.example", "without a user name"),
        ("AZURE_OPENAI_ENDPOINT", "ftp://localhost", "https://HOST/PATH"),
        ("AZURE_OPENAI_ENDPOINT", "contoso.openai.azure.com", "https://HOST/PATH"),
        ("AZURE_OPENAI_ENDPOINT", "https://<your-resource>.openai.azure.com", "https://HOST/PATH"),
        ("AZURE_OPENAI_ENDPOINT", "https://contoso:port", "https://HOST/PATH"),
        ("AZURE_OPENAI_ENDPOINT", "https://[", "https://HOST/PATH"),
        ("AZURE_OPENAI_ENDPOINT", "https://ai.azure.com/resource/overview", "the address of a web site"),
        ("AZURE_OPENAI_ENDPOINT", "https://api.openai.com/v1", "write it as OPENAI_BASE_URL"),
        ("AZURE_OPENAI_ENDPOINT", "http://localhost:11434/v1/", "write it as OPENAI_BASE_URL"),
        ("AZURE_OPENAI_TOKEN_SCOPE", "two scopes", "write one scope"),
        ("AZURE_OPENAI_API_VERSION", "latest version", "write a version"),
        ("AZURE_AUTHORITY_HOST", "http://login.microsoftonline.com", "write a host"),
        ("AZURE_AUTHORITY_HOST", "https://a@b", "write a host"),
        ("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com/tenant", "write a host"),
        ("MCPSECURITY_MODEL_API", "completions", "'auto'"),
        ("MCPSECURITY_MODEL_TEMPERATURE", "3", "write 2 or less"),
        ("MCPSECURITY_MODEL_MAX_OUTPUT_TOKENS", "0", "write 16 or more"),
        ("MCPSECURITY_MODEL_REASONING_EFFORT", "very high", "write one word"),
        ("MCPSECURITY_MODEL_TIMEOUT", "0", "write more than 0"),
        ("MCPSECURITY_MODEL_HEADERS", '{"two words": "x"}', "name"),
        ("MCPSECURITY_MODEL_HEADERS", '{"Host": "x"}', "name"),
        ("MCPSECURITY_MODEL_HEADERS", '{"X-A": "1\\r\\nX-B: 2"}', "values"),
        ("MCPSECURITY_MODEL_HEADERS", '["x"]', "dictionary"),
        ("MCPSECURITY_MODEL_HEADERS", "x=1", "JSON"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, key: str, value: str, words: str
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", AZURE)
    monkeypatch.setenv("AZURE_OPENAI_CHAT_DEPLOYMENT_NAME", "x")
    monkeypatch.setenv(key, value)
    with pytest.raises(SettingsError, match=rf"^{key}: .*{words}"):
        load_settings(ModelSettings)


def test_a_key_never_goes_to_an_endpoint_of_the_other_family(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "of openai")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "of azure")
    monkeypatch.setenv("OPENAI_CHAT_MODEL_ID", "m")
    assert (load_settings(ModelSettings).model_url, load_settings(ModelSettings).model_key) == (
        "https://api.openai.com/v1",
        "of openai",
    )
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", AZURE)
    monkeypatch.setenv("AZURE_OPENAI_CHAT_DEPLOYMENT_NAME", "x")
    both = load_settings(ModelSettings)
    assert (both.model_url, both.model_name, both.model_key) == (AZURE, "x", "of azure")
    monkeypatch.delenv("AZURE_OPENAI_API_KEY")
    assert load_settings(ModelSettings).model_key is None


@pytest.mark.parametrize(
    ("settings", "uses"),
    [
        (_azure, True),
        (lambda: _azure(azure_openai_api_key="k"), False),
        (lambda: _azure(model_headers={"X-Team": "a"}), True),
        (lambda: _azure(model_headers={"Ocp-Apim-Subscription-Key": "k"}), False),
        (
            lambda: _azure(
                model_headers={"Ocp-Apim-Subscription-Key": "k"}, azure_openai_token_scope="api://gateway"
            ),
            True,
        ),
        (lambda: _openai("http://localhost:11434"), False),
        (lambda: _openai("https://gateway.example/v1", model_headers={"api-key": "k"}), False),
    ],
)
def test_an_identity_is_asked_when_nothing_else_says_who_asks(settings: Any, uses: bool) -> None:
    assert settings().uses_identity is uses


def test_options_are_read_by_their_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in {
        "OPENAI_BASE_URL": "http://localhost:11434/v1",
        "OPENAI_CHAT_MODEL_ID": "qwen3",
        "MCPSECURITY_MODEL_API": "chat",
        "MCPSECURITY_MODEL_REASONING_EFFORT": "low",
        "MCPSECURITY_MODEL_MAX_OUTPUT_TOKENS": "2000",
        "MCPSECURITY_MODEL_TEMPERATURE": "0.5",
        "MCPSECURITY_MODEL_HEADERS": '{"X-Team": "secret"}',
        "WEBCLIENT_MODEL_TIMEOUT": "20",
    }.items():
        monkeypatch.setenv(key, value)
    settings = load_settings(ModelSettings)
    assert (settings.model_api, settings.reasoning_effort, settings.max_output_tokens) == (
        "chat",
        "low",
        2000,
    )
    assert (settings.temperature, settings.model_timeout) == (0.5, 20.0)
    assert settings.headers == {"X-Team": "secret"}
    assert "secret" not in repr(settings)
