"""A configuration that the doctor finds nothing wrong with, to be spoiled by tests."""

from typing import Any

from mcpsecurity.localcloud import LocalCloud
from mcpsecurity_server.doctor import Finding, examine
from mcpsecurity_server.doctor.settings import DoctorSettings

__all__ = ["WEBCLIENT_URL", "find", "server_of", "settings_of"]

WEBCLIENT_URL = "http://localhost:5001"


def server_of(cloud: LocalCloud) -> dict[str, Any]:
    """Return the settings of a server of the local tenant."""
    return {
        "authority": cloud.authority,
        "tenant_id": cloud.tenant_id,
        "client_id": cloud.api_client_id,
        "ca_file": cloud.ca_file,
    }


def settings_of(cloud: LocalCloud, url: str, **changes: Any) -> DoctorSettings:
    """Return settings for the local cloud and a server at `url`."""
    values: dict[str, Any] = {
        "authority": cloud.authority,
        "tenant_id": cloud.tenant_id,
        "ca_file": cloud.ca_file,
        "mcp_url": url,
        "api_client_id": cloud.api_client_id,
        "scope": cloud.scope,
        "webclient_url": WEBCLIENT_URL,
        "web_client_id": cloud.web_client_id,
        "web_client_secret": cloud.web_client_secret,
        "azure_openai_endpoint": cloud.openai_endpoint,
        "deployment": cloud.openai_deployment,
        "azure_openai_api_key": cloud.openai_api_key,
    }
    return DoctorSettings(**(values | changes))


async def find(check: str, settings: DoctorSettings) -> Finding:
    """Return the one finding of a check."""
    (found,) = [finding for finding in await examine(settings) if finding.check == check]
    return found
