"""The `claims` parameter: what a client asks for in its access tokens (OIDC Core 5.5)."""

import json
from dataclasses import dataclass
from typing import Any

from mcpsecurity.localcloud.entra.aadsts import Sts
from mcpsecurity.localcloud.entra.errors import EntraError


@dataclass(frozen=True, slots=True)
class AskedClaims:
    """`acrs` are authentication contexts, `capabilities` what the client can do, such as CP1 (`xms_cc`)."""

    acrs: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()


NO_CLAIMS = AskedClaims()


def read_claims(text: str | None) -> AskedClaims:
    """Read a `claims` parameter.

    Raises:
        EntraError: it is not JSON of the expected form (AADSTS9002313).
    """
    if text is None:
        return NO_CLAIMS
    try:
        asked = json.loads(text).get("access_token", {})
        return AskedClaims(_values(asked.get("acrs")), _values(asked.get("xms_cc")))
    except (AttributeError, TypeError, ValueError):
        raise EntraError(Sts.MALFORMED, detail="The claims parameter cannot be read.") from None


def _values(member: Any) -> tuple[str, ...]:
    member = member or {}
    values = member.get("values", [member["value"]] if "value" in member else [])
    return tuple(str(value) for value in values)
