"""What servers publish and answer, in shapes that real ones have."""

import json
from typing import Any

import httpx
import pytest
from pydantic import AnyUrl

from mcpsecurity.client.oauth.documents import read_client, read_resource, read_server, read_tokens

FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
SERVER = {
    "issuer": "https://as.example",
    "authorization_endpoint": "https://as.example/authorize",
    "token_endpoint": "https://as.example/token",
    "code_challenge_methods_supported": ["S256"],
}
REDIRECTS = [AnyUrl("http://127.0.0.1:1/callback")]


def answer(body: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=body)


@pytest.mark.parametrize(
    ("more", "seconds"),
    [
        ({}, None),
        ({"expires_in": 3600}, 3600),
        ({"expires_in": "3600"}, 3600),
        ({"expires_in": 3599.5}, 3600),
        ({"expires_in": None}, None),
        ({"expires_in": 0}, None),
        ({"expires_in": -1}, None),
        ({"expires_in": "soon"}, None),
        ({"expires_in": True}, None),
        ({"expires_in": 10**400}, None),
        ({"expires_in": 1e300}, 10 * 366 * 24 * 3600),
        ({"expires_in": [3600]}, None),
    ],
)
def test_a_lifetime_that_cannot_be_does_not_cost_the_token(more: dict[str, Any], seconds: int | None) -> None:
    tokens = read_tokens(answer({"access_token": "a", "token_type": "bearer"} | more))
    assert tokens is not None
    assert tokens.expires_in == seconds


@pytest.mark.parametrize(
    ("scope", "read"),
    [
        ("a b", "a b"),
        ("a,b", "a b"),
        ("a, b", "a b"),
        (["a", "b"], "a b"),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_scopes_come_with_blanks_commas_or_as_a_list(scope: Any, read: str | None) -> None:
    tokens = read_tokens(answer({"access_token": "a", "scope": scope}))
    assert tokens is not None
    assert tokens.scope == read


@pytest.mark.parametrize(
    "body",
    [
        {"access_token": ""},
        {"access_token": 7},
        {"access_token": "a\r\nX-Evil: 1"},
        {"access_token": "a b"},
        {"access_token": "ä"},
        {"access_token": "a", "token_type": "mac"},
        {"access_token": "a", "token_type": 7},
        {"error": "invalid_grant"},
        ["access_token"],
        "access_token",
        None,
    ],
)
def test_what_is_no_bearer_token_that_can_be_sent_is_none(body: Any) -> None:
    assert read_tokens(answer(body)) is None


@pytest.mark.parametrize("kind", ["Bearer", "bearer", "BEARER", "", None])
def test_the_type_of_a_token_is_bearer_in_any_case_or_left_out(kind: str | None) -> None:
    assert read_tokens(answer({"access_token": "a", "token_type": kind})) is not None


def test_tokens_come_as_a_form_too() -> None:
    form = "access_token=gho_1&expires_in=28800&refresh_token=&scope=repo%2Cgist&token_type=bearer"
    tokens = read_tokens(httpx.Response(200, text=form, headers=FORM))
    assert tokens is not None
    assert (tokens.access_token, tokens.expires_in, tokens.scope) == ("gho_1", 28800, "repo gist")
    assert tokens.refresh_token is None


def test_a_page_of_html_is_no_token() -> None:
    assert read_tokens(httpx.Response(200, html="<p>access_token=a</p>")) is None


def test_a_member_that_nobody_needs_does_not_cost_the_document() -> None:
    odd = {
        "op_policy_uri": "",
        "service_documentation": "see our page",
        "response_types_supported": None,
        "registration_endpoint": "",
        "scopes_supported": "openid",
        "token_endpoint_auth_methods_supported": None,
        "client_id_metadata_document_supported": "perhaps",
    }
    server = read_server(answer(SERVER | odd))
    assert server is not None
    assert server.registration_endpoint is None
    assert server.scopes_supported is None
    assert server.client_id_metadata_document_supported is None


@pytest.mark.parametrize("missing", ["issuer", "authorization_endpoint", "token_endpoint"])
def test_a_document_without_what_a_sign_in_takes_is_none(missing: str) -> None:
    assert read_server(answer({name: value for name, value in SERVER.items() if name != missing})) is None
    assert read_server(answer(SERVER | {missing: "javascript:alert(1)"})) is None
    assert read_server(answer(SERVER, status=404)) is None


def test_an_issuer_is_compared_as_the_server_wrote_it() -> None:
    server = read_server(answer(SERVER))
    assert server is not None
    assert (str(server.issuer), server.issuer_as_written) == ("https://as.example/", "https://as.example")


def test_a_resource_is_named_as_the_server_wrote_it() -> None:
    body = {"resource": "https://mcp.example", "authorization_servers": ["https://as.example"]}
    odd = {"resource_documentation": "", "bearer_methods_supported": "header", "scopes_supported": ["a", 7]}
    resource = read_resource(answer(body | odd))
    assert resource is not None
    assert resource.resource == "https://mcp.example"
    assert resource.authorization_servers == ("https://as.example",)
    assert resource.scopes == ("a",)


def test_a_resource_may_be_named_in_a_list() -> None:
    body = {"resource": ["https://mcp.example"], "authorization_servers": ["https://as.example"]}
    resource = read_resource(answer(body))
    assert resource is not None
    assert resource.resource == "https://mcp.example"
    assert read_resource(answer(body | {"resource": ["https://mcp.example"] * 2})) is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"resource": "https://mcp.example"},
        {"resource": "https://mcp.example", "authorization_servers": []},
        {"resource": "https://mcp.example", "authorization_servers": ["ftp://as.example"]},
        {"resource": "mcp", "authorization_servers": ["https://as.example"]},
        {"resource": 7, "authorization_servers": "https://as.example"},
    ],
)
def test_what_names_no_authorization_server_is_none(body: Any) -> None:
    assert read_resource(answer(body)) is None


