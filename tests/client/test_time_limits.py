"""The time that a person takes to sign in is not the server's; the server's is limited all the same."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest
from aiohttp import web
from azure.core.credentials import AccessToken
from tests.client.test_connection import program, silence
from tests.support.served import Serve

from mcpsecurity.client import CredentialAuth, McpConnection, ServerUnavailableError, TokenAuth

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential


@web.middleware
async def only_good_tokens(request: web.Request, handler: Any) -> web.StreamResponse:
    if request.headers.get("Authorization") != "Bearer good":
        return web.Response(status=401)
    response: web.StreamResponse = await handler(request)
    return response


class SlowPerson:
    """A credential of azure-core whose person takes `seconds` to sign in. The token is known from then on;
    one that is `kept` was got before, and is given first.
    """

    def __init__(self, seconds: float, *kept: str) -> None:
        self._seconds = seconds
        self._kept = list(kept)

    async def next_token(self) -> str:
        if self._kept:
            return self._kept.pop(0)
        await asyncio.sleep(self._seconds)
        self._seconds = 0
        return "good"

    async def get_token(self, *_: str, **__: Any) -> AccessToken:
        return AccessToken(await self.next_token(), 2**40)

    async def close(self) -> None: ...


SHORT = 1.5
SIGN_INS: dict[str, Callable[[SlowPerson], httpx.Auth]] = {
    "token": lambda person: TokenAuth(lambda _: person.next_token()),
    "credential": lambda person: CredentialAuth(cast("AsyncTokenCredential", person), "api://x/mcp:tools"),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", SIGN_INS)
@pytest.mark.parametrize("refused", [(), ("old",)], ids=["at once", "after a refusal"])
async def test_a_person_may_take_longer_to_sign_in_than_a_server_to_answer(
    serve: Serve, kind: str, refused: tuple[str, ...]
) -> None:
    person = SlowPerson(1.5 * SHORT, *refused)
    auth = SIGN_INS[kind](person)
    async with (
        serve(program(), only_good_tokens) as url,
        McpConnection(url, auth=auth, timeout=SHORT) as connection,
    ):
        assert "quick" in {tool.name for tool in await connection.list_tools()}


@pytest.mark.parametrize("kind", SIGN_INS)
async def test_a_server_that_says_nothing_after_a_sign_in_is_given_up(serve: Serve, kind: str) -> None:
    auth = SIGN_INS[kind](SlowPerson(0.4))
    async with serve(program(), silence) as url:
        with pytest.raises(ServerUnavailableError, match="did not answer within"):
            await McpConnection(url, auth=auth, timeout=0.2).open()
