"""Where a demo on this machine is reached: what its services are configured with."""

from mcpsecurity.localcloud import LocalCloud, local_cloud_here
from mcpsecurity.localcloud.entra.ids import TENANT_ID

_HTTPS, _MCP, _WEB = 7443, 7133, 5001


def demo_environment(offset: int = 0) -> dict[str, str]:
    """Return the environment variables of the demo whose ports are `offset` above the usual ones."""
    authority = f"https://localhost:{_HTTPS + offset}"
    return {
        "ENTRA_AUTHORITY": authority,
        "ENTRA_TENANT_ID": TENANT_ID,
        "MCPSECURITY_CA_FILE": str(local_cloud_here().folder / "ca.pem"),
        "MCP_SERVER_URL": f"http://localhost:{_MCP + offset}/mcp",
        "MCP_SERVER_CLIENT_ID": LocalCloud.api_client_id,
        "MCP_SERVER_SCOPE": LocalCloud.scope,
        "WEBCLIENT_URL": f"http://localhost:{_WEB + offset}",
        "WEBCLIENT_CLIENT_ID": LocalCloud.web_client_id,
        "WEBCLIENT_CLIENT_SECRET": LocalCloud.web_client_secret,
        "AZURE_OPENAI_ENDPOINT": authority,
        "AZURE_OPENAI_CHAT_DEPLOYMENT_NAME": LocalCloud.openai_deployment,
        "AZURE_OPENAI_API_KEY": LocalCloud.openai_api_key,
    }