def test_a_registration_keeps_the_redirects_that_were_asked_for() -> None:
    body = {"client_id": "c", "redirect_uris": ["https://evil.example"], "grant_types": None, "jwks_uri": 7}
    client = read_client(answer(body | {"token_endpoint_auth_method": "tls_client_auth"}, 201), REDIRECTS)
    assert client is not None
    assert client.redirect_uris == REDIRECTS
    assert client.token_endpoint_auth_method is None
    assert read_client(answer({"client_id": ""}), REDIRECTS) is None
    assert read_client(answer({"client_id": "c"}, 400), REDIRECTS) is None


HALF = "\ud800"
"""Of a surrogate pair, which JSON can have and no encoding can carry."""


@pytest.mark.parametrize("member", ["access_token", "refresh_token", "scope"])
def test_tokens_with_what_cannot_be_sent_are_none(member: str) -> None:
    body = {"access_token": "a", "refresh_token": "r", "scope": "s"}
    assert read_tokens(httpx.Response(200, text=json.dumps({**body, member: HALF}))) is None


@pytest.mark.parametrize("client_id", [HALF, "a" * 3000], ids=["half a character", "too long"])
def test_a_client_that_no_address_can_name_is_none(client_id: str) -> None:
    made = httpx.Response(201, text=json.dumps({"client_id": client_id}))
    assert read_client(made, REDIRECTS) is None


def test_the_tokens_of_the_person_may_stand_beside_those_of_a_bot() -> None:
    person = {"id": "U1", "access_token": "xoxp-1", "token_type": "user", "expires_in": 43200}
    tokens = read_tokens(answer({"ok": True, "authed_user": person | {"refresh_token": "xoxe-1"}}))
    assert tokens is not None
    assert (tokens.access_token, tokens.refresh_token, tokens.expires_in) == ("xoxp-1", "xoxe-1", 43200)
    assert read_tokens(answer({"ok": True, "authed_user": {"id": "U1"}})) is None
