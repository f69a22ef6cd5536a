"""A Microsoft Entra ID tenant in memory that speaks the v2.0 endpoint's wire protocol."""

from mcpsecurity.localcloud.entra.defaults import default_directory
from mcpsecurity.localcloud.entra.directory import Directory
from mcpsecurity.localcloud.entra.keys import SigningKey, ensure_signing_key
from mcpsecurity.localcloud.entra.routes import add_identity_route, add_login_routes, add_tenant_routes
from mcpsecurity.localcloud.entra.tenant import Tenant, Urls

__all__ = [
    "Directory",
    "SigningKey",
    "Tenant",
    "Urls",
    "add_identity_route",
    "add_login_routes",
    "add_tenant_routes",
    "default_directory",
    "ensure_signing_key",
]
