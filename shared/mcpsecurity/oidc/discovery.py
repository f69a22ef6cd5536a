"""The provider's documents: OpenID Connect Discovery 1.0 and its key set, fetched and checked."""

import asyncio
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from mcpsecurity.oidc.errors import ProviderMismatchError, ProviderUnavailableError

MULTI_TENANT = "organizations"
PLACEHOLDER = "{tenantid}"
_EXTERNAL = ".ciamlogin.com"
_MAX_DOCUMENT = 1024 * 1024
_TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """The discovery document. `issuer` may hold the placeholder `{tenantid}` for a multi-tenant authority."""

    issuer: str
    jwks_uri: str
    authorization_endpoint: str
    token_endpoint: str
    end_session_endpoint: str | None

    def issuer_of(self, tenant_id: str) -> str:
        """Return the issuer of tokens of that tenant (a GUID)."""
        return self.issuer.replace(PLACEHOLDER, tenant_id)


def metadata_url(authority: str, tenant: str) -> str:
    """Return where the discovery document of a tenant (GUID, or `organizations`) is."""
    return f"{authority}/{tenant}/v2.0/.well-known/openid-configuration"


def issuer_of(authority: str, tenant: str) -> str:
    """Return the issuer of a tenant's tokens. In External ID (CIAM) the tenant's id is in the host, too."""
    host = authority.removeprefix("https://").lower()
    if host.endswith(_EXTERNAL) and tenant not in (MULTI_TENANT, PLACEHOLDER):
        return f"https://{tenant}{_EXTERNAL}/{tenant}/v2.0"
    return f"{authority}/{tenant}/v2.0"


async def fetch_metadata(
    session: aiohttp.ClientSession, authority: str, tenant: str, issuer: str | None = None
) -> ProviderMetadata:
    """Fetch and validate the discovery document. `issuer` is what it has to name, if that is another.

    Raises:
        ProviderUnavailableError: it cannot be fetched.
        ProviderMismatchError: its issuer is not that of this authority and tenant (Discovery 1.0, section
        4.3), or an
            endpoint is missing or not https.
    """
    document = await fetch_document(session, metadata_url(authority, tenant))
    expected = issuer or issuer_of(authority, PLACEHOLDER if tenant == MULTI_TENANT else tenant)
    if document.get("issuer") != expected:
        raise ProviderMismatchError(f"discovery names another issuer than {expected}")
    return ProviderMetadata(
        issuer=expected,
        jwks_uri=_https(document, "jwks_uri"),
        authorization_endpoint=_text(document, "authorization_endpoint"),
        token_endpoint=_https(document, "token_endpoint"),
        end_session_endpoint=_text(document, "end_session_endpoint")
        if "end_session_endpoint" in document
        else None,
    )


async def fetch_document(session: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    """Fetch a JSON object: no redirects, bounded in time and size.

    Raises:
        ProviderUnavailableError: no URL, unreachable, not 200, too large, or not a JSON object.
    """
    try:
        async with asyncio.timeout(_TIMEOUT), session.get(url, allow_redirects=False) as response:
            if response.status != 200:
                raise ProviderUnavailableError(f"{url} answered {response.status}")
            body = await _read_bounded(response, url)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise ProviderUnavailableError(f"{url} is not reachable ({type(error).__name__})") from error
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ProviderUnavailableError(f"{url} did not answer with JSON") from error
    if not isinstance(document, dict):
        raise ProviderUnavailableError(f"{url} did not answer with a JSON object")
    return document


async def _read_bounded(response: aiohttp.ClientResponse, url: str) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _MAX_DOCUMENT:
            raise ProviderUnavailableError(f"{url} answered with more than {_MAX_DOCUMENT} bytes")
    return bytes(body)


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise ProviderMismatchError(f"discovery has no {name}")
    return value


def _https(document: dict[str, Any], name: str) -> str:
    value = _text(document, name)
    if not value.startswith("https://"):
        raise ProviderMismatchError(f"discovery gives a {name} that is not https")
    return value
