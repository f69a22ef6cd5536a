"""Requests to addresses that an MCP server or its authorization server names.

A stranger chooses such an address. So a request goes by https only, to no network that is nearer than the
MCP server itself, and its answer is bounded in time and size. Only what asks for a document follows a
redirect, to an address for which the same holds.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urljoin

import httpx

from mcpsecurity.client.errors import BridgeError, ServerUnavailableError
from mcpsecurity.client.event_streams import is_event_stream
from mcpsecurity.runtime.loopback import is_loopback
from mcpsecurity.runtime.proxy import proxy_for
from mcpsecurity.sentences import Sentence

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Returns the addresses of a host and port. Raises `OSError`."""

_SECONDS: Final = 10.0
_MAX_BODY: Final = 256 * 1024
_MAX_ADDRESSES: Final = 3
_TRANSLATED: Final = IPv6Network("64:ff9b::/96")
_LOCAL_NAMES: Final = frozenset(
    {"arpa", "corp", "home", "internal", "lan", "local", "localdomain", "localhost"}
)
"""Top-level names that no public name has (RFC 2606, RFC 6762, RFC 8375, ICANN)."""
_KEPT_HEADERS: Final = ("content-type", "location", "www-authenticate")
_MAX_REDIRECTS: Final = 3


class _Reach(IntEnum):
    """From how far away an address can be reached."""

    INTERNET = 0
    NETWORK = 1
    MACHINE = 2


