"""A server in the MCP SDK 2 that verifies access tokens itself, by the settings in its environment."""

import os
import ssl

import jwt
import uvicorn
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from pydantic import AnyHttpUrl

ISSUER = os.environ["ENTRA_ISSUER"]
URL = os.environ["MCP_SERVER_URL"]


class EntraVerifier:
    """Verifies access tokens of the tenant."""

    def __init__(self) -> None:
        tls = ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE"))
        self._keys = jwt.PyJWKClient(os.environ["ENTRA_JWKS_URI"], ssl_context=tls)

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return what a token says, or None if it is not good."""
        try:
            key = self._keys.get_signing_key_from_jwt(token).key
            audience = os.environ["MCP_SERVER_AUDIENCE"]
            claims = jwt.decode(token, key, algorithms=["RS256"], audience=audience, issuer=ISSUER)
        except jwt.PyJWTError:
            return None
        scopes = claims.get("scp", "").split()
        return AccessToken(
            token=token, client_id=claims["azp"], scopes=scopes, expires_at=claims["exp"], claims=claims
        )


mcp = MCPServer(
    "Greeter",
    token_verifier=EntraVerifier(),
    auth=AuthSettings(
        issuer_url=AnyHttpUrl(ISSUER), resource_server_url=AnyHttpUrl(URL), required_scopes=["mcp:tools"]
    ),
)


@mcp.tool()
def greet() -> str:
    """Greet the caller by name."""
    token = get_access_token()
    return f"Hello, {(token.claims or {}).get('name') if token else 'stranger'}"


if __name__ == "__main__":
    uvicorn.run(mcp.streamable_http_app(), port=int(os.environ["PORT"]), log_level="error", access_log=False)
