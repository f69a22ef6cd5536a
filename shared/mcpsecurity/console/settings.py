"""Settings of the chat in a terminal."""

from pathlib import Path

from platformdirs import user_data_path
from pydantic import Field, SecretStr

from mcpsecurity.client.oauth import ClientId
from mcpsecurity.console.client_document import CLIENT_ID
from mcpsecurity.model_settings import ModelSettings
from mcpsecurity.settings import EntraScope, EntraSettings

LOCAL_SERVER = "http://localhost:7133/mcp"


def _default_cache() -> Path:
    return user_data_path("mcpsecurity") / "console-tokens.bin"


class TenantSettings(EntraSettings):
    """Who may sign in at which tenant, for the MCP server that is protected by it."""

    client_id: str = Field(
        validation_alias="CONSOLE_CLIENT_ID",
        pattern=CLIENT_ID,
        examples=["11111111-2222-4333-8444-555555555555"],
        description="Client ID of a public client's registration, with the redirect URI http://localhost; or "
        "the address of the console's client ID metadata document (`mcpsecurity chat --client-document`).",
    )
    scope: EntraScope = Field(
        validation_alias="MCP_SERVER_SCOPE",
        min_length=1,
        description="Scope to ask for, like api://<client id>/mcp:tools.",
    )


class ConsoleSettings(ModelSettings):
    """Which model to use, and which MCP server if the command names none."""

    mcp_url: str | None = Field(
        None,
        validation_alias="MCP_SERVER_URL",
        pattern=r"^https?://[^/?#]+(/[^/?#]+)+$",
        examples=["https://tools.contoso.com/mcp"],
        description="URL of the MCP endpoint, if the command names no server; none, with ENTRA_TENANT_ID: "
        f"{LOCAL_SERVER}.",
    )
    client_document: str | None = Field(
        None,
        validation_alias="CONSOLE_CLIENT_ID",
        description="If it is an address: that of the console's client ID metadata document, also for "
        "authorization servers of others that take such clients.",
    )
    oauth_client_id: str | None = Field(
        None,
        validation_alias="MCP_SERVER_OAUTH_CLIENT_ID",
        min_length=1,
        description="Client ID at the authorization server of an MCP server that does not use the tenant, if "
        "that lets no client register by itself; redirect URI http://127.0.0.1/callback, with any port.",
    )
    oauth_client_secret: SecretStr | None = Field(
        None,
        validation_alias="MCP_SERVER_OAUTH_CLIENT_SECRET",
        description="Secret of that client, if it has one.",
    )
    oauth_issuer: str | None = Field(
        None,
        validation_alias="MCP_SERVER_OAUTH_ISSUER",
        description="What the authorization server of an MCP server calls itself, if its document names "
        "another than the MCP server does, and its operator confirms that.",
    )
    token_cache: Path = Field(
        default_factory=_default_cache,
        validation_alias="CONSOLE_TOKEN_CACHE",
        description="File of the encrypted token cache; the key is the operating system's to keep.",
    )

    @property
    def client(self) -> ClientId | None:
        """The client at the authorization server of an MCP server, if one was registered by hand."""
        if self.oauth_client_id is None:
            return None
        secret = self.oauth_client_secret
        return ClientId(self.oauth_client_id, secret.get_secret_value() if secret is not None else None)
