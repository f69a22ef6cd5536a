"""Errors of the provider and of tokens.

OidcError
├── ProviderError           the provider's keys cannot be fetched now: a server answers 503
│   ├── ProviderUnavailableError     it cannot be reached, or failed; `retry_after` says when to ask again
│   └── ProviderMismatchError        it answered, but is not the provider that was configured
└── TokenError              the token is refused; `reason` is one of a fixed set: a server answers 401
"""

from enum import StrEnum

_DEFAULT_RETRY_AFTER = 5.0


class Reason(StrEnum):
    """Why a token was refused. The value is safe to log and to show to the sender."""

    MALFORMED = "malformed"
    HEADER = "header"
    ALGORITHM = "algorithm"
    UNKNOWN_KEY = "unknown_key"
    SIGNATURE = "signature"
    CLAIMS = "claims"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    TENANT = "tenant"
    VERSION = "version"
    NONCE = "nonce"


class OidcError(Exception):
    """Base of everything this package raises on purpose."""


class ProviderError(OidcError):
    """The provider's keys cannot be fetched. `retry_after` is in seconds."""

    def __init__(self, message: str, *, retry_after: float = _DEFAULT_RETRY_AFTER) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ProviderUnavailableError(ProviderError):
    """The provider could not be reached or answered with an error."""


class ProviderMismatchError(ProviderError):
    """The provider's documents do not belong to the configured authority and tenant."""


class TokenError(OidcError):
    """The token is refused. The message never holds a part of the token."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
