"""The console as a client that a document describes (OAuth Client ID Metadata Document, a draft).

Such a client is not registered: its ID is the https address where its document is published, and a tenant
that takes such documents reads it there.
"""

import re

CLIENT_ID = r"^([0-9a-fA-F-]{36}|https://[^/?#@\s]+/[^?#\s]+)$"
"""What a client ID is: a registration's GUID, or the address of a document."""


def client_document(url: str) -> dict[str, object]:
    """Return the document to publish at `url`, for a client that signs in with a browser of this machine.

    Raises:
        ValueError: the address is not https, or has no path, or a query.
    """
    if not url.startswith("https://") or not re.fullmatch(CLIENT_ID, url):
        raise ValueError("a client's document has an https address with a path, without query and fragment")
    return {
        "client_id": url,
        "client_name": "mcpsecurity chat",
        "redirect_uris": ["http://localhost"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
    }
