"""What a client needs to use the demo on this machine: its address, a person's sign-in, and its model."""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from semantic_kernel import Kernel
from semantic_kernel.connectors.ai.chat_completion_client_base import ChatCompletionClientBase

from mcpsecurity.kernel.model import ChatModel
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

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
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


def client_arguments(demo: RunningDemo, user: str) -> dict[str, Any]:
    """Return address, credential and scope."""
    return {"url": demo.mcp, "credential": DemoCredential(demo, user), "scope": demo.scope}


def add_model(kernel: Kernel, demo: RunningDemo) -> Callable[[], Awaitable[None]] | None:
    """Give a kernel without a model the demo's; return a function that removes it, or None if it has one."""
    if any(isinstance(service, ChatCompletionClientBase) for service in kernel.services.values()):
        return None
    tls = client_ssl_context(Path(demo.ca_file))
    model = ChatModel.at(demo.model_endpoint, demo.model, key=demo.model_key, azure=True, tls=tls)
    kernel.add_service(model)

    async def remove() -> None:
        if kernel.services.get(model.service_id) is model:
            kernel.remove_service(model.service_id)
        await model.close()

    return remove
