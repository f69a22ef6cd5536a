"""Measures what a token costs: validating a new one (RSA-2048), and finding a known one in the cache.

    .venv/bin/python -m tests.benchmarks.bench_auth

In process, one core. Limits: 250 µs for a new token, 10 µs for a known one; the exit code is 1 beyond them.
"""

import asyncio
import sys
import time
from collections.abc import Mapping
from statistics import median

import jwt
from aiohttp.test_utils import make_mocked_request
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from mcpsecurity.oidc import OidcProvider, SigningKey, parse_keys
from mcpsecurity.oidc.discovery import ProviderMetadata
from mcpsecurity_server.auth.bearer import bearer_token
from mcpsecurity_server.auth.policy import AccessPolicy
from mcpsecurity_server.auth.verifier import AccessTokenVerifier, TokenRequirements

__all__ = ["measure"]

AUTHORITY = "https://login.example"
TENANT_ID = "11111111-2222-4333-8444-555555555555"
CLIENT_ID = "aaaaaaaa-0000-4000-8000-000000000001"
LIMITS = {"new token": 250.0, "known token": 10.0}


async def measure(tokens: int = 2000, rounds: int = 7) -> dict[str, float]:
    """Return microseconds for each kind of token: the median of `rounds` averages over `tokens`."""
    private_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    made = [_token(private_key, number) for number in range(tokens)]
    requests = [
        make_mocked_request("POST", "/mcp", headers={"Authorization": f"Bearer {token}"}) for token in made
    ]
    new: list[float] = []
    known: list[float] = []
    for _ in range(rounds):
        verifier = _verifier(private_key)
        for took in (new, known):
            started = time.perf_counter()
            for request in requests:
                token = bearer_token(request)
                _ = verifier.cached(token) or await verifier.verify(token)
            took.append(time.perf_counter() - started)
    return {"new token": median(new) / tokens * 1e6, "known token": median(known) / tokens * 1e6}


def _verifier(private_key: rsa.RSAPrivateKey) -> AccessTokenVerifier:
    return AccessTokenVerifier(
        _Provider(private_key),
        TokenRequirements(CLIENT_ID, frozenset({f"api://{CLIENT_ID}"}), frozenset({TENANT_ID})),
        AccessPolicy("mcp:tools"),
        cache_size=10_000,
    )


class _Provider(OidcProvider):
    """A provider whose documents need no network."""

    def __init__(self, private_key: rsa.RSAPrivateKey) -> None:
        super().__init__(None, AUTHORITY, TENANT_ID)  # type: ignore[arg-type]  # never asked
        jwk = RSAAlgorithm.to_jwk(private_key.public_key(), as_dict=True)
        self._document = {"keys": [{**jwk, "kid": "key", "use": "sig", "key_ops": ["verify"]}]}

    async def _load_keys(self, held: Mapping[str, SigningKey]) -> dict[str, SigningKey]:
        base = f"{AUTHORITY}/{TENANT_ID}"
        self._metadata = ProviderMetadata(f"{base}/v2.0", f"{base}/keys", f"{base}/a", f"{base}/t", None)
        return parse_keys(self._document, held)


def _token(private_key: rsa.RSAPrivateKey, number: int) -> str:
    now = int(time.time())
    claims = {
        "aud": CLIENT_ID, "iss": f"{AUTHORITY}/{TENANT_ID}/v2.0", "iat": now, "nbf": now, "exp": now + 3600,
        "aio": "AWQAm/8XAAAAn2CAOHHWXMhBHuMbsLb7Xo9PR6dWKMxh5TTwHXaPzzn0ZHJ0J0RVmlKIJHDkCpHJ0J0RVmlKIJHDkCp",
        "azp": "bbbbbbbb-0000-4000-8000-000000000002", "azpacr": "1", "name": "Alice Example",
        "oid": f"00000000-0000-4000-8000-{number:012}", "preferred_username": "alice@contoso.example",
        "rh": "0.AXkAzvuQ4pXo0kW0mZ6SY4jrAJX0sJZlO4xPoMbGw3czZe2UAAA.", "scp": "mcp:tools",
        "sid": "0a1b2c3d-0000-4000-8000-000000000003", "sub": "hkHMZQVvJbRgoOXzMSyy7vXQ7pdPmjwbFzQzDbYVbbs",
        "tid": TENANT_ID, "uti": f"uti-{number}", "ver": "2.0",
    }  # fmt: skip
    return jwt.encode(claims, private_key, algorithm="RS256", headers={"kid": "key"})


def main() -> int:
    """Print the figures; return 1 if one is beyond its limit."""
    figures = asyncio.run(measure())
    for kind, cost in figures.items():
        print(f"{kind:12} {cost:7.1f} µs (limit {LIMITS[kind]:g} µs)")
    return int(any(cost > LIMITS[kind] for kind, cost in figures.items()))


if __name__ == "__main__":
    sys.exit(main())