async def resolved(host: str, port: int) -> list[str]:
    """Return the addresses of a host. Raises `OSError`."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class BoundedRequests:
    """Sends requests on behalf of the MCP server at `url`.

    `tls` says which authorities are trusted; `seconds` is how long a request with its answer may take.
    """

    def __init__(
        self, url: str, tls: ssl.SSLContext, *, seconds: float = _SECONDS, resolve: Resolve = resolved
    ) -> None:
        self._server = httpx.URL(url)
        self._tls = tls
        self._seconds = seconds
        self._resolve = resolve

    def check(self, url: str) -> None:
        """Check the form of an address: https, or http where both it and the MCP server are this machine.

        Raises:
            BridgeError: the address has another form.
        """
        try:
            target = httpx.URL(url)
        except httpx.InvalidURL:
            target = httpx.URL("")
        on_this_machine = is_loopback(target.host) and is_loopback(self._server.host)
        secure = target.scheme == "https" or (target.scheme == "http" and on_this_machine)
        if target.host and target.scheme == "http" and not secure:
            raise self._unprotected(target.host)
        if not target.host or target.userinfo or not secure:
            raise self._refused(target.host)

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Return the answer with its whole body, but nothing of an event stream, which may never end. A
        redirect is an answer like any other.

        Raises:
            BridgeError: the address is not one to ask.
            ServerUnavailableError: nothing answers there, or with too much.
        """
        self.check(str(request.url))
        try:
            async with asyncio.timeout(self._seconds):
                return await self._sent(request)
        except (
            httpx.HTTPError,
            httpx.InvalidURL,
            OSError,
            UnicodeError,
        ) as error:  # a TimeoutError is an OSError
            text = Sentence(
                "{address}, where the MCP server at {host} has people sign in, does not answer.",
                address=_origin(request.url),
                host=self._server.netloc.decode(),
            )
            raise ServerUnavailableError(text) from error

    async def read(self, request: httpx.Request) -> httpx.Response:
        """Return the answer to a GET that carries no secret, after a few redirects at most. Raises as
        `send`."""
        response = await self.send(request)
        for _ in range(_MAX_REDIRECTS):
            if not response.has_redirect_location:
                break
            target = joined_url(str(request.url), response.headers["Location"])
            self.check(target)
            headers = {name: value for name, value in request.headers.items() if name != "host"}
            request = httpx.Request("GET", target, headers=headers)
            response = await self.send(request)
        return response

    async def _sent(self, request: httpx.Request) -> httpx.Response:
        proxy = proxy_for(str(request.url))
        by_name = proxy is not None and not _is_address(request.url.host)  # which the proxy looks up
        if by_name and not _is_public_name(request.url.host) and request.url.host != self._server.host:
            raise self._refused(request.url.host)
        hosts = [request.url.host] if by_name else await self._allowed(request.url)
        # Not less for the answer to a refresh than there is: the old token may be of no use any more.
        timeout = httpx.Timeout(self._seconds, connect=self._seconds / _MAX_ADDRESSES)
        async with httpx.AsyncClient(
            verify=self._tls, trust_env=False, proxy=proxy, timeout=timeout
        ) as client:
            for host in hosts[:-1]:
                try:
                    return await self._answer(client, _sent_to(request, host))
                except (httpx.ConnectError, httpx.ConnectTimeout):
                    continue
            return await self._answer(client, _sent_to(request, hosts[-1]))

    async def _answer(self, client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
        response = await client.send(request, stream=True, follow_redirects=False)
        try:
            body = b"" if is_event_stream(response) else await _body(response)
        finally:
            await response.aclose()
        headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
        return httpx.Response(response.status_code, headers=headers, content=body, request=request)

    async def _allowed(self, url: httpx.URL) -> list[str]:
        """Return the addresses of a host, all of which are at least as far away as the MCP server."""
        found = await self._addresses(url)
        reaches = [_reach(ip_address(address)) for address in found]
        nearest = max((_Reach.MACHINE if reach is None else reach for reach in reaches), default=None)
        if nearest is None or None in reaches:
            raise self._refused(url.host)
        if nearest > _Reach.INTERNET:
            own = [_reach(ip_address(address)) for address in await self._addresses(self._server)]
            if not own or any(reach is None or reach < nearest for reach in own):
                raise self._refused(url.host)
        return found[:_MAX_ADDRESSES]

    async def _addresses(self, url: httpx.URL) -> list[str]:
        port = url.port or (443 if url.scheme == "https" else 80)
        return [address.partition("%")[0] for address in await self._resolve(url.host, port)]

    def _unprotected(self, host: str) -> BridgeError:
        text = Sentence(
            "The MCP server at {server} has people sign in at an address that is not used: {address}, by "
            "http. Its operator has to name it by https.",
            server=self._server.netloc.decode(),
            address=host[:200],
        )
        return BridgeError(text)

    def _refused(self, host: str) -> BridgeError:
        text = Sentence(
            "The MCP server at {server} has people sign in at an address that is not used: {address}",
            server=self._server.netloc.decode(),
            address=host[:200] or "—",
        )
        return BridgeError(text)


def joined_url(base: str, reference: str) -> str:
    """Return the address that a reference means at `base`; nothing if it means none."""
    try:
        return urljoin(base, reference)
    except ValueError:
        return ""


async def _body(response: httpx.Response) -> bytes:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise httpx.DecodingError("the body is compressed", request=response.request)  # which may be a bomb
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > _MAX_BODY:
            raise httpx.DecodingError("the body is too long", request=response.request)
    return bytes(body)


def _sent_to(request: httpx.Request, host: str) -> httpx.Request:
    """Return a request to an address that was checked, which a second look-up could not change any more."""
    extensions = {"sni_hostname": request.url.host} if request.url.scheme == "https" else {}
    return httpx.Request(
        request.method,
        request.url.copy_with(host=host),
        headers={**request.headers, "Accept-Encoding": "identity"},
        content=request.content,
        extensions=extensions,
    )


def _reach(address: IPv4Address | IPv6Address) -> _Reach | None:
    """Return how far away an address is; None for one that is no host's, or a cloud's own (link-local)."""
    if isinstance(address, IPv6Address) and (inner := _inner(address)) is not None:
        address = inner
    if address.is_loopback:
        return _Reach.MACHINE
    if address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved:
        return None
    return _Reach.INTERNET if address.is_global else _Reach.NETWORK


def _inner(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address leads to, by translation (RFC 6052) or a tunnel."""
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _is_public_name(host: str) -> bool:
    """Tell whether a name may be one of the Internet's. A proxy would look up others in its own network."""
    *before, last = host.rstrip(".").lower().split(".")
    return bool(before) and not last[:1].isdigit() and last not in _LOCAL_NAMES


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode()}"
