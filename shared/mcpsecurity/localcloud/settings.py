"""Settings of the local cloud."""

import os
from pathlib import Path

from pydantic import Field

from mcpsecurity.running_demo import default_folder
from mcpsecurity.settings import Settings, settings_of


class LocalCloudSettings(Settings):
    """Where the local cloud listens and keeps its keys, and the addresses of the services that use it."""

    host: str = Field(
        "127.0.0.1",
        validation_alias="LOCALCLOUD_HOST",
        pattern=r"^(127(\.\d{1,3}){3}|::1|localhost)$",
        description="Loopback address to listen on.",
    )
    https_port: int = Field(
        7443,
        ge=0,
        le=65535,
        validation_alias="LOCALCLOUD_HTTPS_PORT",
        description="Port of everything, https; 0 takes any free one.",
    )
    http_port: int = Field(
        7080,
        ge=0,
        le=65535,
        validation_alias="LOCALCLOUD_HTTP_PORT",
        description="Port of the login pages that a browser sees, http; 0 takes any free one.",
    )
    mcp_url: str = Field(
        "http://localhost:7133/mcp",
        validation_alias="LOCALCLOUD_MCP_URL",
        pattern=r"^https?://[^/]+(/.*)?$",
        description="Public URL of the MCP endpoint: an identifier URI of the API registration.",
    )
    webclient_url: str = Field(
        "http://localhost:5001",
        validation_alias="LOCALCLOUD_WEBCLIENT_URL",
        pattern=r"^https?://[^/]+/?$",
        description="Public base URL of the web client: its redirect URIs begin with it.",
    )
    model_pace: float = Field(
        0.02,
        ge=0,
        le=5,
        validation_alias="LOCALCLOUD_MODEL_PACE",
        description="Seconds between two words of the offline model's answer.",
    )
    folder: Path = Field(
        default_factory=default_folder,
        validation_alias="LOCALCLOUD_FOLDER",
        description="Folder of the development certificates and keys; made when missing.",
    )


def local_cloud_here() -> LocalCloudSettings:
    """Return where a local cloud of this machine is, by `LOCALCLOUD_…` of the environment.

    Nothing of a deployment that the environment or a `.env` describes plays a part.

    Raises:
        SettingsError: a value is refused.
    """
    keys = (str(field.validation_alias) for field in LocalCloudSettings.model_fields.values())
    ours = {key: os.environ[key] for key in keys if key.startswith("LOCALCLOUD_") and os.environ.get(key)}
    return settings_of(LocalCloudSettings, **ours)
