"""Clients whose id is the address of a document about them (OAuth Client ID Metadata Document, a draft).

As in Entra ID, such a client gets an agent identity, whose id is in its tokens. The client chooses the
address, so the tenant fetches from public addresses only, by https, once, with limits of time and size.
"""

import asyncio
import json
import socket
import uuid
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from mcpsecurity.localcloud.entra.directory import Client, ClientKind, Directory

if TYPE_CHECKING:
    import ssl

_MAX_BYTES = 5 * 1024
_MAX_CLIENTS = 100
_SECONDS = 5.0
_AGENTS = uuid.UUID("10ca1c10-0d00-4000-8000-0000000000f0")


class ClientDocuments:
    """Registers clients by their documents. `hosts` may be reached although their addresses are not public.

    Attributes:
        hosts: names of such hosts; for tests.
        tls: the trust of the fetches; None: the system's.
    """

    def __init__(self) -> None:
        self.hosts: frozenset[str] = frozenset()
        self.tls: ssl.SSLContext | None = None
        self._learned = 0

    async def learn(self, directory: Directory, client_id: str) -> None:
        """Add the client to the directory, if its id is the address of a good document."""
        if (
            client_id.lower() in directory.clients
            or not _is_address(client_id)
            or self._learned >= _MAX_CLIENTS
        ):
            return
        try:
            client = _client(client_id, await self._fetch(client_id))
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, TypeError, KeyError):
            return
        self._learned += 1
        directory.clients[client_id.lower()] = client

    async def _fetch(self, url: str) -> Any:
        connector = aiohttp.TCPConnector(resolver=_PublicResolver(self.hosts), ssl=self.tls or True, limit=1)
        async with (
            asyncio.timeout(_SECONDS),
            aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.get(url, allow_redirects=False, headers={"Accept": "application/json"}) as response,
        ):
            if response.status != 200:
                raise ValueError("no document")
            body = bytearray()
            async for piece in response.content.iter_any():
                body += piece
                if len(body) > _MAX_BYTES:
                    raise ValueError("the document is too long")
            return json.loads(body)


class _PublicResolver(AbstractResolver):
    """Resolves a name once, to public addresses only: the connection goes to the address that was checked."""

    def __init__(self, allowed: frozenset[str]) -> None:
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, family=family, type=socket.SOCK_STREAM
        )
        addresses = [(kind, str(address[0])) for kind, _, _, _, address in found]
        if host not in self._allowed and not all(ip_address(address).is_global for _, address in addresses):
            raise OSError("not a public address")
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=0)
            for kind, address in addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""


def _is_address(client_id: str) -> bool:
    """Tell whether an id has the form of the draft: https, a host's name, a path, no parts that mislead."""
    try:
        parts = urlsplit(client_id)
        if parts.port is not None and not 0 < parts.port < 65536:
            return False
        ip_address(parts.hostname or "")
    except ValueError:
        named = True
    else:
        named = False
    return (
        named
        and len(client_id) <= 500
        and client_id.isascii()
        and client_id.isprintable()
        and parts.scheme == "https"
        and "@" not in parts.netloc
        and bool(parts.hostname)
        and len(parts.path) > 1
        and not {".", ".."} & set(parts.path.split("/"))
        and not parts.fragment
    )


def _client(client_id: str, document: Any) -> Client:
    """Return the client that a document describes. Raises `ValueError`, `TypeError` or `KeyError`."""
    uris = document["redirect_uris"]
    if document["client_id"] != client_id or document.get("token_endpoint_auth_method", "none") != "none":
        raise ValueError("another client's, or one with a secret")
    if not isinstance(uris, list) or not 0 < len(uris) <= 20 or not all(isinstance(uri, str) for uri in uris):
        raise ValueError("no redirect URIs")
    name = document.get("client_name")
    return Client(
        str(uuid.uuid5(_AGENTS, client_id)),
        name[:100] if isinstance(name, str) and name else (urlsplit(client_id).hostname or ""),
        ClientKind.PUBLIC,
        redirect_uris=frozenset(uris),
        any_loopback_redirect=any(urlsplit(uri).hostname in ("localhost", "127.0.0.1") for uri in uris),
        agent_parent=str(_AGENTS),
    )
