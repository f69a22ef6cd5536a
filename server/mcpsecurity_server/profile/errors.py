"""Errors of reading a profile.

ProfileError              the message may be shown
├── ConsentNeededError        the permission has no consent yet (AADSTS65001)
├── SignInNeededError         the organisation demands another step at sign-in (claims challenge)
└── NotAvailableError         Entra or Graph refused or failed for any other reason
"""


class ProfileError(Exception):
    """The profile cannot be read; the message says why, and what to do."""


class ConsentNeededError(ProfileError):
    """The permission has no consent yet."""


class SignInNeededError(ProfileError):
    """The organisation demands another step at sign-in; `claims` (JSON text) is what the client asks for."""

    def __init__(self, message: str, claims: str | None = None) -> None:
        super().__init__(message)
        self.claims = claims


class NotAvailableError(ProfileError):
    """Entra or Graph refused or failed."""
