"""Signing in at the authorization servers that MCP servers name: each person for each server."""

import asyncio
import ssl
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import nullcontext
from weakref import WeakValueDictionary

import httpx

from mcpsecurity.client import BridgeError, ServerUnavailableError, SignInRequiredError
from mcpsecurity.client.oauth import (
    BoundedRequests,
    ClientId,
    Grant,
    OAuthSignIn,
    PendingSignIn,
    read_grant,
)
from mcpsecurity.redis.errors import RedisUnavailableError
from mcpsecurity.sentences import Sentence
from mcpsecurity_webclient.auth.server_grants import ServerGrantStore
from mcpsecurity_webclient.server_settings import McpServerSettings
from mcpsecurity_webclient.settings import WebSettings

_MOST_UNFINISHED = 3
_REGISTERED_SECONDS = 60.0
"""How long a registration is used at least, so that nobody has the chat register without end."""
_LAST_SECONDS = 10.0
_PAUSE_SECONDS = 0.2
_CLIENT_NAME = "mcpsecurity web chat"

CALLBACK = "/signin-server"
DOCUMENT = "/oauth-client.json"


class ServerSignIns:
    """The sign-ins at the servers whose setting `sign_in` is `oauth`. `clock` gives seconds since 1970.

    The chat registers as a client once for each server and process; people share that, and nothing else.
    """

    def __init__(
        self,
        settings: WebSettings,
        grants: ServerGrantStore,
        tls: ssl.SSLContext,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._url = settings.url
        self._grants = grants
        self._clock = clock
        self._servers = {server.name: server for server in settings.servers if server.sign_in == "oauth"}
        document = f"{settings.url}{DOCUMENT}" if settings.secure else None
        self._sign_ins = {
            name: _sign_in(server, tls, document, clock) for name, server in self._servers.items()
        }
        self._registered: dict[str, Grant] = {}
        self._registered_at: dict[str, float] = {}
        self._registering = {name: asyncio.Lock() for name in self._servers}
        self._unfinished: Counter[str] = Counter()
        self._renewing: set[asyncio.Task[str | None]] = set()
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    def redirect_uri(self, name: str) -> str:
        """Return where people come back to after signing in for a server.

        Each has an address of its own, so that the authorization server of one cannot have the code of
        another sent to it (RFC 9700, 4.4.2).
        """
        return f"{self._url}{CALLBACK}/{name}"

    def knows(self, name: str) -> bool:
        """Tell whether people sign in for a server of this name."""
        return name in self._servers

    def client_document(self) -> dict[str, object]:
        """Return the client ID metadata document of the chat."""
        return {
            "client_id": f"{self._url}{DOCUMENT}",
            "client_name": _CLIENT_NAME,
            "client_uri": self._url,
            "redirect_uris": [self.redirect_uri(name) for name in self._servers],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        }

    async def begin(self, sid: str, name: str, scope: str | None) -> PendingSignIn:
        """Begin a sign-in of a session for a server, for more scopes if `scope` has some.

        After several that nobody finished, the chat registers anew, once a minute: the authorization server
        may have forgotten it, which it tells the person only.

        Raises:
            BridgeError: nobody can sign in there now; the message says why.
        """
        sign_in = self._sign_ins[name]
        challenge = await sign_in.probe()
        if not await sign_in.wants_sign_in(challenge):
            host = httpx.URL(sign_in.url).netloc.decode()
            raise BridgeError(Sentence("The MCP server at {host} asks for no sign-in.", host=host))
        held = read_grant(await self._grants.get(sid, name)) if scope else None
        wanted = f"{held.scope or ''} {scope}" if held is not None else scope
        late = self._clock() - _REGISTERED_SECONDS
        if self._unfinished[name] >= _MOST_UNFINISHED and self._registered_at.get(name, 0.0) < late:
            self._unfinished[name] = 0
            self._registered.pop(name, None)
        async with self._registering[name] if name not in self._registered else nullcontext():
            before = self._registered.get(name)
            pending = await sign_in.begin(challenge, self.redirect_uri(name), before, scope=wanted)
            if before is None or before.client.client_id != pending.client.client_id:
                self._registered_at[name] = self._clock()
            self._registered[name] = _registration(pending)
        self._unfinished[name] += 1
        return pending

    async def complete(self, sid: str, name: str, pending: PendingSignIn, answer: Mapping[str, str]) -> None:
        """Redeem the answer for tokens, and keep them for the session.

        Raises:
            BridgeError: the person or the authorization server declined, or something is wrong.
        """
        grant = await self._sign_ins[name].complete(pending, answer)
        self._unfinished[name] = 0
        self._registered[name] = grant.model_copy(update={"tokens": None, "expires_at": None})
        await self._grants.put(sid, name, grant.model_dump_json())

    async def token(self, sid: str, name: str, *, refused: str | None = None) -> str | None:
        """Return a session's token for a server, other than the `refused` one; None if only the person can
        give one.

        Raises:
            ServerUnavailableError: the authorization server does not answer.
        """
        renewing = asyncio.create_task(self._token(sid, name, refused), name="server-token")
        self._renewing.add(renewing)
        renewing.add_done_callback(self._renewing.discard)
        return await asyncio.shield(renewing)  # an old refresh token may be good once only

    async def _token(self, sid: str, name: str, refused: str | None) -> str | None:
        try:
            async with self._locks.setdefault((sid, name), asyncio.Lock()):
                grant = read_grant(await self._grants.get(sid, name))
                if grant is None or not self._lacks_token(grant, refused):
                    return grant.access_token if grant is not None else None
                async with self._grants.renewing(sid, name):
                    return await self._token_of_now(sid, name, refused)
        except RedisUnavailableError as error:
            raise ServerUnavailableError(Sentence("The sign-in cannot be read at the moment.")) from error

    async def _token_of_now(self, sid: str, name: str, refused: str | None) -> str | None:
        """Return the token of the grant as it is now: another replica may have renewed it just before."""
        text = await self._grants.get(sid, name)
        grant = read_grant(text)
        if text is None or grant is None or not self._lacks_token(grant, refused):
            return grant.access_token if grant is not None else None
        try:
            return await self._renewed(sid, name, text, grant)
        except ServerUnavailableError:  # a token that is not refused is good to its end
            if grant.access_token == refused or not grant.is_good(self._clock()):
                raise
            return grant.access_token

    def _lacks_token(self, grant: Grant, refused: str | None) -> bool:
        """Tell whether a grant's token is over, or is the refused one."""
        return grant.should_be_renewed(self._clock()) or grant.access_token in (None, refused)

    async def aclose(self) -> None:
        """Wait for the renewals under way, as their old tokens may be of no more use."""
        if self._renewing:
            await asyncio.wait(self._renewing, timeout=_LAST_SECONDS)

    async def forget(self, sid: str) -> None:
        """Drop a session's tokens, and have the authorization servers forget them."""
        held = [(sign_in, await self._grants.get(sid, name)) for name, sign_in in self._sign_ins.items()]
        await self._grants.drop(sid)
        grants = [(sign_in, grant) for sign_in, text in held if (grant := read_grant(text)) is not None]
        await asyncio.gather(*(sign_in.revoke(grant) for sign_in, grant in grants))

    async def take(self, sid: str, name: str) -> Grant | None:
        """Drop a session's tokens for one server, and return them to be revoked.

        Another replica may renew them meanwhile: the newest are taken.
        """
        while (text := await self._grants.get(sid, name)) is not None:
            if await self._grants.replace(sid, name, text, None):
                return read_grant(text)
        await self._grants.put(sid, name, None)  # what cannot be decrypted
        return None

    async def revoke(self, name: str, grant: Grant) -> None:
        """Have the authorization server of a server forget tokens. A failure is logged only."""
        await self._sign_ins[name].revoke(grant)

    async def _renewed(self, sid: str, name: str, text: str, grant: Grant) -> str | None:
        """Return a new token. One that comes after the sign-out, or after a sign-in for more, is revoked."""
        renewed = await self._sign_ins[name].refresh(grant)
        if await self._kept(sid, name, text, renewed):
            return renewed.access_token if renewed is not None else None
        if renewed is not None:
            await self._sign_ins[name].revoke(renewed)
        now = read_grant(await self._grants.get(sid, name))
        return now.access_token if now is not None else None

    async def _kept(self, sid: str, name: str, before: str, renewed: Grant | None) -> bool:
        """Keep what a refresh brought in place of the text `before`, if that is still there.

        A store that is away for a moment is tried again: the token of before may be of no use any more.
        """
        after = renewed.model_dump_json() if renewed is not None else None
        deadline = time.monotonic() + _LAST_SECONDS
        while True:
            try:
                return await self._grants.replace(sid, name, before, after)
            except RedisUnavailableError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(_PAUSE_SECONDS)


class PersonAuth(httpx.Auth):
    """Puts a person's token for one server on each request, if there is one.

    `acting` returns the session whose tokens count, and `has_token` tells whether it had one at last.
    A server that takes strangers is asked without; some refuse them by 403. A 401 is answered once with a
    new token.
    """

    requires_response_body = False

    def __init__(self, sign_ins: ServerSignIns, acting: Callable[[], str], name: str) -> None:
        self._sign_ins = sign_ins
        self._acting = acting
        self._name = name
        self.has_token = False

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send with a token. Raises as `ServerSignIns.token`."""
        token = await self._token()
        if token is not None:
            request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if token is None and response.status_code == httpx.codes.FORBIDDEN:
            host = request.url.netloc.decode()
            raise SignInRequiredError(Sentence("The MCP server at {host} asks for a sign-in.", host=host))
        if token is not None and response.status_code == httpx.codes.UNAUTHORIZED:
            renewed = await self._token(refused=token)
            if renewed is not None:
                request.headers["Authorization"] = f"Bearer {renewed}"
                yield request

    async def _token(self, *, refused: str | None = None) -> str | None:
        token = await self._sign_ins.token(self._acting(), self._name, refused=refused)
        self.has_token = token is not None
        return token


def _registration(pending: PendingSignIn) -> Grant:
    """Return what a sign-in that has begun tells of the chat as a client."""
    return Grant(
        resource=pending.resource,
        scope=pending.scope,
        server=pending.server,
        client=pending.client,
        tokens=None,
        expires_at=None,
    )


def _sign_in(
    server: McpServerSettings, tls: ssl.SSLContext, document: str | None, clock: Callable[[], float]
) -> OAuthSignIn:
    client = None
    if server.client_id is not None:
        secret = server.client_secret
        client = ClientId(server.client_id, secret.get_secret_value() if secret is not None else None)
    return OAuthSignIn(
        server.url,
        BoundedRequests(server.url, tls),
        client=client,
        client_document=document,
        client_name=_CLIENT_NAME,
        issuer=server.issuer,
        clock=clock,
    )
