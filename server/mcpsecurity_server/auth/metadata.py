"""Protected resource metadata (RFC 9728): how a client finds out where to sign in and what to ask for."""

from collections.abc import Sequence

import orjson
from aiohttp import web
from yarl import URL

__all__ = ["WELL_KNOWN", "add_metadata_routes", "metadata_url", "protected_resource_metadata"]

WELL_KNOWN = "/.well-known/oauth-protected-resource"


def metadata_url(resource: str) -> str:
    """Return where the metadata of a resource, the MCP endpoint's public URL, is: RFC 9728, section 3.1."""
    url = URL(resource)
    return str(url.origin().with_path(WELL_KNOWN + url.path))


def protected_resource_metadata(
    resource: str, issuers: Sequence[str], scopes: Sequence[str]
) -> dict[str, object]:
    """Return the document. `scopes` are full names; `offline_access` is a client's own affair."""
    return {
        "resource": resource,
        "authorization_servers": list(issuers),
        "scopes_supported": list(scopes),
        "bearer_methods_supported": ["header"],
        "resource_name": "Secure MCP server",
        "resource_documentation": str(URL(resource).origin().with_path("/health")),
    }


def add_metadata_routes(
    app: web.Application, resource: str, document: dict[str, object]
) -> list[web.AbstractRoute]:
    """Serve the document at the root's well-known path and at the one of the resource; return the routes."""
    body = orjson.dumps(document)

    async def serve(_: web.Request) -> web.Response:
        return web.Response(
            body=body, content_type="application/json", headers={"Cache-Control": "public, max-age=3600"}
        )

    paths = (WELL_KNOWN, WELL_KNOWN + URL(resource).path)
    return [app.router.add_get(path, serve) for path in paths]
