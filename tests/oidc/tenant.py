"""A tenant that does as it is told: discovery and keys over https, tokens signed with keys made here.

The tests of `mcpsecurity.oidc` and of the server's middleware need tokens and faults that no well-behaved
tenant has, so this one is not the local cloud's.
"""

import asyncio
import ipaddress
import json
import ssl
import time
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import jwt
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import RSAAlgorithm

TENANT_ID = "11111111-2222-4333-8444-555555555555"
OTHER_TENANT_ID = "99999999-2222-4333-8444-555555555555"
API_CLIENT_ID = "aaaaaaaa-0000-4000-8000-000000000001"
SIGN_IN_HOSTS = (
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
    "contoso.ciamlogin.com",
    "login.contoso.com",
)
WEB_CLIENT_ID = "bbbbbbbb-0000-4000-8000-000000000002"


@cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Return the private key of that name, made once in a test run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def jwk(name: str, **changes: Any) -> dict[str, Any]:
    """Return the public key as a JWK, as Entra publishes it; None removes a member."""
    entry = RSAAlgorithm.to_jwk(rsa_key(name).public_key(), as_dict=True)
    entry = {"kty": "RSA", "use": "sig", "kid": name, "n": entry["n"], "e": entry["e"], **changes}
    return {k: v for k, v in entry.items() if v is not None}


class MovableClock:
    """A clock that runs, can be put forward, and can be stopped at a moment."""

    def __init__(self) -> None:
        self.offset = 0.0
        self._stopped_at: float | None = None

    def stop_at(self, moment: float) -> None:
        """Let the wall clock show that time for good."""
        self._stopped_at = moment

    def wall(self) -> float:
        return time.time() + self.offset if self._stopped_at is None else self._stopped_at

    def monotonic(self) -> float:
        return time.monotonic() + self.offset


class ControlledTenant:
    """Start with `async with`; `folder` keeps its certificate. `keys` and `down` may be changed at will."""

    def __init__(self, folder: Path) -> None:
        self.ca_file = folder / "tenant.pem"
        self._server_context = _tls(self.ca_file, folder / "tenant.key")
        self.keys: list[dict[str, Any]] = [jwk("key-1")]
        self.app_keys: dict[str, list[dict[str, Any]]] = {}
        """Keys that are published only for an application."""
        self.down = False
        self.key_requests = 0
        self.keys_asked = asyncio.Event()
        self.discovery_changes: dict[str, Any] = {}
        self.token_answer: tuple[int, bytes] = (404, b"")
        """Status and body of what the token endpoint answers; a redirect leads to `/elsewhere`."""
        self.posts: list[str] = []
        self.forms: list[dict[str, Any]] = []
        app = web.Application()
        app.router.add_get("/{tenant}/v2.0/.well-known/openid-configuration", self._discovery)
        app.router.add_get("/{tenant}/discovery/v2.0/keys", self._keys)
        app.router.add_post("/{path:.*}", self._post)
        self._server = TestServer(app, scheme="https", host="127.0.0.1")

    async def __aenter__(self) -> Self:
        await self._server.start_server(ssl=self._server_context)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.close()

    @property
    def authority(self) -> str:
        return str(self._server.make_url("")).rstrip("/")

    @property
    def issuer(self) -> str:
        return f"{self.authority}/{TENANT_ID}/v2.0"

    def access_claims(self, **changes: Any) -> dict[str, Any]:
        """Return the claims of a good delegated v2.0 access token; None removes a claim."""
        now = int(time.time())
        claims = {
            "aud": API_CLIENT_ID, "iss": self.issuer, "iat": now - 10, "nbf": now - 10, "exp": now + 3600,
            "azp": WEB_CLIENT_ID, "azpacr": "1", "name": "Alice Example", "oid": "oid-of-alice",
            "preferred_username": "alice@contoso.example", "rh": "0.x", "scp": "mcp:tools", "sid": "s",
            "sub": "sub-of-alice", "tid": TENANT_ID, "uti": "uti", "ver": "2.0",
        }  # fmt: skip
        return {k: v for k, v in (claims | changes).items() if v is not None}

    def id_claims(self, **changes: Any) -> dict[str, Any]:
        """Return the claims of a good ID token of the web client."""
        removed = {"aud": WEB_CLIENT_ID, "azp": None, "azpacr": None, "scp": None, "nonce": "the-nonce"}
        return self.access_claims(**(removed | changes))

    def access_token(self, **changes: Any) -> str:
        return sign(self.access_claims(**changes))

    async def _discovery(self, request: web.Request) -> web.Response:
        if self.down:
            return web.Response(status=503)
        tenant = request.match_info["tenant"]
        base = f"{self.authority}/{tenant}"
        owner = "{tenantid}" if tenant == "organizations" else tenant
        return web.json_response(
            {
                "issuer": f"{self.authority}/{owner}/v2.0",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "end_session_endpoint": f"{base}/oauth2/v2.0/logout",
                **self.discovery_changes,
            }
        )

    async def _post(self, request: web.Request) -> web.Response:
        self.posts.append(request.path)
        self.forms.append(dict(await request.post()))
        status, body = self.token_answer
        headers = {"Location": f"{self.authority}/elsewhere"} if 300 <= status < 400 else {}
        return web.Response(status=status, body=body, content_type="application/json", headers=headers)

    async def _keys(self, request: web.Request) -> web.Response:
        self.key_requests += 1
        self.keys_asked.set()
        keys = self.app_keys.get(request.query.get("appid", ""), self.keys)
        return web.Response(status=503) if self.down else web.json_response({"keys": keys})


def sign(claims: dict[str, Any], *, key: str = "key-1", algorithm: str = "RS256", **header: Any) -> str:
    """Sign claims with the named key; `header` overrides members of the header."""
    payload = json.dumps(claims).encode()
    return jwt.PyJWS().encode(payload, rsa_key(key), algorithm, {"kid": key} | header)


@cache
def client_context(ca_file: Path) -> ssl.SSLContext:
    """Return a TLS context that trusts nobody but that authority."""
    return ssl.create_default_context(cafile=ca_file)


def _tls(certificate_file: Path, key_file: Path) -> ssl.SSLContext:
    """Return the TLS context of a server; its certificate is made on the first call."""
    if not certificate_file.exists():
        _make_certificate(certificate_file, key_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_file, key_file)
    return context


def _make_certificate(certificate_file: Path, key_file: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tenant under test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [
                    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
                    *(x509.DNSName(host) for host in SIGN_IN_HOSTS),
                ]
            ),
            False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
