"""Why there is no profile.

ProfileError              the message may be shown
├── ConsentNeededError        nobody consented to the permission yet (AADSTS65001)
├── SignInNeededError         the organisation demands another step at sign-in (claims challenge)
└── NotAvailableError         Entra or Graph refused or failed for any other reason
"""

__all__ = ["ConsentNeededError", "NotAvailableError", "ProfileError", "SignInNeededError"]


class ProfileError(Exception):
    """There is no profile to be had; the message says why, and what to do."""


class ConsentNeededError(ProfileError):
    """Nobody consented to the permission yet."""


class SignInNeededError(ProfileError):
    """The organisation demands another step at sign-in."""


class NotAvailableError(ProfileError):
    """Entra or Graph refused or failed."""
