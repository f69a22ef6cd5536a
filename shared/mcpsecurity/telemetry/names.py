"""The names that client and server both use in traces."""

from hashlib import sha256


def session_attributes(version: str | None, session_id: str | None) -> dict[str, str]:
    """Return the attributes for the protocol's revision and the session of a request.

    In place of the session's id there is a digest of it: without authentication, the id is all that is
    needed to use the session.
    """
    attributes = {"mcp.protocol.version": version} if version else {}
    if session_id:
        digest = sha256(session_id.encode(errors="surrogateescape")).hexdigest()
        attributes["mcp.session.id"] = digest[:16]
    return attributes
