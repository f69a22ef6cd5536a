"""Errors of authentication and authorization; `bearer.py` turns them into responses.

Their texts are written where they are raised: `bearer.py` and `verifier.py` (400, 401, 503), `policy.py` (for
every call) and `tool_policy.py` (for single tools).

AuthError
├── MissingToken         401 without `error`: the request has no bearer token
├── InvalidRequest       400 `invalid_request`: the header is malformed
├── InvalidToken         401 `invalid_token`
├── InsufficientClaims   401 `insufficient_claims`: the sign-in has to satisfy more, which `claims` says
├── InsufficientScope    403 `insufficient_scope`: names every permission the operation needs
├── NotPermitted         403 `access_denied`: a policy refuses; no other token of this user would help
└── Unavailable          503 `temporarily_unavailable`: the tenant's keys cannot be fetched
"""

from typing import TYPE_CHECKING

from mcpsecurity_server.transport import CallRefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping


class AuthError(Exception):
    """Base class. `reason` is a fixed word for logs, `description` a fixed text for the client.

    Neither holds a part of a token. `caller` is that of the token's principal, if its signature was good.
    """

    status = 401
    error: str | None = None

    def __init__(self, reason: str, description: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.description = description
        self.caller: Mapping[str, str | None] | None = None


class MissingToken(AuthError):
    """The request has no bearer token in its Authorization header."""


class InvalidRequest(AuthError):
    """The Authorization header does not hold exactly one token, or the query holds one."""

    status = 400
    error = "invalid_request"


class InvalidToken(AuthError):
    """The token is not signed by the tenant, not for this server, or not valid now."""

    error = "invalid_token"


class InsufficientClaims(AuthError, CallRefusedError):
    """The sign-in has to satisfy more; `claims` (JSON text) is what the client asks Entra ID for.

    See learn.microsoft.com, entra/identity-platform/claims-challenge.
    """

    error = "insufficient_claims"

    def __init__(self, reason: str, description: str, claims: str) -> None:
        super().__init__(reason, description)
        self.claims = claims

    def __str__(self) -> str:
        return self.description


class InsufficientScope(AuthError):
    """The token lacks a permission; `scopes` has the short names of all that the operation needs."""

    status = 403
    error = "insufficient_scope"

    def __init__(self, reason: str, description: str, scopes: tuple[str, ...]) -> None:
        super().__init__(reason, description)
        self.scopes = scopes


class NotPermitted(AuthError):
    """The token is good, but the configuration refuses this user or client."""

    status = 403
    error = "access_denied"


class Unavailable(AuthError):
    """The token cannot be verified now; the client may try again after `retry_after` seconds."""

    status = 503
    error = "temporarily_unavailable"

    def __init__(self, reason: str, retry_after: float) -> None:
        super().__init__(reason, "The sign-in service cannot be reached; try again later.")
        self.retry_after = retry_after
