"""Microsoft Graph's `/v1.0/me`."""

import asyncio
import base64
import binascii
import re
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import aiohttp
import orjson
from aiohttp import hdrs

from mcpsecurity.runtime.proxy import proxy_for
from mcpsecurity_server.auth.principal import Principal
from mcpsecurity_server.profile.errors import NotAvailableError, ProfileError, SignInNeededError

if TYPE_CHECKING:
    from mcpsecurity_server.profile.on_behalf_of import OnBehalfOf

_SCOPES = ["User.Read"]
_TIMEOUT = 10.0
_CLAIMS = re.compile(r'\bclaims="([A-Za-z0-9+/=_-]+)"')
_OF_URLS = str.maketrans("-_", "+/")
_LONGEST_CLAIMS = 2000
_CHALLENGED = (
    "Microsoft Graph does not accept your sign-in any more: sign out, sign in again, and repeat the call."
)
"""The text for continuous access evaluation: the session was revoked or a policy changed after sign-in."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A person's entry in Microsoft Graph."""

    id: str
    display_name: str | None
    user_principal_name: str | None
    mail: str | None
    job_title: str | None


class ProfileService:
    """Reads profiles from `graph_url` (an origin). Use it inside `async with`."""

    def __init__(self, on_behalf_of: "OnBehalfOf", graph_url: str, tls: ssl.SSLContext) -> None:
        self._on_behalf_of = on_behalf_of
        self._url = f"{graph_url}/v1.0/me"
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        await self._on_behalf_of.__aenter__()
        connector = aiohttp.TCPConnector(ssl=self._tls, limit=20)
        self._session = aiohttp.ClientSession(connector=connector, proxy=proxy_for(self._url))
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._session is not None:
            await self._session.close()
        await self._on_behalf_of.__aexit__(*error)

    async def prepare(self, principal: Principal) -> None:
        """Get the token for the profile, and read nothing yet. Raises `ProfileError`."""
        await self._on_behalf_of.token(principal, _SCOPES)

    async def profile(self, principal: Principal) -> Profile:
        """Return the principal's profile.

        Raises:
            ProfileError: no token for Graph, or Graph refused or failed.
        """
        token = await self._on_behalf_of.token(principal, _SCOPES)
        try:
            answer = await self._get_in_spite_of_challenge(principal, token)
        except ProfileError:
            self._on_behalf_of.forget(principal, _SCOPES)
            raise
        return Profile(
            id=str(answer.get("id", "")),
            display_name=answer.get("displayName"),
            user_principal_name=answer.get("userPrincipalName"),
            mail=answer.get("mail"),
            job_title=answer.get("jobTitle"),
        )

    async def _get_in_spite_of_challenge(self, principal: Principal, token: str) -> dict[str, Any]:
        """Read the profile; if Graph challenges the token, with one that Entra ID makes for the challenge."""
        try:
            return await self._get(token)
        except SignInNeededError as error:
            if error.claims is None:
                raise
            return await self._get(await self._on_behalf_of.token(principal, _SCOPES, error.claims))

    async def _get(self, token: str) -> dict[str, Any]:
        if self._session is None:
            raise RuntimeError("use the profile service inside `async with`")
        headers = {"Authorization": f"Bearer {token}"}
        try:
            async with (
                asyncio.timeout(_TIMEOUT),
                self._session.get(self._url, headers=headers, allow_redirects=False) as response,
            ):
                if "insufficient_claims" in response.headers.get(hdrs.WWW_AUTHENTICATE, ""):
                    raise SignInNeededError(_CHALLENGED, _claims(response.headers[hdrs.WWW_AUTHENTICATE]))
                if response.status != 200:
                    raise NotAvailableError(f"Microsoft Graph refused ({response.status}).")
                answer = orjson.loads(await response.read())
        except (aiohttp.ClientError, TimeoutError, orjson.JSONDecodeError) as error:
            raise NotAvailableError("Microsoft Graph cannot be reached; try again later.") from error
        return answer if isinstance(answer, dict) else {}


def _claims(header: str) -> str | None:
    """Return the claims of Graph's challenge, which are JSON in base64."""
    found = _CLAIMS.search(header)
    try:
        text = found[1].translate(_OF_URLS) if found is not None else ""
        claims = base64.b64decode(text).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return claims if claims and len(claims) <= _LONGEST_CLAIMS else None
