"""Refusals of the tenant, and their representation in HTTP.

EntraError          a refusal with its AADSTS code
└── PageError       … that must not be sent to the redirect URI (RFC 6749 4.1.2.1): a page tells the person
"""

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from mcpsecurity.localcloud.entra.aadsts import StsCode


class EntraError(Exception):
    """A request was refused.

    Attributes:
        code: the AADSTS code with its OAuth error and HTTP status.
        description: what Entra would say, without the trace lines.
        claims: a claims challenge (JSON text) to hand back with the next sign-in, if any.
    """

    def __init__(self, code: "StsCode", *, claims: str | None = None, **values: str) -> None:
        """Fill the code's text with `values`."""
        self.code = code
        self.claims = claims
        self.description = code.text.format(**values).strip()
        super().__init__(f"AADSTS{code.number}: {self.description}")


def wire_description(error: EntraError) -> str:
    """Return the `error_description` with Entra's trace lines."""
    return str(_body(error)["error_description"])


def token_error(error: EntraError) -> web.Response:
    """Return the token endpoint's JSON answer to a refusal."""
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
    return web.json_response(_body(error), status=error.code.status, headers=headers)


def _body(error: EntraError) -> dict[str, Any]:
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    timestamp = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ}"
    lines = f"Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}"
    body: dict[str, Any] = {
        "error": error.code.error,
        "error_description": f"AADSTS{error.code.number}: {error.description} {lines}",
        "error_codes": [error.code.number],
        "timestamp": timestamp,
        "trace_id": trace,
        "correlation_id": correlation,
    }
    if error.code.suberror:
        body["suberror"] = error.code.suberror
    if error.claims:
        body["claims"] = error.claims
    return body
