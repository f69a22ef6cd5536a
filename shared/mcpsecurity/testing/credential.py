"""A credential as azure-identity has them, that signs in nowhere."""

import time
from collections.abc import Callable
from typing import Any

from azure.core.credentials import AccessToken

from mcpsecurity.runtime.closing import ClosedOnExit

_LIFETIME = 3599


class LocalCredential(ClosedOnExit):
    """An `AsyncTokenCredential` that makes its tokens by a function; for the local stack only."""

    def __init__(self, make: Callable[[], str]) -> None:
        self._make = make

    async def get_token(self, *_scopes: str, **_: Any) -> AccessToken:
        """Return a new token."""
        return AccessToken(self._make(), int(time.time()) + _LIFETIME)
