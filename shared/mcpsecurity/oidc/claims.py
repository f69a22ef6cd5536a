"""Claims of a verified token: present, of the right type, and true at this time (RFC 7519, section 4.1)."""

import math
from collections.abc import Mapping
from typing import Any

from mcpsecurity.oidc.errors import Reason, TokenError

Claims = Mapping[str, Any]


def required_text(claims: Claims, name: str) -> str:
    """Return a claim that must be a non-empty string. Raises `TokenError(Reason.CLAIMS)`."""
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise TokenError(Reason.CLAIMS, f"{name} is missing or not a string")
    return value


def optional_text(claims: Claims, name: str) -> str | None:
    """Return a claim if it is a non-empty string, else None."""
    value = claims.get(name)
    return value if isinstance(value, str) and value else None


def check_times(claims: Claims, *, now: float, leeway: float) -> float:
    """Check `exp`, `iat`, and `nbf` if there is one; return the moment from which the token is refused.

    OpenID Connect and RFC 9068 do not ask for `nbf`; Entra ID sends it.

    The token is good while `nbf - leeway <= now < exp + leeway`: at exactly `exp + leeway` it is expired.

    Raises:
        TokenError: `Reason.CLAIMS`, `Reason.EXPIRED` or `Reason.NOT_YET_VALID`.
    """
    refused_at = _seconds(claims, "exp") + leeway
    if now >= refused_at:
        raise TokenError(Reason.EXPIRED)
    issued = _seconds(claims, "iat")
    starts = _seconds(claims, "nbf") if "nbf" in claims else issued
    if max(starts, issued) > now + leeway:
        raise TokenError(Reason.NOT_YET_VALID)
    return refused_at


def _seconds(claims: Claims, name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TokenError(Reason.CLAIMS, f"{name} is missing or not a number of seconds")
    return float(value)
