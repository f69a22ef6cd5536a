"""What MCP servers and authorization servers publish and answer, as far as a sign-in needs it.

The SDK's models refuse a whole document for a member that nobody here uses. So only the members that are used
are read, and optional ones that cannot be are left out. Addresses that go back to a server stay as it wrote
them.
"""

import json
import math
import re
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, urlsplit

import httpx
from mcp.shared.auth import OAuthClientInformationFull, OAuthMetadata, OAuthToken
from pydantic import AnyHttpUrl, AnyUrl, BaseModel, TypeAdapter, ValidationError

_TOKEN: Final = re.compile(r"[!-~]{1,65536}")
"""What an HTTP header can carry."""
_LONGEST: Final = 2048
_LONGEST_SECONDS: Final = 10 * 366 * 24 * 3600
_ADDRESS: Final = TypeAdapter(AnyHttpUrl)
_SERVER: Final = (
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "registration_endpoint",
    "revocation_endpoint",
    "scopes_supported",
    "token_endpoint_auth_methods_supported",
    "code_challenge_methods_supported",
    "client_id_metadata_document_supported",
    "authorization_response_iss_parameter_supported",
    "cloud_instance_name",
)
_CLIENT: Final = (
    "client_id",
    "client_secret",
    "client_secret_expires_at",
    "token_endpoint_auth_method",
    "scope",
)

M = TypeVar("M", bound=BaseModel)


class ServerMetadata(OAuthMetadata):
    """What an authorization server publishes of itself (RFC 8414, RFC 9207)."""

    authorization_response_iss_parameter_supported: bool | None = None
    cloud_instance_name: str | None = None
    """Only Entra ID publishes it."""
    issuer_as_written: str | None = None
    """`issuer` without the slash that a URL gets when it is parsed: answers name it exactly like that."""


@dataclass(frozen=True, slots=True)
class ResourceMetadata:
    """What an MCP server publishes of itself (RFC 9728)."""

    resource: str
    authorization_servers: tuple[str, ...]
    scopes: tuple[str, ...] | None


def read_object(response: httpx.Response) -> dict[str, Any]:
    """Return an answer's JSON object, or the form that some token endpoints answer with; else nothing."""
    try:
        body = json.loads(response.content)
        json.dumps(body, ensure_ascii=False).encode()  # a half of a surrogate pair cannot be sent or kept
    except (ValueError, RecursionError):
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        is_form = kind == "application/x-www-form-urlencoded"
        return dict(parse_qsl(response.text)) if is_form else {}
    return body if isinstance(body, dict) else {}


def read_resource(response: httpx.Response) -> ResourceMetadata | None:
    """Return what an MCP server publishes, if that names a resource and an authorization server."""
    if response.status_code != httpx.codes.OK:
        return None
    body = read_object(response)
    resource, named = body.get("resource"), _texts(body.get("authorization_servers")) or ()
    if isinstance(resource, list) and len(resource) == 1:  # GitLab writes a list
        resource = resource[0]
    servers = tuple(filter(_is_address, named))
    if not _is_address(resource) or not servers:
        return None
    return ResourceMetadata(str(resource), servers, _texts(body.get("scopes_supported")))


def read_server(response: httpx.Response) -> ServerMetadata | None:
    """Return what an authorization server publishes, if it is enough to sign in."""
    if response.status_code != httpx.codes.OK:
        return None
    members = _members(read_object(response), _SERVER)
    return _read(ServerMetadata, {**members, "issuer_as_written": members.get("issuer")})


def read_client(response: httpx.Response, redirects: list[AnyUrl]) -> OAuthClientInformationFull | None:
    """Return the client of a registration for these redirect URIs (RFC 7591, 3.2.1)."""
    if response.status_code not in (httpx.codes.OK, httpx.codes.CREATED):
        return None
    members = _members(read_object(response), _CLIENT)
    client = _read(OAuthClientInformationFull, {**members, "redirect_uris": redirects})
    return client if client is not None and client.client_id else None


def read_tokens(response: httpx.Response) -> OAuthToken | None:
    """Return the tokens of an answer (RFC 6749, 5.1), if they are bearer tokens that can be sent."""
    body = _about_the_person(read_object(response))
    token, kind, refresh = (body.get(name) for name in ("access_token", "token_type", "refresh_token"))
    if not response.is_success or not isinstance(token, str) or not _TOKEN.fullmatch(token):
        return None
    if kind is not None and not (isinstance(kind, str) and kind.lower() in ("", "bearer")):
        return None
    return OAuthToken(
        access_token=token,
        expires_in=_seconds(body.get("expires_in")),
        scope=_scope(body.get("scope")),
        refresh_token=refresh if isinstance(refresh, str) and refresh else None,
    )


def _about_the_person(body: dict[str, Any]) -> dict[str, Any]:
    """Return the part of an answer with the person's tokens: Slack puts them, of the type `user`, beside what
    its bots get."""
    person = body.get("authed_user")
    if "access_token" in body or not isinstance(person, dict):
        return body
    return {**person, "token_type": "bearer"} if person.get("token_type") == "user" else person


def name_of(server: ServerMetadata) -> str:
    """Return what people know an authorization server by: its host, and a port if it has one."""
    return urlsplit(str(server.issuer)).netloc


def _seconds(value: Any) -> int | None:
    """Return a lifetime; None for one that cannot be, such as 0, which some mean for "no end"."""
    try:
        seconds = float(value) if not isinstance(value, bool) else math.nan
    except (TypeError, ValueError, OverflowError):
        return None
    return math.ceil(min(seconds, _LONGEST_SECONDS)) if seconds > 0 else None


def _scope(value: Any) -> str | None:
    """Return the scopes that were given, separated by blanks. Some servers use commas, or a list."""
    texts = value.replace(",", " ").split() if isinstance(value, str) else _texts(value)
    return " ".join(texts) if texts else None


def _read(kind: type[M], members: dict[str, Any]) -> M | None:
    try:
        return kind.model_validate(members)
    except ValidationError as error:
        odd = {problem["loc"][0] for problem in error.errors(include_input=False) if problem["loc"]}
    if not odd & members.keys() or any(kind.model_fields[str(name)].is_required() for name in odd):
        return None
    return _read(kind, {name: value for name, value in members.items() if name not in odd})


def _members(body: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return the members of these names that hold something, but no text that is too long for an address."""
    found = {name: body[name] for name in names if body.get(name) not in (None, "")}
    return {n: value for n, value in found.items() if not isinstance(value, str) or len(value) <= _LONGEST}


def _texts(value: Any) -> tuple[str, ...] | None:
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, list) else None


def _is_address(value: Any) -> bool:
    try:
        _ADDRESS.validate_python(value)
    except ValidationError:
        return False
    return isinstance(value, str)
