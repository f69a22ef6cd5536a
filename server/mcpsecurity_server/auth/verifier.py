"""Verifies access tokens of Microsoft Entra ID: signature, issuer, tenant, audience, times and policy."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from mcpsecurity.oidc import (
    Claims,
    Clock,
    JwksCache,
    OidcProvider,
    ProviderError,
    Reason,
    SignedToken,
    SigningKey,
    TokenError,
    check_times,
    required_text,
)
from mcpsecurity_server.auth.bearer import check_syntax
from mcpsecurity_server.auth.errors import AuthError, InvalidToken, Unavailable
from mcpsecurity_server.auth.policy import AccessPolicy
from mcpsecurity_server.auth.principal import Principal

_DESCRIPTIONS = {
    Reason.EXPIRED: "The access token has expired.",
    Reason.NOT_YET_VALID: "The access token is not valid yet.",
    Reason.AUDIENCE: "The access token is for another application.",
    Reason.ISSUER: "The access token is from another issuer.",
    Reason.TENANT: "The access token is from another tenant.",
}
_ANY_OTHER = "The access token is not valid."


@dataclass(frozen=True, slots=True)
class TokenRequirements:
    """The tokens that are accepted: for the API `client_id`, of users of `tenants` (lower-case GUIDs).

    Version 1.0 tokens are accepted only with `v1_tokens`; their audience may also be one of
    `identifier_uris`.
    """

    client_id: str
    identifier_uris: frozenset[str]
    tenants: frozenset[str]
    v1_tokens: bool = False


class AccessTokenVerifier:
    """Verifies tokens with the keys of `provider`, and keeps the last `cache_size` good ones in a cache."""

    def __init__(
        self,
        provider: OidcProvider,
        requirements: TokenRequirements,
        policy: AccessPolicy,
        *,
        cache_size: int,
    ) -> None:
        self._provider = provider
        self._requirements = requirements
        self._policy = policy
        self._cache = TokenCache(provider.keys, provider.clock, size=cache_size)

    async def check_keys(self) -> None:
        """Return if there are keys to verify with. Raises `ProviderError`."""
        await self._provider.metadata()

    def cached(self, token: str) -> Principal | None:
        """Return the principal of a token that was verified before and is still good, or None."""
        return self._cache.get(token)

    async def verify(self, token: str) -> Principal:
        """Return the principal of a token, and add it to the cache.

        Raises:
            AuthError: `InvalidRequest`, `InvalidToken`, `InsufficientScope`, `NotPermitted` or `Unavailable`.
        """
        check_syntax(token)
        try:
            signed = await self._provider.verify(token)
            refused_at = self._check(signed)
            principal = Principal.from_claims(token, signed.claims)
        except TokenError as error:
            raise InvalidToken(error.reason.value, _DESCRIPTIONS.get(error.reason, _ANY_OTHER)) from error
        except ProviderError as error:
            raise Unavailable("keys_unavailable", error.retry_after) from error
        try:
            self._policy.check_delegated(signed.claims, principal.scopes)
            self._policy.check_permitted(signed.claims)
            self._policy.check_agent(principal.agent)
        except AuthError as refusal:
            refusal.caller = principal.caller
            raise
        self._cache.put(principal, signed.key, refused_at)
        return principal

    def _check(self, token: SignedToken) -> float:
        """Check issuer, audience, times and identity; return the moment from which the token is refused."""
        claims = token.claims
        tenant_id = self._check_issuer(token)
        if tenant_id not in self._requirements.tenants:
            raise TokenError(Reason.TENANT)
        if required_text(claims, "aud") not in self._audiences(claims):
            raise TokenError(Reason.AUDIENCE)
        for name in ("sub", "oid"):
            required_text(claims, name)
        return check_times(claims, now=self._provider.clock(), leeway=self._provider.leeway)

    def _check_issuer(self, token: SignedToken) -> str:
        version = token.claims.get("ver")
        if version == "2.0":
            return self._provider.check_issuer(token)
        if version == "1.0" and self._requirements.v1_tokens:
            return self._provider.check_v1_issuer(token)
        raise TokenError(Reason.VERSION)

    def _audiences(self, claims: Claims) -> Collection[str]:
        if claims["ver"] == "1.0":
            return {self._requirements.client_id, *self._requirements.identifier_uris}
        return (self._requirements.client_id,)


class _Entry(NamedTuple):
    principal: Principal
    key: SigningKey
    refused_at: float


class TokenCache:
    """Holds at most `size` tokens; 0 turns it off. `clock` gives seconds since 1970.

    All requests with a token share its principal, which cannot be changed.
    """

    def __init__(self, keys: JwksCache, clock: Clock, *, size: int) -> None:
        self._keys = keys
        self._clock = clock
        self._size = size
        self._entries: dict[str, _Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, token: str) -> Principal | None:
        """Return the principal of a token that was validated before and is still good, or None."""
        entry = self._entries.get(token)
        if entry is None:
            return None
        principal, key, refused_at = entry
        if self._clock() < refused_at and self._keys.held(key.kid) is key:
            return principal
        del self._entries[token]
        return None

    def put(self, principal: Principal, key: SigningKey, refused_at: float) -> None:
        """Add a validated token until `refused_at`, in place of the oldest one if the cache is full."""
        if self._size == 0:
            return
        while len(self._entries) >= self._size:
            del self._entries[next(iter(self._entries))]
        self._entries[principal.token] = _Entry(principal, key, refused_at)
