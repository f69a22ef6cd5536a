"""Where tokens are kept between two runs: encrypted by the operating system, or not at all."""

from pathlib import Path

import msal  # type: ignore[import-untyped] # ships no types
from msal_extensions import FilePersistence, PersistedTokenCache, build_encrypted_persistence


def open_token_cache(path: Path) -> tuple[msal.TokenCache, str | None]:
    """Return the token cache kept in `path`, and a remark for the person when nothing can be kept.

    Encryption is by DPAPI on Windows, the keychain on macOS, and libsecret on Linux. Where there is none of
    it, tokens live as long as the program: they are never written unencrypted.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        persistence = build_encrypted_persistence(str(path))
    except (ImportError, OSError, RuntimeError, ValueError):  # libsecret missing, or no secret service runs
        return msal.TokenCache(), "This system has no keyring: you will sign in again next time."
    if isinstance(persistence, FilePersistence) and not persistence.is_encrypted:
        return msal.TokenCache(), "Tokens cannot be encrypted here: you will sign in again next time."
    return PersistedTokenCache(persistence), None
