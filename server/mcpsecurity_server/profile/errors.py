"""Errors of reading a profile.

ProfileError              the message may be shown
├── ConsentNeededError        the permission has no consent yet (AADSTS65001)
├── SignInNeededError         the organisation demands another step at sign-in (claims challenge)
└── NotAvailableError         Entra or Graph refused or failed for any other reason
"""

__all__ = ["ConsentNeededError", "NotAvailableError", "ProfileError", "SignInNeededError"]


class ProfileError(Exception):
    """The profile cannot be read; the message says why, and what to do."""


class ConsentNeededError(ProfileError):
    """The permission has no consent yet."""


class SignInNeededError(ProfileError):
    """The organisation demands another step at sign-in."""


class NotAvailableError(ProfileError):
    """Entra or Graph refused or failed."""
