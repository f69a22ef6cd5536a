"""Discovery document and JWKS, in Entra's shape (OIDC Discovery 1.0, RFC 8414)."""

from typing import Any

from aiohttp import web

from mcpsecurity.localcloud.entra.ids import TENANT_ID
from mcpsecurity.localcloud.entra.tenant import Tenant

_HEADERS = {"Cache-Control": "max-age=86400, private", "Access-Control-Allow-Origin": "*"}
_TEMPLATE = "{tenantid}"  # what the issuer of the multi-tenant documents has for a tenant


def _document(tenant: Tenant, name: str) -> dict[str, Any]:
    https, http = f"{tenant.urls.https}/{name}", f"{tenant.urls.http}/{name}"
    issued_by = TENANT_ID if name == TENANT_ID else _TEMPLATE
    return {
        "issuer": f"{tenant.urls.https}/{issued_by}/v2.0",
        "authorization_endpoint": f"{http}/oauth2/v2.0/authorize",
        "token_endpoint": f"{https}/oauth2/v2.0/token",
        "device_authorization_endpoint": f"{https}/oauth2/v2.0/devicecode",
        "end_session_endpoint": f"{http}/oauth2/v2.0/logout",
        "jwks_uri": f"{https}/discovery/v2.0/keys",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "grant_types_supported": [
            "authorization_code", "refresh_token", "client_credentials",
            "urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:device_code",
        ],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "code_challenge_methods_supported": ["S256"],
        "client_id_metadata_document_supported": True,
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "token_endpoint_auth_methods_supported": [
            "client_secret_post",
            "client_secret_basic",
            "private_key_jwt",
        ],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256", "PS256"],
        "claims_supported": _CLAIMS,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
        "http_logout_supported": False,
        "frontchannel_logout_supported": False,
        "tenant_region_scope": "LOCAL",
        "cloud_instance_name": "localhost",
    }  # fmt: skip


_CLAIMS = [
    *("sub", "iss", "aud", "exp", "iat", "nbf", "nonce", "sid", "oid", "tid", "uti", "ver", "idp"),
    *("name", "preferred_username", "email", "login_hint"),
]


async def discovery(tenant: Tenant, request: web.Request) -> web.Response:
    """Answer with the metadata of the tenant, or of `common` and `organizations` with an issuer template."""
    document = _document(tenant, request.match_info["tenant"].lower()) | tenant.faults.metadata
    return web.json_response(
        {name: value for name, value in document.items() if value is not None},
        headers=_HEADERS,
    )


async def jwks(tenant: Tenant, _: web.Request) -> web.Response:
    """Answer with the public keys."""
    return web.json_response(
        {"keys": [key.jwk(tenant.issuer) for key in tenant.keys.published]}, headers=_HEADERS
    )
