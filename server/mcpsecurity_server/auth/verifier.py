"""Access tokens of Microsoft Entra ID: whether one is for this server, from whom, and good now."""

from dataclasses import dataclass

from mcpsecurity.oidc import (
    Claims,
    OidcProvider,
    ProviderError,
    Reason,
    SignedToken,
    TokenError,
    check_times,
    required_text,
)
from mcpsecurity_server.auth.errors import AuthError, InvalidToken, Unavailable
from mcpsecurity_server.auth.policy import AccessPolicy
from mcpsecurity_server.auth.principal import Principal
from mcpsecurity_server.auth.token_cache import TokenCache

__all__ = ["AccessTokenVerifier", "TokenRequirements"]

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
    """Whose tokens are accepted: for the API `client_id`, of users of `tenants` (lower-case GUIDs).

    `identifier_uri` is an audience of version 1.0 tokens only, and those count only with `v1_tokens`.
    """

    client_id: str
    identifier_uri: str
    tenants: frozenset[str]
    v1_tokens: bool = False


class AccessTokenVerifier:
    """Verifies tokens and puts the good ones into `memory`."""

    def __init__(
        self, provider: OidcProvider, acceptance: TokenRequirements, policy: AccessPolicy, *, memory_size: int
    ) -> None:
        self._provider = provider
        self._acceptance = acceptance
        self._policy = policy
        self.memory = TokenCache(provider.keys, provider.clock, size=memory_size)

    async def check_keys(self) -> None:
        """Return if there are keys to verify with. Raises `ProviderError`."""
        await self._provider.metadata()

    async def verify(self, raw: str) -> Principal:
        """Return the caller.

        Raises:
            AuthError: `InvalidToken`, `InsufficientScope`, `NotPermitted` or `Unavailable`.
        """
        try:
            token = await self._provider.verify(raw)
            refused_at = self._check(token)
        except TokenError as error:
            raise InvalidToken(error.reason.value, _DESCRIPTIONS.get(error.reason, _ANY_OTHER)) from error
        except ProviderError as error:
            raise Unavailable("keys_unavailable", error.retry_after) from error
        try:
            scopes = self._policy.delegated_scopes(token.claims)
            self._policy.check_permitted(token.claims)
        except AuthError as refusal:
            refusal.caller = Principal.from_claims("", token.claims, [])
            raise
        caller = Principal.from_claims(raw, token.claims, scopes)
        self.memory.remember(raw, caller, token.key, refused_at)
        return caller

    def _check(self, token: SignedToken) -> float:
        """Check issuer, audience, times and identity; return the moment from which the token is refused."""
        claims = token.claims
        tenant_id = self._check_issuer(token)
        if tenant_id not in self._acceptance.tenants:
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
        if version == "1.0" and self._acceptance.v1_tokens:
            return self._provider.check_v1_issuer(token)
        raise TokenError(Reason.VERSION)

    def _audiences(self, claims: Claims) -> tuple[str, ...]:
        if claims["ver"] == "1.0":
            return self._acceptance.client_id, self._acceptance.identifier_uri
        return (self._acceptance.client_id,)
