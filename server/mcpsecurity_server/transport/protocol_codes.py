"""Error codes of this revision, and the HTTP status that goes with each (basic/index, transports)."""

from typing import Final

from mcpsecurity_server.transport.jsonrpc import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    RESOURCE_NOT_FOUND,
)

__all__ = ["HEADER_MISMATCH", "MISSING_CAPABILITY", "UNSUPPORTED_VERSION", "code_here", "status_of"]

HEADER_MISMATCH: Final = -32020
MISSING_CAPABILITY: Final = -32021
UNSUPPORTED_VERSION: Final = -32022

_STATUSES: Final = {
    PARSE_ERROR: 400,
    INVALID_REQUEST: 400,
    INVALID_PARAMS: 400,
    HEADER_MISMATCH: 400,
    MISSING_CAPABILITY: 400,
    UNSUPPORTED_VERSION: 400,
    METHOD_NOT_FOUND: 404,
}


def status_of(code: int) -> int:
    """Return the HTTP status of an answer that is an error; one that is the program's own goes with 200."""
    return _STATUSES.get(code, 200)


def code_here(code: int) -> int:
    """Return the code that this revision has for one of the revisions before."""
    return INVALID_PARAMS if code == RESOURCE_NOT_FOUND else code
