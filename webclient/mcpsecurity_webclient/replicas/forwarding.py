"""Several replicas behind a proxy that sends a request to any of them.

All of a person's conversations are open in one replica at a time: it holds a lease on the person in Redis,
which it renews. A request that reaches another replica is forwarded to that one unchanged, with its cookie,
and checked there by the same rules; so an approval finds the call that waits for it, and every limit counts
all of a person's requests. When a replica dies, its leases expire, and the replica that gets the next request
loads the person's conversations from the store.
"""

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from mcpsecurity.redis.connection import RedisConnection, translated
from mcpsecurity.redis.errors import RedisUnavailableError
from mcpsecurity.runtime.tasks import end_tasks
from mcpsecurity_webclient.auth.person import PERSON, Handler
from mcpsecurity_webclient.errors import StoreError
from mcpsecurity_webclient.languages import gettext as _
from mcpsecurity_webclient.telemetry import trace_headers
from mcpsecurity_webclient.web.bodies import body_of
from mcpsecurity_webclient.web.errors import ApiError

_log = logging.getLogger(__name__)
LEASE_SECONDS = 9.0
_LEASE_MS = str(int(LEASE_SECONDS * 1000))
_RENEW_SECONDS = 3.0
_UNUSED_SECONDS = 6.0
_AT_ONCE = 100
_PATIENCE = 12.0
_POLL = 0.2
_MARK = "X-Forwarded-Replica"
_NOT_HERE = 421
_HOP_BY_HOP = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
    "transfer-encoding", "upgrade", "content-length", "date", "server",
}  # fmt: skip

# Both only touch a lease that is still ours.
_OURS = "if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end "
_RENEW = _OURS + "return redis.call('pexpire', KEYS[1], ARGV[2])"
_RELEASE = _OURS + "return redis.call('del', KEYS[1])"


