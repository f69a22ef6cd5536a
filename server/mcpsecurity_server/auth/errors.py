"""Why a request is not served.

AuthError
├── MissingToken        401 without `error`: nothing was tried
├── InvalidRequest       400 `invalid_request`: the header is malformed
├── InvalidToken         401 `invalid_token`
├── InsufficientScope    403 `insufficient_scope`: names every permission the operation needs
├── NotPermitted         403: a policy says no, and no other token of this user would help
└── Unavailable          503: the tenant's keys cannot be had; nobody is judged
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcpsecurity_server.auth.principal import Principal

__all__ = [
    "AuthError",
    "InsufficientScope",
    "InvalidRequest",
    "InvalidToken",
    "MissingToken",
    "NotPermitted",
    "Unavailable",
]


class AuthError(Exception):
    """Base. `reason` is a fixed word for logs, `description` a fixed text for the caller.

    Neither holds a part of a token. `caller` is whose token it was, without the token, if that is known.
    """

    status = 401
    error: str | None = None

    def __init__(self, reason: str, description: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.description = description
        self.caller: Principal | None = None


class MissingToken(AuthError):
    """No bearer token came in the Authorization header."""


class InvalidRequest(AuthError):
    """There is an Authorization header, but not one with one token."""

    status = 400
    error = "invalid_request"


class InvalidToken(AuthError):
    """The token is not one of our tenant's for us, now."""

    error = "invalid_token"


class InsufficientScope(AuthError):
    """The token is good, but lacks a permission; `scopes` are all that the operation needs, short names."""

    status = 403
    error = "insufficient_scope"

    def __init__(self, reason: str, description: str, scopes: tuple[str, ...]) -> None:
        super().__init__(reason, description)
        self.scopes = scopes


class NotPermitted(AuthError):
    """The token is good, but this user or client may not call."""

    status = 403
    error = "access_denied"


class Unavailable(AuthError):
    """Whether the token is good cannot be known before `retry_after` seconds have passed."""

    status = 503
    error = "temporarily_unavailable"

    def __init__(self, reason: str, retry_after: float) -> None:
        super().__init__(reason, "The sign-in service cannot be reached; try again later.")
        self.retry_after = retry_after
