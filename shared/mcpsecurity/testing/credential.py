"""A credential as azure-identity has them, that signs in nowhere."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from azure.core.credentials import AccessToken

__all__ = ["LocalCredential"]

_LIFETIME = 3599


class LocalCredential:
    """An `AsyncTokenCredential` that makes its tokens by a function; for the local stack only."""

    def __init__(self, make: Callable[[], str]) -> None:
        self._make = make

    async def get_token(
        self,
        *scopes: str,  # noqa: ARG002 - azure-core's signature
        claims: str | None = None,  # noqa: ARG002 - azure-core's signature
        tenant_id: str | None = None,  # noqa: ARG002 - azure-core's signature
        enable_cae: bool = False,  # noqa: ARG002 - azure-core's signature
        **_: Any,
    ) -> AccessToken:
        """Return a new token."""
        return AccessToken(self._make(), int(time.time()) + _LIFETIME)

    async def close(self) -> None:
        """Do nothing: it holds nothing."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()
