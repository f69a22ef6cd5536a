"""The settings of all services. None is required: a missing one is a finding, not an error."""

from pathlib import Path

from pydantic import Field, SecretStr

from mcpsecurity.model_settings import ModelKeys, ModelSettings
from mcpsecurity.settings import Settings, settings_of

__all__ = ["DoctorSettings"]


class DoctorSettings(ModelKeys):
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

    def check_model(self) -> ModelSettings | None:
        """Return the model's settings, checked, or None if none is set.

        Raises:
            SettingsError: the model cannot be asked with them; each line begins with the key to change.
        """
        names = ModelKeys.model_fields.keys() - Settings.model_fields.keys()
        values = {name: value for name in names if (value := getattr(self, name)) not in (None, "")}
        if not (self.azure_openai_endpoint or self.openai_base_url or self.openai_api_key):
            return None
        return settings_of(ModelSettings, **values)
