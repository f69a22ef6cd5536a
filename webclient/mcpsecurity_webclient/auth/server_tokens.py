"""Access tokens of a signed-in person for one MCP server, with more scopes once the server wants them."""

from collections.abc import Callable

from mcpsecurity.client import Challenge, SignInRequiredError
from mcpsecurity.client.challenges import scopes_with
from mcpsecurity_webclient.auth.entra import EntraClient


class ServerTokens:
    """Tokens for the server whose scope is `scope`. `acting` returns the session whose tokens count."""

    def __init__(self, entra: EntraClient, acting: Callable[[], str], scope: str) -> None:
        self._entra = entra
        self._acting = acting
        self._scopes: tuple[str, ...] = (scope,)

    async def get(self, force: bool) -> str:
        """Return a token; with `force` a new one. Raises as `EntraClient.token`."""
        return await self._entra.token(self._acting(), self._scopes, force=force)

    async def step_up(self, challenge: Challenge) -> str | None:
        """Return a token with the scopes and claims of a challenge, if Entra ID gives it silently."""
        wanted = self.wanted(challenge.scope)
        if wanted == self._scopes and challenge.claims is None:
            return None
        try:
            token = await self._entra.token(self._acting(), wanted, claims=challenge.claims)
        except SignInRequiredError:
            return None
        self._scopes = wanted
        return token

    def wanted(self, named: str | None) -> tuple[str, ...]:
        """Return the scopes to consent to: those that are asked for now, and those that the server named."""
        return scopes_with(self._scopes, named)
