"""Settings of the MCP server. Every key is documented in docs/configuration.md."""

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import NoDecode
from yarl import URL

from mcpsecurity.settings import ClientSecret, CredentialFile, EntraSettings, MetricsPort, Settings
from mcpsecurity_server.access_settings import GUID, AccessSettings, Words, split_words

__all__ = ["LOOPBACK_HOSTS", "ApprovalPolicy", "ServerSettings", "Words"]

ApprovalPolicy = Literal["when-supported", "required", "never"]

MIN_STATE_KEY_BYTES = 32
"""The shortest key that the transport accepts."""

_URI = re.compile(r"[a-z][a-z0-9+.-]*:[^\s]+", re.IGNORECASE)

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})


class _Openness(Settings):
    """The last base class: its field is validated first, because the others depend on it."""

    no_auth: bool = Field(
        False,
        validation_alias="MCP_SERVER_NO_AUTH",
        description="Serve without authentication; only on a loopback address.",
    )


class ServerSettings(AccessSettings, EntraSettings, _Openness):
    """Settings of the server. With `no_auth` the identity settings may be empty."""

    url: str = Field(
        "http://localhost:7133/mcp",
        validation_alias="MCP_SERVER_URL",
        pattern=r"^https?://[^/?#]+(/[^/?#]+)+$",
        examples=["https://tools.contoso.com/mcp"],
        description="Public URL of the MCP endpoint, exactly as clients call it: no trailing slash.",
    )
    host: str = Field("127.0.0.1", validation_alias="MCP_SERVER_HOST", description="Address to listen on.")
    port: int = Field(
        7133, validation_alias="MCP_SERVER_PORT", ge=0, le=65535, description="Port to listen on."
    )

    metrics_host: str = Field(
        "127.0.0.1",
        validation_alias="MCP_SERVER_METRICS_HOST",
        description="Address on which Prometheus reads metrics.",
    )
    metrics_port: int | None = Field(
        None,
        validation_alias="MCP_SERVER_METRICS_PORT",
        ge=1,
        le=65535,
        description="Port for Prometheus, with /metrics and nothing else; worker N has N added. None: off.",
    )

    tenant_id: str = Field(
        "",
        validation_alias="ENTRA_TENANT_ID",
        validate_default=True,
        examples=["11111111-2222-4333-8444-555555555555"],
        description="Directory (tenant) ID, a GUID.",
    )
    client_id: str = Field(
        "",
        validation_alias="MCP_SERVER_CLIENT_ID",
        validate_default=True,
        examples=["11111111-2222-4333-8444-555555555555"],
        description="Application (client) ID of the API's registration, a GUID: the audience of tokens.",
    )
    app_id_uri: str = Field(
        "",
        validation_alias="MCP_SERVER_APP_ID_URI",
        description="Application ID URI of the registration; default api://<client id>. Several have blanks "
        "between: scopes are advertised below MCP_SERVER_URL if it is among them, else below the first.",
    )
    accept_v1_tokens: bool = Field(
        False,
        validation_alias="MCP_SERVER_ACCEPT_V1_TOKENS",
        description="Whether version 1.0 access tokens are accepted besides 2.0.",
    )
    own_signing_keys: bool = Field(
        False,
        validation_alias="MCP_SERVER_OWN_SIGNING_KEYS",
        description="Whether the registration has signing keys of its own, published only for its ID (claims "
        "mapping).",
    )
    token_leeway: float = Field(
        60.0,
        validation_alias="MCP_SERVER_TOKEN_LEEWAY",
        ge=0,
        le=300,
        description="Clock difference to the tenant that is tolerated, in seconds.",
    )
    token_memory: int = Field(
        10_000,
        validation_alias="MCP_SERVER_TOKEN_MEMORY",
        ge=0,
        description="How many validated tokens are remembered; 0 validates every time.",
    )

    max_body_bytes: int = Field(
        4 * 1024 * 1024,
        validation_alias="MCP_SERVER_MAX_BODY_BYTES",
        ge=1024,
        description="Longest request body that is read.",
    )
    max_sessions: int = Field(
        10_000,
        validation_alias="MCP_SERVER_MAX_SESSIONS",
        ge=1,
        description="How many sessions are held; one more is answered 503.",
    )
    session_idle_seconds: float = Field(
        1800.0,
        validation_alias="MCP_SERVER_SESSION_IDLE_SECONDS",
        gt=0,
        description="How long a session without an open request or stream lives on.",
    )

    approval: ApprovalPolicy = Field(
        "when-supported",
        validation_alias="MCP_SERVER_APPROVAL",
        description="Whether tools ask before they act: when-supported by the client, required, never.",
    )
    answer_timeout: float = Field(
        300.0,
        validation_alias="MCP_SERVER_ANSWER_TIMEOUT",
        gt=0,
        le=3600,
        description="Seconds after which a tool that asks a person gives up.",
    )
    calls_per_minute: float | None = Field(
        None,
        gt=0,
        validation_alias="MCP_SERVER_CALLS_PER_MINUTE",
        description="Most tool calls of a person by a client in a minute; none: no limit.",
    )
    state_keys: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(split_words)] = Field(
        (),
        validation_alias="MCP_SERVER_STATE_KEYS",
        description="Secrets of 32 characters or more that seal the state of a call while it asks a person "
        "(revision 2026-07-28); the first seals, all open. Several processes need the same; default: one "
        "that only this process has.",
    )
    allowed_origins: Words = Field(
        (),
        validation_alias="MCP_SERVER_ALLOWED_ORIGINS",
        description="Web origins that may call from a browser; empty: none but the server's own.",
    )
    allowed_hosts: Words = Field(
        (),
        validation_alias="MCP_SERVER_ALLOWED_HOSTS",
        description="Host header values to accept besides that of MCP_SERVER_URL.",
    )
    trusted_proxies: int = Field(
        0,
        validation_alias="MCP_SERVER_TRUSTED_PROXIES",
        ge=0,
        le=10,
        description="Number of reverse proxies in front, whose X-Forwarded headers are believed.",
    )

    forecast_url: str = Field(
        "https://api.open-meteo.com",
        validation_alias="OPEN_METEO_FORECAST_URL",
        pattern=r"^https?://[^/?#]+$",
        examples=["https://api.open-meteo.com"],
        description="Origin of the Open-Meteo forecast API.",
    )
    geocoding_url: str = Field(
        "https://geocoding-api.open-meteo.com",
        validation_alias="OPEN_METEO_GEOCODING_URL",
        pattern=r"^https?://[^/?#]+$",
        examples=["https://geocoding-api.open-meteo.com"],
        description="Origin of the Open-Meteo geocoding API.",
    )

    client_secret: ClientSecret | None = Field(
        None,
        validation_alias="MCP_SERVER_CLIENT_SECRET",
        description="Secret of the API's app registration; turns on get_my_profile (on-behalf-of).",
    )
    client_certificate_file: CredentialFile | None = Field(
        None,
        validation_alias="MCP_SERVER_CLIENT_CERTIFICATE_FILE",
        description="PEM file with private key and certificate, instead of the secret.",
    )
    graph_url: str = Field(
        "https://graph.microsoft.com",
        validation_alias="MICROSOFT_GRAPH_URL",
        pattern=r"^https://[^/?#]+$",
        examples=["https://graph.microsoft.com"],
        description="Origin of Microsoft Graph.",
    )

    @property
    def metrics(self) -> MetricsPort | None:
        """Where Prometheus reads metrics."""
        return MetricsPort.of(self.metrics_host, self.metrics_port, "MCP_SERVER_METRICS_PORT")

    @property
    def origin(self) -> URL:
        """Scheme and host of the public URL."""
        return URL(self.url).origin()

    @property
    def path(self) -> str:
        """Path of the MCP endpoint."""
        return URL(self.url).path

    @property
    def identifier_uri(self) -> str:
        """Application ID URI below which scopes are advertised: the public URL, if it is one of them."""
        return self.url if self.url in self.identifier_uris else self.identifier_uris[0]

    @property
    def identifier_uris(self) -> tuple[str, ...]:
        """Application ID URIs, configured or Entra's default."""
        return tuple(self.app_id_uri.split()) or (f"api://{self.client_id}",)

    def full_scope(self, name: str) -> str:
        """Return a permission as clients request it: with the Application ID URI in front."""
        return f"{self.identifier_uri}/{name}"

    @field_validator("tenant_id", "client_id")
    @classmethod
    def _is_guid_unless_open(cls, value: str, info: ValidationInfo) -> str:
        if not value and info.data.get("no_auth"):
            return value
        if not value:
            raise PydanticCustomError("missing", "Field required")
        if not GUID.fullmatch(value):
            raise PydanticCustomError("guid", "Must be a GUID")
        return value.lower()

    @field_validator("url", "authority", "forecast_url", "geocoding_url", "graph_url")
    @classmethod
    def _is_url(cls, value: str) -> str:
        try:
            URL(value).origin()
        except ValueError:
            raise PydanticCustomError("url", "this is no URL with a host") from None
        return value

    @field_validator("app_id_uri")
    @classmethod
    def _are_uris(cls, value: str) -> str:
        if any(uri.endswith("/") or not _URI.match(uri) for uri in value.split()):
            raise PydanticCustomError(
                "uris",
                "write it like api://CLIENT-ID or https://mcp.contoso.com/mcp, without a slash at its end",
            )
        return value

    @field_validator("host")
    @classmethod
    def _is_loopback_if_open(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("no_auth") and value not in LOOPBACK_HOSTS:
            raise PydanticCustomError(
                "loopback", "write 127.0.0.1, ::1 or localhost, as there is no authentication"
            )
        return value

    @field_validator("state_keys")
    @classmethod
    def _are_long(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(len(key.get_secret_value().encode()) < MIN_STATE_KEY_BYTES for key in value):
            raise PydanticCustomError("key", "write secrets of at least 32 characters each")
        if len({key.get_secret_value() for key in value}) != len(value):
            raise PydanticCustomError("key", "write different secrets")
        return value
