"""An environment that is meant for something else: each of our settings, and more, cannot work there."""

from pathlib import Path

from mcpsecurity.localcloud import LocalCloudSettings
from mcpsecurity.settings import Settings
from mcpsecurity_server.settings import ServerSettings
from mcpsecurity_webclient.settings import WebSettings

__all__ = ["AMBIENT", "write_dotenv"]

_CLASSES: tuple[type[Settings], ...] = (LocalCloudSettings, ServerSettings, WebSettings)
_OTHERS = (
    "OTEL_TRACES_EXPORTER",
    "OTEL_METRICS_EXPORTER",
    "FASTMCP_PORT",
    "FASTMCP_LOG_LEVEL",
)


def _keys(alias: object) -> list[str]:
    return [str(key) for key in getattr(alias, "choices", [alias])]


AMBIENT = {
    **{
        key: "elsewhere"
        for cls in _CLASSES
        for field in cls.model_fields.values()
        for key in _keys(field.validation_alias)
    },
    **dict.fromkeys(_OTHERS, "elsewhere"),
    **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9"),
}
"""Environment variables and their values."""


def write_dotenv(folder: Path) -> None:
    """Write the same into a `.env`."""
    (folder / ".env").write_text("".join(f"{key}={value}\n" for key, value in AMBIENT.items()))