class Replicas:
    """This replica among the others; `run` it while the application serves.

    Args:
        in_use: the people whose conversations are open here.
        unload: closes a person's conversations here, because another replica has taken her over.
        recheck: reloads a person's conversations if they changed while the lease had expired; may raise.
        ended: ends a session here that ended on another replica; gets its id and the reason.
    """

    def __init__(
        self,
        redis: RedisConnection,
        *,
        in_use: Callable[[], Iterable[str]],
        unload: Callable[[str], Awaitable[None]],
        recheck: Callable[[str], Awaitable[None]],
        ended: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._redis = redis
        self._in_use = in_use
        self._unload = unload
        self._recheck = recheck
        self._ended = ended
        self._id = secrets.token_urlsafe(8)
        self._url = ""
        self._held: dict[str, float] = {}
        self._giving_up: set[asyncio.Task[None]] = set()
        self._http: aiohttp.ClientSession | None = None
        self._copying: set[aiohttp.ClientResponse] = set()

    async def start(self, url: str) -> None:
        """Start; other replicas reach this one at `url`."""
        self._url = url
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=3, sock_read=90)
        connector = aiohttp.TCPConnector(limit=0)
        self._http = aiohttp.ClientSession(
            timeout=timeout, connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
        )

    def end_streams(self) -> None:
        """End the event streams that are forwarded: their pages reconnect to another replica."""
        for answer in list(self._copying):
            if answer.content_type == "text/event-stream":
                answer.close()

    async def stop(self) -> None:
        """Release all leases, after the conversations of those people were closed and saved."""
        await end_tasks(*self._giving_up)
        for answer in list(self._copying):  # closing the session would leave their readers waiting
            answer.close()
        for person in list(self._held):
            with suppress(RedisUnavailableError):
                await self._release(person)
        if self._http is not None:
            await self._http.close()

    @property
    def middleware(self) -> Any:
        """Forwards requests about conversations to the replica that holds the lease on their person."""

        @web.middleware
        async def forward(request: web.Request, handler: Handler) -> web.StreamResponse:
            if PERSON not in request or not _about_conversations(request.path):
                return await handler(request)
            return await self.forward(request) or await handler(request)

        return forward

    async def owner(self, person: str) -> str | None:
        """Return the address of the replica that serves a person, or None if this one does (from now on).

        Raises:
            RedisUnavailableError: it cannot be found out.
            StoreError: this one does, but whether its conversations are outdated cannot be found out.
        """
        me, name = self._value, self._lease(person)
        with translated():
            # Asked each time: a Redis that restarted empty may have given the lease to another replica.
            if person in self._held and await self._redis.client.eval(_RENEW, 1, name, me, _LEASE_MS):
                self._held[person] = time.monotonic()
                return None
            taken = await self._redis.client.set(name, me, nx=True, px=int(_LEASE_MS))
            holder = None if taken else await self._redis.get(name)
            if holder == me.encode():
                taken = await self._redis.client.eval(_RENEW, 1, name, me, _LEASE_MS)
        if taken:
            await self._recheck(person)  # another replica may have served her meanwhile
            self._held[person] = time.monotonic()
            return None
        return holder.decode().partition(" ")[2] if holder else ""

    async def broadcast_session_end(self, sid: str, reason: str) -> None:
        """Broadcast that a session has ended. A replica that misses it notices in its next sweep."""
        words = json.dumps({"from": self._id, "sid": sid, "reason": reason})
        with translated():
            await self._redis.client.publish(self._redis.name("ended"), words)

    async def forward(self, request: web.Request) -> web.StreamResponse | None:
        """Forward a request to the replica that serves its person; return None if this one does.

        Raises:
            RedisUnavailableError: it is not known which.
            ApiError: 503, the replica does not answer and its lease has not run out in time.
        """
        deadline = time.monotonic() + _PATIENCE
        while (owner := await self.owner(request[PERSON].key)) is not None:
            if _MARK in request.headers:
                raise ApiError(_NOT_HERE, "not_here", _("These chats are on another server."))
            answer = await self._pass_on(request, owner) if owner else None
            if answer is not None:
                return answer
            if time.monotonic() > deadline:
                raise _moving()
            await asyncio.sleep(_POLL)
        return None

    async def keep_leases(self) -> None:
        """Renew the leases in use and release the others, until cancelled."""
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            try:
                await self._renew_all(set(self._in_use()))
            except RedisUnavailableError as error:
                _log.warning("%s: leases are not renewed", error)

    async def listen(self) -> None:
        """Receive the messages of other replicas until cancelled."""
        while True:
            try:
                with translated():
                    async with self._redis.client.pubsub() as channel:
                        await channel.subscribe(self._redis.name("ended"))
                        while True:
                            message = await channel.get_message(ignore_subscribe_messages=True, timeout=2.0)
                            if message is not None:
                                await self._heard(json.loads(message["data"]))
            except RedisUnavailableError:
                await asyncio.sleep(1.0)

    async def _heard(self, words: dict[str, Any]) -> None:
        if words["from"] != self._id:
            await self._ended(words["sid"], words["reason"])

    async def _renew_all(self, used: set[str]) -> None:
        """Renew many in one round trip: one by one, a busy replica would be too late for the last."""
        people = list(used)
        for begin in range(0, len(people), _AT_ONCE):
            some = people[begin : begin + _AT_ONCE]
            with translated():
                async with self._redis.client.pipeline(transaction=False) as pipeline:
                    for person in some:
                        pipeline.eval(_RENEW, 1, self._lease(person), self._value, _LEASE_MS)
                    kept = await pipeline.execute()
            for person, ours in zip(some, kept, strict=True):
                if ours:
                    self._held[person] = time.monotonic()
                else:
                    self._held.pop(person, None)
                    self._in_background(self._lost(person))
        unused = time.monotonic() - _UNUSED_SECONDS
        for person in [p for p, since in self._held.items() if p not in used and since < unused]:
            await self._release(person)

    async def _lost(self, person: str) -> None:
        """Take back an expired lease, or close the conversations here if another replica holds it."""
        try:
            if await self.owner(person) is not None:
                _log.warning("a person's conversations have moved to another replica")
                await self._unload(person)
        except (RedisUnavailableError, StoreError) as error:  # the next round tries again
            _log.warning("%s: it is not known who serves a person", error)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        """Run work that may last longer than the renewal of leases may wait; `stop` ends it."""
        task = asyncio.create_task(work, name="give up a person's conversations")
        self._giving_up.add(task)
        task.add_done_callback(self._giving_up.discard)

    async def _release(self, person: str) -> None:
        self._held.pop(person, None)
        with translated():
            await self._redis.client.eval(_RELEASE, 1, self._lease(person), self._value)

    async def _pass_on(self, request: web.Request, owner: str) -> web.StreamResponse | None:
        """Return the answer of the replica at `owner`, or None if it is gone or serves the person no more."""
        if self._http is None:
            raise RuntimeError("the replica has not been started")
        traced = trace_headers()
        dropped = _HOP_BY_HOP | traced.keys()
        headers = [(k, v) for k, v in request.headers.items() if k.lower() not in dropped]
        headers += [*traced.items(), (_MARK, self._id)]
        body = await body_of(request) if request.can_read_body else None
        url = URL(owner + request.raw_path, encoded=True)
        try:
            async with self._http.request(
                request.method,
                url,
                headers=headers,
                data=body,
                allow_redirects=False,
            ) as answer:
                if answer.status == _NOT_HERE:
                    return None
                self._copying.add(answer)
                try:
                    return await _copied(answer, request)
                finally:
                    self._copying.discard(answer)
        except aiohttp.ClientConnectorError:
            return None
        except (aiohttp.ClientError, TimeoutError) as error:  # the other replica may have carried it out
            raise _moving() from error

    @property
    def _value(self) -> str:
        return f"{self._id} {self._url}"

    def _lease(self, person: str) -> str:
        return self._redis.name("person", person)


async def _copied(answer: aiohttp.ClientResponse, request: web.Request) -> web.StreamResponse:
    """Relay an answer as it arrives. If it breaks off, so does this one, and the page reconnects."""
    response = web.StreamResponse(status=answer.status, reason=answer.reason)
    for name, value in answer.headers.items():
        if name.lower() not in _HOP_BY_HOP:
            response.headers.add(name, value)
    await response.prepare(request)
    with suppress(aiohttp.ClientError, TimeoutError, ConnectionResetError):
        async for piece in answer.content.iter_any():
            await response.write(piece)
    return response


def _moving() -> ApiError:
    text = _("Your chats are being moved to another server. Please try again.")
    return ApiError(503, "moving", text, retryable=True)


def _about_conversations(path: str) -> bool:
    return path == "/" or path.startswith(("/chats/", "/api/chats"))
