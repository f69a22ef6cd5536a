"""Protected resource metadata (RFC 9728): tells clients where to sign in and which scopes to request."""

from collections.abc import Sequence

import orjson
from aiohttp import web
from yarl import URL

WELL_KNOWN = "/.well-known/oauth-protected-resource"


def metadata_url(resource: str) -> str:
    """Return the URL of the metadata of `resource`, the MCP endpoint's public URL (RFC 9728, section 3.1)."""
    url = URL(resource)
    return str(url.origin().with_path(WELL_KNOWN + url.path))


def protected_resource_metadata(
    resource: str, issuers: Sequence[str], scopes: Sequence[str]
) -> dict[str, object]:
    """Return the document. `scopes` are full names; clients add `offline_access` themselves."""
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
    """Serve the document at the well-known paths of the root and of the resource; return the routes."""
    body = orjson.dumps(document)

    async def serve(_: web.Request) -> web.Response:
        return web.Response(
            body=body, content_type="application/json", headers={"Cache-Control": "public, max-age=3600"}
        )

    paths = (WELL_KNOWN, WELL_KNOWN + URL(resource).path)
    return [app.router.add_get(path, serve) for path in paths]
