"""The settings of all services. None is required: a missing one is a finding, not an error."""

from pathlib import Path

from pydantic import Field, SecretStr

from mcpsecurity.settings import Settings

__all__ = ["DoctorSettings"]


class DoctorSettings(Settings):
    """Read like the services' settings, from the environment and `.env`."""

    authority: str = Field("https://login.microsoftonline.com", validation_alias="ENTRA_AUTHORITY")
    tenant_id: str = Field("", validation_alias="ENTRA_TENANT_ID")

    mcp_url: str = Field("http://localhost:7133/mcp", validation_alias="MCP_SERVER_URL")
    api_client_id: str = Field("", validation_alias="MCP_SERVER_CLIENT_ID")
    api_client_secret: SecretStr | None = Field(None, validation_alias="MCP_SERVER_CLIENT_SECRET")
    api_certificate_file: Path | None = Field(None, validation_alias="MCP_SERVER_CLIENT_CERTIFICATE_FILE")
    scope: str = Field("", validation_alias="MCP_SERVER_SCOPE")

    webclient_url: str = Field("http://localhost:5001", validation_alias="WEBCLIENT_URL")
    web_client_id: str = Field("", validation_alias="WEBCLIENT_CLIENT_ID")
    web_client_secret: SecretStr | None = Field(None, validation_alias="WEBCLIENT_CLIENT_SECRET")
    web_certificate_file: Path | None = Field(None, validation_alias="WEBCLIENT_CERTIFICATE_FILE")

    model_endpoint: str = Field("", validation_alias="AZURE_OPENAI_ENDPOINT")
    model_deployment: str = Field("", validation_alias="AZURE_OPENAI_CHAT_DEPLOYMENT_NAME")
    model_key: SecretStr | None = Field(None, validation_alias="AZURE_OPENAI_API_KEY")
    model_api_version: str = Field("2024-10-21", validation_alias="AZURE_OPENAI_API_VERSION")
    model_token_scope: str = Field("", validation_alias="AZURE_OPENAI_TOKEN_SCOPE")
    model_authority_host: str = Field("", validation_alias="AZURE_AUTHORITY_HOST")
