"""What a sign-in at an authorization server leaves behind, as JSON that can be kept."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Final, Protocol

from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mcpsecurity.client.oauth.documents import ServerMetadata

_RENEW_BEFORE: Final = 30.0


@dataclass(frozen=True, slots=True)
class ClientId:
    """A client that was registered by hand at an authorization server, which may have given it a secret."""

    client_id: str
    client_secret: str | None = field(default=None, repr=False)


class _Secret(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Grant(_Secret):
    """The tokens of a person for one MCP server, and what it takes to renew them. Secret.

    Without `tokens` it is the client's registration alone. `expires_at` is in seconds since 1970; `scope` has
    what was asked for.
    """

    resource: str
    scope: str | None
    server: ServerMetadata
    client: OAuthClientInformationFull = Field(repr=False)
    tokens: OAuthToken | None = Field(repr=False)
    expires_at: float | None

    @property
    def access_token(self) -> str | None:
        """The access token, whether it is still good or not."""
        return self.tokens.access_token if self.tokens is not None else None

    def is_good(self, now: float) -> bool:
        """Tell whether the access token has not ended yet."""
        return self.tokens is not None and (self.expires_at is None or self.expires_at > now)

    def should_be_renewed(self, now: float) -> bool:
        """Tell whether the access token is about to end, and there is one to renew it with.

        Without that it is used until it is refused.
        """
        if self.tokens is None or self.tokens.refresh_token is None or self.expires_at is None:
            return False
        return self.expires_at - _RENEW_BEFORE <= now


class PendingSignIn(_Secret):
    """A sign-in that has begun: the person goes to `url`. Secret but for that."""

    url: str = Field(repr=False)
    state: str = Field(repr=False)
    verifier: str = Field(repr=False)
    redirect_uri: str
    resource: str
    scope: str | None
    server: ServerMetadata
    client: OAuthClientInformationFull = Field(repr=False)


class GrantStore(Protocol):
    """Keeps the grant of one MCP server, as text. What it keeps is secret."""

    async def load(self) -> str | None:
        """Return what was saved last, if anything."""

    async def save(self, text: str | None) -> None:
        """Keep a text; None forgets it."""

    def renewing(self) -> AbstractAsyncContextManager[None]:
        """Return what keeps other programs that have this store from renewing the grant meanwhile.

        A refresh token may be good once only. A program that dies inside must not keep the others for long.
        """


def read_grant(text: str | None) -> Grant | None:
    """Return the grant of a text; None if it is not one that this version can read."""
    if not text:
        return None
    try:
        return Grant.model_validate_json(text)
    except ValidationError:
        return None
