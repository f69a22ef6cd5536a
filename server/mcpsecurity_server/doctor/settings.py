"""The settings of all services. None is required: a missing one is a finding, not an error."""

import json
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, field_validator

from mcpsecurity.model_list import ModelListSettings
from mcpsecurity.model_settings import ModelKeys, ModelSettings
from mcpsecurity.settings import Settings, settings_of


class DoctorSettings(ModelKeys):
    """Read like the services' settings, from the environment and `.env`."""

    authority: str = Field("https://login.microsoftonline.com", validation_alias="ENTRA_AUTHORITY")
    tenant_id: str = Field("", validation_alias="ENTRA_TENANT_ID")
    issuer: str | None = Field(None, validation_alias="ENTRA_ISSUER")
    client_identity: str | None = Field(None, validation_alias="ENTRA_CLIENT_IDENTITY")

    mcp_url: str = Field("http://localhost:7133/mcp", validation_alias="MCP_SERVER_URL")
    api_client_id: str = Field("", validation_alias="MCP_SERVER_CLIENT_ID")
    api_client_secret: SecretStr | None = Field(None, validation_alias="MCP_SERVER_CLIENT_SECRET")
    api_certificate_file: Path | None = Field(None, validation_alias="MCP_SERVER_CLIENT_CERTIFICATE_FILE")
    scope: str = Field("", validation_alias="MCP_SERVER_SCOPE")

    webclient_url: str = Field("http://localhost:5001", validation_alias="WEBCLIENT_URL")
    web_client_id: str = Field("", validation_alias="WEBCLIENT_CLIENT_ID")
    web_client_secret: SecretStr | None = Field(None, validation_alias="WEBCLIENT_CLIENT_SECRET")
    web_certificate_file: Path | None = Field(None, validation_alias="WEBCLIENT_CERTIFICATE_FILE")

    more_servers: Any = Field(None, validation_alias="WEBCLIENT_MCP_SERVERS", repr=False)
    listed_models: Any = Field(None, validation_alias="WEBCLIENT_MODELS", repr=False)

    @field_validator("more_servers", "listed_models", mode="before")
    @classmethod
    def _read_list(cls, given: Any) -> Any:
        """Read a list from the environment. Text that is not JSON stays as it is; the check reports it."""
        try:
            return json.loads(given) if isinstance(given, str) else given
        except ValueError:
            return given

    def check_models(self) -> dict[str, ModelSettings]:
        """Return the settings of each model by its name, checked; none if none is set.

        Raises:
            SettingsError: a model cannot be asked with them; each line begins with the key to change.
        """
        names = ModelKeys.model_fields.keys() - Settings.model_fields.keys()
        values = {name: value for name in names if (value := getattr(self, name)) not in (None, "")}
        if self.listed_models:
            return settings_of(ModelListSettings, **values, listed_models=self.listed_models).models
        if not (self.azure_openai_endpoint or self.openai_base_url or self.openai_api_key):
            return {}
        one = settings_of(ModelSettings, **values)
        return {one.model_name: one}
