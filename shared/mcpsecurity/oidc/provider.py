"""A tenant of Microsoft Entra ID, or all of them, as a source of verified tokens."""

import hmac
import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Self

import aiohttp
from yarl import URL

from mcpsecurity.oidc.discovery import (
    MULTI_TENANT,
    PLACEHOLDER,
    ProviderMetadata,
    fetch_document,
    fetch_metadata,
)
from mcpsecurity.oidc.errors import ProviderUnavailableError, Reason, TokenError
from mcpsecurity.oidc.jwks import CachePolicy, JwksCache, Timer
from mcpsecurity.oidc.keys import SigningKey, parse_keys
from mcpsecurity.oidc.signature import SignedToken, parse_token

Clock = Callable[[], float]

_V1_ISSUER = f"https://sts.windows.net/{PLACEHOLDER}/"
_V1_ISSUERS = {"https://login.partner.microsoftonline.cn": f"https://sts.chinacloudapi.cn/{PLACEHOLDER}/"}


class OidcProvider:
    """Discovery, keys and signatures of one authority.

    `authority` is the sign-in host without a tenant, `tenant` a GUID, or `organizations` to believe the
    tokens of any work tenant (then check `tid`). `clock` gives seconds since 1970, `timer` monotonic seconds.
    `issuer` is that of the tokens, if it is not made from authority and tenant. The session stays the
    caller's and needs a TLS context that knows the authority. `aclose` is safe to call twice.
    """

    app_id: str | None = None
    """An application that has signing keys of its own, which are believed besides the tenant's."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        authority: str,
        tenant: str,
        *,
        clock: Clock = time.time,
        timer: Timer = time.monotonic,
        policy: CachePolicy | None = None,
        leeway: float = 60.0,
        issuer: str | None = None,
    ) -> None:
        self.authority = authority
        self.tenant = tenant
        self.clock = clock
        self.leeway = leeway
        self._session = session
        self._issuer = issuer
        self._metadata: ProviderMetadata | None = None
        self.keys = JwksCache(self._load_keys, timer=timer, policy=policy)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End what runs in the background."""
        await self.keys.aclose()

    async def metadata(self) -> ProviderMetadata:
        """Return the validated discovery document, as of the last load of the keys.

        Raises:
            ProviderError: it was never fetched and cannot be fetched now.
        """
        await self.keys.warm()
        return self._known_metadata()

    async def verify(self, raw: str) -> SignedToken:
        """Verify form and signature of a token.

        No claim is checked: that is the caller's part, beginning with `check_issuer`.

        Raises:
            TokenError: the token is refused.
            ProviderError: the keys cannot be fetched.
        """
        token = parse_token(raw)
        return token.verify(await self.keys.get(token.kid))

    async def verify_id_token(self, raw: str, *, client_id: str, nonce: str) -> dict[str, Any]:
        """Verify an ID token (OpenID Connect Core 1.0, section 3.1.3.7) and return its claims.

        `nonce` is the value that was sent in the authorization request: for MSAL, the SHA-256 hex digest of
        the flow's `nonce`. The claims are sure to hold the strings `iss`, `aud`, `sub`, `oid` and `tid`.

        Raises:
            TokenError: the token is refused.
            ProviderError: the keys cannot be fetched.
        """
        token = await self.verify(raw)
        claims = token.claims
        self.check_issuer(token)
        for name in ("sub", "oid", "tid"):
            required_text(claims, name)
        if claims.get("aud") != client_id or claims.get("azp", client_id) != client_id:
            raise TokenError(Reason.AUDIENCE)
        check_times(claims, now=self.clock(), leeway=self.leeway)
        if not hmac.compare_digest(required_text(claims, "nonce").encode(), nonce.encode()):
            raise TokenError(Reason.NONCE)
        return claims

    def check_issuer(self, token: SignedToken) -> str:
        """Check that a v2.0 token's `iss` is this provider's for its `tid`, and return the tenant id.

        `token` comes from `verify`, so discovery has been read.

        Raises:
            TokenError: `Reason.ISSUER`, `Reason.TENANT` or `Reason.CLAIMS`.
        """
        return self._check_issuer(token, self._known_metadata().issuer)

    def check_v1_issuer(self, token: SignedToken) -> str:
        """Do the same for a v1.0 token: its issuer is the security token service of the authority's cloud."""
        return self._check_issuer(token, _V1_ISSUERS.get(self.authority, _V1_ISSUER))

    def _check_issuer(self, token: SignedToken, template: str) -> str:
        tenant_id = required_text(token.claims, "tid")
        if self.tenant not in (MULTI_TENANT, tenant_id):
            raise TokenError(Reason.TENANT)
        if required_text(token.claims, "iss") != template.replace(PLACEHOLDER, tenant_id):
            raise TokenError(Reason.ISSUER)
        signer = token.key.issuer
        if signer and signer.replace(PLACEHOLDER, tenant_id) != self._known_metadata().issuer_of(tenant_id):
            raise TokenError(Reason.ISSUER, "signed with another issuer's key")
        return tenant_id

    def _known_metadata(self) -> ProviderMetadata:
        if self._metadata is None:
            raise ProviderUnavailableError("discovery did not succeed yet")
        return self._metadata

    async def _load_keys(self, held: Mapping[str, SigningKey]) -> dict[str, SigningKey]:
        metadata = await fetch_metadata(self._session, self.authority, self.tenant, self._issuer)
        keys = parse_keys(await fetch_document(self._session, metadata.jwks_uri), held)
        if self.app_id is not None:
            own = str(URL(metadata.jwks_uri).update_query(appid=self.app_id))
            keys |= parse_keys(await fetch_document(self._session, own), held)
        if not keys:
            raise ProviderUnavailableError(f"{metadata.jwks_uri} publishes no usable signing key")
        self._metadata = metadata
        return keys


Claims = Mapping[str, Any]


def required_text(claims: Claims, name: str) -> str:
    """Return a claim that must be a non-empty string. Raises `TokenError(Reason.CLAIMS)`."""
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise TokenError(Reason.CLAIMS, f"{name} is missing or not a string")
    return value


def optional_text(claims: Claims, name: str) -> str | None:
    """Return a claim if it is a non-empty string, else None."""
    value = claims.get(name)
    return value if isinstance(value, str) and value else None


def check_times(claims: Claims, *, now: float, leeway: float) -> float:
    """Check `exp`, `iat`, and `nbf` if there is one; return the moment from which the token is refused.

    OpenID Connect and RFC 9068 do not ask for `nbf`; Entra ID sends it.

    The token is good while `nbf - leeway <= now < exp + leeway`: at exactly `exp + leeway` it is expired.

    Raises:
        TokenError: `Reason.CLAIMS`, `Reason.EXPIRED` or `Reason.NOT_YET_VALID`.
    """
    refused_at = _seconds(claims, "exp") + leeway
    if now >= refused_at:
        raise TokenError(Reason.EXPIRED)
    issued = _seconds(claims, "iat")
    starts = _seconds(claims, "nbf") if "nbf" in claims else issued
    if max(starts, issued) > now + leeway:
        raise TokenError(Reason.NOT_YET_VALID)
    return refused_at


def _seconds(claims: Claims, name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TokenError(Reason.CLAIMS, f"{name} is missing or not a number of seconds")
    return float(value)
