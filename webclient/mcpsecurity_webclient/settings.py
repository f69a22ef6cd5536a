"""Settings of the web chat."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from yarl import URL

from mcpsecurity.model_list import ModelListSettings
from mcpsecurity.settings import ClientSecret, CredentialFile, EntraScope, EntraSettings, MetricsPort, WebUrl
from mcpsecurity_webclient.server_settings import URL_PATTERN, GrantScope, McpServerSettings
from mcpsecurity_webclient.store.engine import database_url

__all__ = ["McpServerSettings", "WebSettings"]

_MAX_PROMPT = 20_000
_DEFAULT: dict[str, Any] = {"name": "Tools", "title": "Secure MCP server", "asks": True}
"""Defaults of the default server; its entry may override them."""


class WebSettings(EntraSettings, ModelListSettings):
    """The settings of the web chat."""

    url: WebUrl = Field(
        "http://localhost:5001",
        validation_alias="WEBCLIENT_URL",
        pattern=r"^https?://[^/]+/?$",
        examples=["https://chat.contoso.com"],
        description="Public base URL; redirects, cookies and the Origin check go by it.",
    )
    host: str = Field("127.0.0.1", validation_alias="WEBCLIENT_HOST", description="Address to listen on.")
    port: int = Field(
        5001, ge=0, le=65535, validation_alias="WEBCLIENT_PORT", description="Port to listen on."
    )
    metrics_host: str = Field(
        "127.0.0.1",
        validation_alias="WEBCLIENT_METRICS_HOST",
        description="Address on which Prometheus reads metrics.",
    )
    metrics_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        validation_alias="WEBCLIENT_METRICS_PORT",
        description="Port for Prometheus, with /metrics and nothing else; worker N has N added. None: off.",
    )
    client_id: str = Field(
        validation_alias="WEBCLIENT_CLIENT_ID",
        pattern=r"^[0-9a-fA-F-]{36}$",
        examples=["11111111-2222-4333-8444-555555555555"],
        description="Application (client) ID of the web application's registration.",
    )
    client_secret: ClientSecret | None = Field(
        None,
        validation_alias="WEBCLIENT_CLIENT_SECRET",
        description="Its client secret, or use a certificate.",
    )
    certificate_file: CredentialFile | None = Field(
        None,
        validation_alias="WEBCLIENT_CERTIFICATE_FILE",
        description="PEM file with private key and certificate, instead of a secret.",
    )
    mcp_server_url: WebUrl = Field(
        "http://localhost:7133/mcp",
        validation_alias="MCP_SERVER_URL",
        pattern=URL_PATTERN,
        examples=["https://tools.contoso.com/mcp"],
        description="MCP endpoint of the default server.",
    )
    mcp_server_scope: EntraScope | None = Field(
        None,
        validation_alias="MCP_SERVER_SCOPE",
        description="Scope for that server, such as api://CLIENT-ID/mcp:tools; none: no token is sent.",
    )
    more_servers: tuple[McpServerSettings, ...] = Field(
        (),
        validation_alias="WEBCLIENT_MCP_SERVERS",
        examples=['[{"name": "wiki", "url": "https://wiki.contoso.com/mcp"}]'],
        description="Further MCP servers: a JSON list of objects with name, url, scope, headers, sign_in, "
        "client_id, client_secret, issuer, title, timeout, asks, trust_annotations, include, exclude, "
        "always_ask, never_ask, refuse, roles. An object with the name Tools, and without url and scope, "
        "says these things of the default server.",
    )
    approval_timeout: float = Field(
        120.0, gt=0, le=3600, validation_alias="WEBCLIENT_APPROVAL_TIMEOUT",
        description="Seconds until a tool call that nobody decides expires.",
    )  # fmt: skip
    elicitation_timeout: float = Field(
        120.0, gt=0, le=3600, validation_alias="WEBCLIENT_ELICITATION_TIMEOUT",
        description="Seconds until a server's question that nobody answers is cancelled.",
    )  # fmt: skip
    longest_wait: float = Field(
        3600.0, gt=0, le=86400, validation_alias="WEBCLIENT_LONGEST_WAIT",
        description="Seconds that a tool call or a question waits at most, however often the person asks for "
        "more time.",
    )  # fmt: skip
    session_idle: float = Field(
        3600.0,
        gt=0,
        validation_alias="WEBCLIENT_SESSION_IDLE",
        description="Seconds until an unused session ends.",
    )
    session_lifetime: float = Field(
        8 * 3600.0,
        gt=0,
        validation_alias="WEBCLIENT_SESSION_LIFETIME",
        description="Seconds until any session ends.",
    )
    connection_idle: float = Field(
        300.0,
        gt=0,
        validation_alias="WEBCLIENT_CONNECTION_IDLE",
        description="Seconds until an unused conversation's connections to the MCP servers are closed.",
    )
    max_rounds: int = Field(
        12, ge=1, le=100, validation_alias="WEBCLIENT_MAX_ROUNDS",
        description="How often in one answer the model may call tools.",
    )  # fmt: skip
    max_message: int = Field(
        20_000, ge=1, validation_alias="WEBCLIENT_MAX_MESSAGE", description="Longest message, in characters."
    )
    max_chats: int = Field(
        50, ge=1, validation_alias="WEBCLIENT_MAX_CHATS", description="Most open conversations of one person."
    )
    commands_per_minute: float = Field(
        1200.0, gt=0, validation_alias="WEBCLIENT_COMMANDS_PER_MINUTE",
        description="Most commands of one person in a minute, all sessions together.",
    )  # fmt: skip
    max_runs: int = Field(
        10, ge=1, validation_alias="WEBCLIENT_MAX_RUNS",
        description="Most answers for one person that are written at the same time.",
    )  # fmt: skip
    stop_grace: float = Field(
        2.0, ge=0, le=600, validation_alias="WEBCLIENT_STOP_GRACE",
        description="Seconds that answers get to come to their end when the chat is told to stop.",
    )  # fmt: skip
    replica_host: str = Field(
        "127.0.0.1", validation_alias="WEBCLIENT_REPLICA_HOST",
        description="With Redis: address for the other replicas; default: all are on one machine.",
    )  # fmt: skip
    replica_port: int = Field(
        0, ge=0, le=65535, validation_alias="WEBCLIENT_REPLICA_PORT",
        description="With Redis: port for the other replicas; 0: a free one.",
    )  # fmt: skip
    database_url: SecretStr | None = Field(
        None, validation_alias="WEBCLIENT_DATABASE_URL",
        description="Where conversations are kept: sqlite:///FILE, sqlite:// (in memory) or postgresql://…; "
        "none: a file in the user's data folder.",
    )  # fmt: skip
    retention_days: float | None = Field(
        None, gt=0, validation_alias="WEBCLIENT_RETENTION_DAYS",
        description="Days without use after which a conversation is deleted; none: never.",
    )  # fmt: skip
    max_streams: int = Field(
        20, ge=1, validation_alias="WEBCLIENT_MAX_STREAMS", description="Most open pages of one session."
    )
    system_prompt: str | None = Field(
        None,
        max_length=_MAX_PROMPT,
        validation_alias="WEBCLIENT_SYSTEM_PROMPT",
        description="What the model is told first; {date}, {language} and {time_zone} stand for the date "
        "where the person is, the language of the browser (like de-CH) and the time zone (like "
        "Europe/Zurich). None: that it helps, briefly, with tools that the person approves, and these three.",
    )
    system_prompt_file: Path | None = Field(
        None,
        validation_alias="WEBCLIENT_SYSTEM_PROMPT_FILE",
        description="File with this text, instead.",
    )
    max_tools: int = Field(
        128, ge=8, le=128, validation_alias="WEBCLIENT_MAX_TOOLS",
        description="Most tools that the model is given at a time; it searches for the rest.",
    )  # fmt: skip
    grants: tuple[GrantScope, ...] = Field(
        ("arguments", "chat", "person"),
        validation_alias="WEBCLIENT_GRANTS",
        examples=['["arguments", "chat"]'],
        description="What people may allow to run without asking, a JSON list: a tool with its arguments "
        "(arguments), in a chat (chat), always (person). []: nothing.",
    )
    sampling: bool = Field(
        False,
        validation_alias="WEBCLIENT_SAMPLING",
        description="Whether servers may ask to use the model, each time with the person's approval.",
    )

    bundled: bool = Field(
        True,
        validation_alias="WEBCLIENT_BUNDLED",
        description="Serve the page's modules joined (`make bundle`). False: one by one, for work on them.",
    )

    @field_validator("url")
    @classmethod
    def _no_slash(cls, url: str) -> str:
        return url.rstrip("/")

    @field_validator("more_servers", mode="before")
    @classmethod
    def _may_have_the_default_server(cls, given: Any, info: ValidationInfo) -> Any:
        """Fill an entry for the default server with the values of MCP_SERVER_URL and MCP_SERVER_SCOPE."""
        if not isinstance(given, list | tuple):
            return given
        url, scope = (info.data.get(name) for name in ("mcp_server_url", "mcp_server_scope"))
        entries: list[Any] = []
        for entry in given:
            if not isinstance(entry, dict) or entry.get("name") != _DEFAULT["name"]:
                entries.append(entry)
                continue
            if {"url", "scope"} & entry.keys():
                raise ValueError("Tools is the default server: MCP_SERVER_URL and MCP_SERVER_SCOPE say where")
            entries.append({**_DEFAULT, "url": url or "http://unknown", "scope": scope, **entry})
        return entries

    @field_validator("system_prompt_file")
    @classmethod
    def _has_text(cls, path: Path | None) -> Path | None:
        if path is not None:
            _read_prompt(path)
        return path

    @field_validator("database_url")
    @classmethod
    def _is_database(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and database_url(url.get_secret_value()).get_backend_name() == "postgresql":
            _need("asyncpg")
        return url

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        given = [self.client_secret, self.certificate_file, self.client_identity]
        if sum(credential is not None for credential in given[:2]) > 1 or not any(given):
            raise ValueError(
                "WEBCLIENT_CLIENT_SECRET: set either this, or WEBCLIENT_CERTIFICATE_FILE, or "
                "ENTRA_CLIENT_IDENTITY"
            )
        return self

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [server.name for server in self.servers]
        if len(set(names)) != len(names):
            raise ValueError("WEBCLIENT_MCP_SERVERS: two servers have the same name")
        plugins: dict[str, str] = {}
        for server in self.servers:
            other = plugins.setdefault(server.plugin_name, server.name)
            if other != server.name:
                raise ValueError(
                    f"WEBCLIENT_MCP_SERVERS: the names {other} and {server.name} differ only in - and _, "
                    "which a model cannot tell apart"
                )
        return self

    @property
    def system_prompt_text(self) -> str | None:
        """What the model is told first, if it is set. Reads the file."""
        return _read_prompt(self.system_prompt_file) if self.system_prompt_file else self.system_prompt

    @property
    def database(self) -> str:
        """Address of the conversations' database."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{user_data_path('mcpsecurity') / 'conversations.sqlite3'}"

    @property
    def metrics(self) -> MetricsPort | None:
        """Where Prometheus reads metrics."""
        return MetricsPort.of(self.metrics_host, self.metrics_port, "WEBCLIENT_METRICS_PORT")

    @property
    def secure(self) -> bool:
        """Whether people reach the chat by https."""
        return self.url.startswith("https://")

    @property
    def origin(self) -> str:
        """The origin of its pages."""
        return str(URL(self.url).origin())

    @property
    def redirect_uri(self) -> str:
        """Where Entra ID sends people back to."""
        return f"{self.url}/signin-oidc"

    @property
    def servers(self) -> tuple[McpServerSettings, ...]:
        """All MCP servers, the default one first."""
        usual = McpServerSettings(**_DEFAULT, url=self.mcp_server_url, scope=self.mcp_server_scope)
        default = next((server for server in self.more_servers if server.name == usual.name), usual)
        return (default, *(server for server in self.more_servers if server is not default))


def _read_prompt(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(_MAX_PROMPT + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError("this file cannot be read as UTF-8 text") from error
    if not text.strip() or len(text) > _MAX_PROMPT:
        raise ValueError(f"the file has to have a text of at most {_MAX_PROMPT} characters")
    return text


def _need(module: str) -> None:
    if find_spec(module) is None:
        raise ValueError("this needs further packages: pip install 'mcpsecurity[scale]'")
