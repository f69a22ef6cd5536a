"""OpenID Connect for a party that trusts Microsoft Entra ID: discovery, signing keys, and signed tokens.

The MCP server checks access tokens with it, the web client ID tokens. Everything that waits is asyncio on an
`aiohttp.ClientSession` of the caller; nothing here blocks, and nothing is fetched because a token asks for
it.

    async with OidcProvider(session, authority, tenant_id) as provider:
        claims = await provider.verify_id_token(raw, client_id=client_id, nonce=nonce)
"""

from mcpsecurity.oidc.discovery import MULTI_TENANT, ProviderMetadata
from mcpsecurity.oidc.errors import (
    OidcError,
    ProviderError,
    ProviderMismatchError,
    ProviderUnavailableError,
    Reason,
    TokenError,
)
from mcpsecurity.oidc.jwks import CachePolicy, JwksCache, Timer
from mcpsecurity.oidc.keys import SigningKey, parse_keys
from mcpsecurity.oidc.provider import Claims, Clock, OidcProvider, check_times, optional_text, required_text
from mcpsecurity.oidc.signature import SignedToken, UnverifiedToken, parse_token

__all__ = [
    "MULTI_TENANT",
    "CachePolicy",
    "Claims",
    "Clock",
    "JwksCache",
    "OidcError",
    "OidcProvider",
    "ProviderError",
    "ProviderMetadata",
    "ProviderMismatchError",
    "ProviderUnavailableError",
    "Reason",
    "SignedToken",
    "SigningKey",
    "Timer",
    "TokenError",
    "UnverifiedToken",
    "check_times",
    "optional_text",
    "parse_keys",
    "parse_token",
    "required_text",
]
