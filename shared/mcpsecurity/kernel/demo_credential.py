"""Signs one of the local tenant's people in, as a credential of azure-identity does."""

import time
from pathlib import Path
from typing import Any

import aiohttp
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from mcpsecurity.running_demo import RefusedError, RunningDemo, sign_in
from mcpsecurity.runtime.closing import ClosedOnExit
from mcpsecurity.runtime.tls import client_ssl_context

_TIMEOUT = aiohttp.ClientTimeout(total=20)


class DemoCredential(ClosedOnExit):
    """An `AsyncTokenCredential` of a person of the running demo, without a password.

    Args:
        user: sign-in name, or its part before the @.
    """

    def __init__(self, demo: RunningDemo, user: str) -> None:
        self._demo = demo
        self.username = demo.user(user)

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,  # noqa: ARG002 - azure-core's signature
        tenant_id: str | None = None,  # noqa: ARG002 - azure-core's signature
        enable_cae: bool = False,  # noqa: ARG002 - azure-core's signature
        **_: Any,
    ) -> AccessToken:
        """Sign in and return a new token.

        Raises:
            ClientAuthenticationError: the tenant refuses, or does not answer.
        """
        connector = aiohttp.TCPConnector(ssl=client_ssl_context(Path(self._demo.ca_file)))
        try:
            async with aiohttp.ClientSession(
                f"{self._demo.authority}/oauth2/v2.0/",
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=_TIMEOUT,
            ) as http:
                client = {"client_id": self._demo.public_client_id}
                answer = await sign_in(http, client, " ".join(scopes), self.username)
        except (aiohttp.ClientError, OSError, RefusedError, TimeoutError, ValueError) as error:
            raise ClientAuthenticationError(f"The local tenant gives no token: {error}") from error
        return AccessToken(str(answer["access_token"]), int(time.time()) + int(answer["expires_in"]))

    async def sign_out(self) -> None:
        """Do nothing: it keeps no token."""
