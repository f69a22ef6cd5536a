"""Settings of an MCP server: the headers that it wants, such as an API key."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from mcpsecurity.settings import SettingsError, load_settings
from mcpsecurity_webclient.server_settings import McpServerSettings
from mcpsecurity_webclient.settings import WebSettings

WIKI = {"name": "wiki", "url": "https://wiki.example/mcp"}
SECRET = "hidden-4711"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for key, value in {
        "ENTRA_TENANT_ID": "11111111-2222-4333-8444-555555555555",
        "WEBCLIENT_CLIENT_ID": "11111111-2222-4333-8444-555555555555",
        "WEBCLIENT_CLIENT_SECRET": "abc~def",
        "OPENAI_BASE_URL": "http://localhost:11434/v1",
        "OPENAI_CHAT_MODEL_ID": "qwen3",
    }.items():
        monkeypatch.setenv(key, value)


def loaded(monkeypatch: pytest.MonkeyPatch, *entries: dict[str, Any]) -> WebSettings:
    monkeypatch.setenv("WEBCLIENT_MCP_SERVERS", json.dumps(entries))
    return load_settings(WebSettings)


def refused(monkeypatch: pytest.MonkeyPatch, **more: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        loaded(monkeypatch, {"name": "other", "url": "https://other.example/mcp"}, {**WIKI, **more})
    assert SECRET not in str(caught.value)
    return str(caught.value)


def test_an_entry_has_headers_that_are_printed_nowhere(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    headers = {"X-Api-Key": SECRET, "Authorization": f"Bearer {SECRET}"}
    settings = loaded(monkeypatch, {**WIKI, "headers": headers})
    _, wiki = settings.servers
    assert wiki.sent_headers == headers
    assert SECRET not in f"{settings!r} {wiki} {wiki.model_dump_json()} {caplog.text}"


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("MCP_SERVER_URL", "https://mcp.contoso.com:abc/mcp", "write it like https://tools.contoso.com/mcp"),
        ("WEBCLIENT_URL", "https://chat.contoso.com:abc", "write it like https://chat.contoso.com"),
        ("MCP_SERVER_SCOPE", "api://a/mcp:tools openid", "write one scope; openid, profile and offline_acc"),
    ],
)
def test_an_address_without_a_port_and_several_scopes_are_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, key: str, value: str, words: str
) -> None:
    """They would fail at the first sign-in or call otherwise."""
    monkeypatch.setenv(key, value)
    with pytest.raises(SettingsError) as caught:
        load_settings(WebSettings)
    assert str(caught.value).startswith(f"{key}: {words}")


def test_a_value_names_a_variable_in_place_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIKI_KEY", SECRET)
    settings = loaded(monkeypatch, {**WIKI, "headers": {"Authorization": "Bearer ${WIKI_KEY}"}})
    assert settings.servers[1].sent_headers == {"Authorization": f"Bearer {SECRET}"}


def test_in_the_file_env_a_value_names_another_line(tmp_path: Path) -> None:
    servers = json.dumps([{**WIKI, "headers": {"X-Api-Key": "${WIKI_KEY}"}}])
    (tmp_path / ".env").write_text(f"WIKI_KEY={SECRET}\nWEBCLIENT_MCP_SERVERS='{servers}'\n")
    assert load_settings(WebSettings).servers[1].sent_headers == {"X-Api-Key": SECRET}


def test_a_variable_that_is_not_set_is_told_with_its_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused(monkeypatch, headers={"X-Api-Key": "${WIKI_KEY}"}) == (
        "WEBCLIENT_MCP_SERVERS: entry 2, headers: the variable WIKI_KEY is not set"
    )


def test_a_line_of_the_file_env_that_names_no_variable_is_told(tmp_path: Path) -> None:
    servers = json.dumps([{**WIKI, "headers": {"Authorization": "Bearer ${WIKI_KEY}"}}])
    (tmp_path / ".env").write_text(f"WEBCLIENT_MCP_SERVERS='{servers}'\n")
    with pytest.raises(
        SettingsError, match="entry 1, headers: Authorization has no key; is the variable set"
    ):
        load_settings(WebSettings)


def test_a_key_is_for_https_or_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    keyed = {"headers": {"X-Api-Key": SECRET}}
    assert "by https only, or to this machine" in refused(monkeypatch, url="http://wiki.example/mcp", **keyed)
    loaded(monkeypatch, {**WIKI, "url": "http://localhost:8000/mcp", **keyed})
    loaded(monkeypatch, {**WIKI, "url": "http://wiki.example/mcp"})


def test_a_scope_has_authorization_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    words = refused(monkeypatch, scope="api://wiki/read", headers={"authorization": f"Bearer {SECRET}"})
    assert "scope has a token sent in Authorization" in words
    loaded(monkeypatch, {**WIKI, "scope": "api://wiki/read", "headers": {"Subscription-Key": SECRET}})


def test_people_sign_in_with_a_client_of_the_operators(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("WIKI_SECRET", SECRET)
    client = {"sign_in": "oauth", "client_id": "chat", "client_secret": "${WIKI_SECRET}"}
    wiki = loaded(monkeypatch, {**WIKI, **client}).servers[1]
    assert wiki.client_secret is not None
    assert wiki.client_secret.get_secret_value() == SECRET
    assert SECRET not in f"{wiki!r} {wiki.model_dump_json()} {caplog.text}"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"client_id": "chat"}, 'client_id, client_secret and issuer belong to "sign_in": "oauth"'),
        ({"sign_in": "oauth", "client_secret": SECRET}, "client_secret needs a client_id"),
        ({"sign_in": "oauth", "scope": "api://wiki/read"}, "scope is for tokens of Entra ID"),
        (
            {"sign_in": "oauth", "headers": {"Authorization": SECRET}},
            "sign_in has a token sent in Authorization",
        ),
        ({"sign_in": "oauth", "url": "http://wiki.example/mcp"}, "by https only, or to this machine"),
        ({"sign_in": "saml"}, "entry 2, sign_in: "),
        ({"sign_in": "oauth", "client_id": "c", "client_secret": "${NONE}"}, "the variable NONE is not set"),
    ],
)
def test_a_sign_in_that_cannot_work_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, more: dict[str, Any], words: str
) -> None:
    assert words in refused(monkeypatch, **more)


def test_the_default_server_may_want_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(monkeypatch, {"name": "Tools", "headers": {"X-Api-Key": SECRET}})
    assert settings.servers[0].sent_headers == {"X-Api-Key": SECRET}
    monkeypatch.setenv("MCP_SERVER_SCOPE", "api://tools/mcp:tools")
    with pytest.raises(SettingsError, match="scope has a token sent in Authorization"):
        loaded(monkeypatch, {"name": "Tools", "headers": {"Authorization": f"Bearer {SECRET}"}})


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"Host": SECRET}, "entry 2, headers: Host is set by the client itself"),
        ({"X Key": SECRET}, "entry 2, headers: one of the names is not that of a header"),
        ({"X-Key": f"{SECRET}\nX: 1"}, "entry 2, headers: X-Key has a value that a header does not take"),
        ({"X-Key": 4711}, "entry 2, headers: write each value as a text"),
        ([SECRET], "entry 2, headers: "),
    ],
)
def test_what_cannot_be_sent_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, headers: Any, words: str
) -> None:
    assert words in refused(monkeypatch, headers=headers)


def test_an_error_of_the_class_alone_shows_no_key() -> None:
    with pytest.raises(ValidationError) as caught:
        McpServerSettings.model_validate({**WIKI, "url": "no", "headers": {"X-Api-Key": SECRET}})
    assert SECRET not in str(caught.value)
