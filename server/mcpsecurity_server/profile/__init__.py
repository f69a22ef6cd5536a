"""The signed-in person's profile, from Microsoft Graph. Only `on_behalf_of` imports MSAL, which is slow."""

from mcpsecurity_server.profile.errors import ProfileError, SignInNeededError
from mcpsecurity_server.profile.service import Profile, ProfileService

__all__ = ["Profile", "ProfileError", "ProfileService", "SignInNeededError"]
