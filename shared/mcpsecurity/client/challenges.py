"""Challenges of a server: more scopes, or claims that only another sign-in gives (step-up).

403 `insufficient_scope` names scopes (RFC 6750, section 3.1; MCP, authorization), 401 `insufficient_claims`
has a claims challenge of Microsoft Entra ID in base64.
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass

import httpx

_PARAMETER = re.compile(r"""\b(\w{1,64})\s{0,9}=\s{0,9}(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))""")
"""Bounded, so that no header takes long."""
_LONGEST_HEADER = 8192
_LONGEST_CLAIMS = 4000
_SCOPE = re.compile(r"[!#-\[\]-~]{1,200}")  # RFC 6749, 3.3
_MOST_SCOPES = 20
_NOT_OF_AN_API = frozenset({"openid", "profile", "email", "offline_access", ".default"})


@dataclass(frozen=True, slots=True)
class Challenge:
    """`scope` has the scopes that a request needs, with spaces between; `claims` is JSON text for Entra
    ID."""

    scope: str | None = None
    claims: str | None = None


def challenge_of(response: httpx.Response) -> Challenge | None:
    """Return the challenge of a response; None if it names neither scopes nor claims."""
    if response.status_code not in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return None
    parameters = challenge_parameters(response)
    if response.status_code == httpx.codes.UNAUTHORIZED:
        claims = _decoded(parameters.get("claims", ""))
        return Challenge(claims=claims) if claims is not None else None
    scope = parameters.get("scope")
    return Challenge(scope=scope) if scope and parameters.get("error") == "insufficient_scope" else None


def challenge_parameters(response: httpx.Response) -> dict[str, str]:
    """Return the parameters of the challenges, quoted or not (RFC 9110, 11.2); those of Bearer win."""
    header = ", ".join(response.headers.get_list("WWW-Authenticate"))[:_LONGEST_HEADER]
    before, bearer, after = header.partition("Bearer")
    return {
        name.lower(): re.sub(r"\\(.)", r"\1", quoted) if quoted else token
        for name, quoted, token in _PARAMETER.findall(before) + _PARAMETER.findall(after if bearer else "")
    }


def scopes_with(held: tuple[str, ...], named: str | None) -> tuple[str, ...]:
    """Return the union of the scopes `held` and those that a server `named`.

    The server's scopes get the prefix of the first scope held. Otherwise a server could obtain a token for
    another API.
    """
    api, separator, name = held[0].rpartition("/")
    if name == ".default":
        return held
    union = dict.fromkeys(held)
    for word in (named or "").split():
        permission = word.rpartition("/")[2]
        if _SCOPE.fullmatch(permission) and permission not in _NOT_OF_AN_API:
            union[f"{api}{separator}{permission}"] = None
    return tuple(union)[:_MOST_SCOPES]


def _decoded(text: str) -> str | None:
    """Return the claims of a challenge, if they are an object of JSON in base64."""
    if not text or len(text) > _LONGEST_CLAIMS:
        return None
    try:
        claims = base64.b64decode(
            text + "=" * (-len(text) % 4), altchars=b"-_" if "-" in text or "_" in text else None
        )
        return claims.decode() if isinstance(json.loads(claims), dict) else None
    except (binascii.Error, ValueError, RecursionError):
        return None
