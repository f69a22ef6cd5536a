"""Settings of a service: read once from the environment, typed, frozen, and refused by name when wrong."""

import logging
import os
import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self, TypeVar

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings import SettingsError as UnreadableError
from yarl import URL

from mcpsecurity.env_file import lines_in
from mcpsecurity.redis.encryption import HOW_TO_MAKE_A_KEY, EncryptionKeys
from mcpsecurity.runtime.errors import SettingsError
from mcpsecurity.runtime.log import BatchedHandler, Fields, JsonFormatter
from mcpsecurity.setting_errors import example_of, key_of, misspelt, not_filled_in, refusal

__all__ = [
    "CertificateFile",
    "ClientSecret",
    "CredentialFile",
    "EntraScope",
    "EntraSettings",
    "MetricsPort",
    "Settings",
    "SettingsError",
    "WebUrl",
    "configure_logging",
    "load_settings",
    "settings_of",
]

_LEAST = {
    "msal": logging.INFO,  # below: personal data
    "semantic_kernel": logging.CRITICAL,  # below: arguments and results of calls; we log failures ourselves
    "mcp.client.streamable_http": logging.ERROR,  # below: session ids, results, servers that went first
    "azure": logging.CRITICAL,  # below: requests, and what a tenant answered; we log failures ourselves
    "aiosqlite": logging.INFO,  # below: each statement with its values
    "openai": logging.WARNING,  # below: whole requests
    "httpx": logging.WARNING,  # below: a line for each request
    "httpx2": logging.WARNING,
    "markdown_it": logging.INFO,  # below: each rule that is tried, at each piece of an answer
}
"""Least levels of libraries: below, they log what must not be in a log, or noise."""

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

LogFormat = Literal["text", "json"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
S = TypeVar("S", bound="Settings")


class MetricsPort(NamedTuple):
    """Where Prometheus reads metrics. `key` is the setting that says so."""

    host: str
    port: int
    key: str

    @classmethod
    def of(cls, host: str, port: int | None, key: str) -> "MetricsPort | None":
        """Return it, if there is a port."""
        return cls(host, port, key) if port is not None else None


def _has_certificates(file: Path) -> Path:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except OSError as error:  # ssl.SSLError is one
        raise ValueError(f"{_fault_of(error)}; name a PEM file with a certificate") from error
    return file


def _has_key_and_certificate(file: Path) -> Path:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(file, password="")
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{_fault_of(error)}; name a PEM file with a certificate and its private key, without a password"
        ) from error
    return file


def _fault_of(error: Exception) -> str:
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
        return f"the file cannot be read ({error.strerror})"
    return "the file has something else"


def _is_no_id(secret: SecretStr) -> SecretStr:
    if _GUID.fullmatch(secret.get_secret_value()):
        raise ValueError(
            "this is the ID of a secret; write its value, which Entra shows only when the secret is made "
            "(AADSTS7000215)"
        )
    return secret


def _names_its_api(scope: str) -> str:
    if "/" not in scope:
        raise ValueError(
            "write the scope with its API, like api://CLIENT-ID/mcp:tools; Entra takes one without for "
            "one of Microsoft Graph's (AADSTS650053)"
        )
    if len(scope.split()) > 1:
        raise ValueError("write one scope; openid, profile and offline_access are asked for without it")
    return scope


def _has_an_origin(url: str) -> str:
    try:
        URL(url).origin()
    except ValueError:
        raise PydanticCustomError("url", "this is no URL with a host") from None
    return url


CertificateFile = Annotated[Path, AfterValidator(_has_certificates)]
CredentialFile = Annotated[Path, AfterValidator(_has_key_and_certificate)]
ClientSecret = Annotated[SecretStr, AfterValidator(_is_no_id)]
EntraScope = Annotated[str, AfterValidator(_names_its_api)]
WebUrl = Annotated[str, AfterValidator(_has_an_origin)]


class _OurLines(DotEnvSettingsSource):
    """The lines of `.env`, less those that are named like a field instead of by its key."""

    def __call__(self) -> dict[str, Any]:
        return {
            key: value
            for key, value in super().__call__().items()
            if key not in self.settings_cls.model_fields
        }


class Settings(BaseSettings):
    """What every service has. Fields are set by environment key, a line of `.env`, or by name."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        env_file=".env",
        env_ignore_empty=True,
        validate_by_name=True,
        validate_by_alias=True,
        hide_input_in_errors=True,
        str_strip_whitespace=True,  # blanks that were copied with a value
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the hook's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Keep field names for code: in the environment only our keys count, not a stray HOST or PORT."""
        env_settings.config = {**env_settings.config, "validate_by_name": False}
        env_file = dotenv_settings.env_file if isinstance(dotenv_settings, DotEnvSettingsSource) else None
        return init_settings, env_settings, _OurLines(settings_cls, env_file)

    ca_file: CertificateFile | None = Field(
        None,
        validation_alias="MCPSECURITY_CA_FILE",
        description="PEM file of a certificate authority to trust besides the system, for outgoing TLS.",
    )
    redis_url: SecretStr | None = Field(
        None,
        validation_alias="MCPSECURITY_REDIS_URL",
        description="Redis that several replicas share, redis://… or rediss://…; none: one process only.",
    )
    keys: SecretStr | None = Field(
        None,
        validation_alias="MCPSECURITY_KEYS",
        description="Keys for the contents of Redis, separated by commas; the first encrypts, all decrypt.",
    )

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("it begins with redis://, rediss:// or unix://")
        if url is not None and find_spec("redis") is None:
            raise ValueError("this needs further packages: pip install 'mcpsecurity[scale]'")
        return url

    @field_validator("keys")
    @classmethod
    def _are_keys(cls, keys: SecretStr | None) -> SecretStr | None:
        if keys is not None:
            EncryptionKeys(keys.get_secret_value())
        return keys

    @model_validator(mode="after")
    def _redis_has_keys(self) -> Self:
        if self.redis_url is not None and self.keys is None:
            raise ValueError(
                f"MCPSECURITY_KEYS: MCPSECURITY_REDIS_URL needs it; make a key by: {HOW_TO_MAKE_A_KEY}"
            )
        return self

    log_level: LogLevel = Field(
        "INFO", validation_alias="MCPSECURITY_LOG_LEVEL", description="Least severity that is logged."
    )
    log_format: LogFormat = Field(
        "text",
        validation_alias="MCPSECURITY_LOG_FORMAT",
        description="How lines on stderr look: text for people, or json, one object a line.",
    )


class EntraSettings(Settings):
    """What a service that trusts a Microsoft Entra ID tenant has besides."""

    authority: str = Field(
        "https://login.microsoftonline.com",
        validation_alias="ENTRA_AUTHORITY",
        pattern=r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?$",
        examples=["https://login.microsoftonline.com"],
        description="Sign-in host of the cloud, without a tenant: https://HOST[:PORT].",
    )
    tenant_id: str = Field(
        validation_alias="ENTRA_TENANT_ID",
        pattern=r"^[0-9a-fA-F-]{36}$",
        examples=["11111111-2222-4333-8444-555555555555"],
        description="Directory (tenant) ID, a GUID.",
    )

    issuer: str | None = Field(
        None,
        validation_alias="ENTRA_ISSUER",
        pattern=r"^https://[A-Za-z0-9.:/-]+[^/]$",
        examples=["https://login.contoso.com/TENANT-ID/v2.0"],
        description="Issuer of the tenant's tokens, if it is not AUTHORITY/TENANT/v2.0: for External ID with "
        "a domain of your own, as its discovery document names it.",
    )
    client_identity: str | None = Field(
        None,
        validation_alias="ENTRA_CLIENT_IDENTITY",
        pattern=r"^(managed(:[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})?|workload)$",
        examples=["managed, managed:CLIENT-ID or workload"],
        description="Identity that Azure gives the service, in place of secrets: managed (system-assigned), "
        "managed:CLIENT-ID (user-assigned) or workload (Kubernetes).",
    )
    federated_token_file: Path | None = Field(
        None,
        validation_alias="AZURE_FEDERATED_TOKEN_FILE",
        description="File with the token of the workload identity; Azure's webhook sets it.",
    )
    workload_client_id: str | None = Field(
        None,
        validation_alias="AZURE_CLIENT_ID",
        description="Client ID of the workload identity, for Redis and PostgreSQL; Azure's webhook sets it.",
    )

    @model_validator(mode="after")
    def _workload_has_a_file(self) -> Self:
        if self.client_identity == "workload" and self.federated_token_file is None:
            raise ValueError("AZURE_FEDERATED_TOKEN_FILE: ENTRA_CLIENT_IDENTITY=workload needs it")
        return self


def load_settings(cls: type[S], **overrides: Any) -> S:
    """Build `cls` from the environment and `.env`; `overrides` win. `_env_file=None` leaves out the `.env`.

    Raises:
        SettingsError: a key is missing or misspelt, its value is refused or that of the example, or `.env`
            cannot be read. No value is part of the message.
    """
    env_file = overrides.get("_env_file", cls.model_config.get("env_file"))
    in_file = lines_in(Path(env_file)) if isinstance(env_file, str | Path) else {}
    given = {**in_file, **os.environ}
    wrong = [*misspelt(cls, given), *not_filled_in(cls, given)]
    try:
        with _named(cls):
            settings = cls(**overrides)
    except SettingsError as error:
        raise SettingsError("\n".join([str(error), *wrong])) from None
    if wrong:
        raise SettingsError("\n".join(wrong))
    return settings


def settings_of(cls: type[S], **values: Any) -> S:
    """Build `cls` from `values` alone, by field name or key: no environment and no `.env` plays a part.

    Raises:
        SettingsError: a value is missing or refused, or there is no such setting.
    """
    known = {*cls.model_fields, *(key_of(cls, (name,)) for name in cls.model_fields)}
    if unknown := sorted(values.keys() - known):
        raise SettingsError("\n".join(f"{name}: there is no such setting" for name in unknown))
    with _named(cls):
        return cls(_build_sources=((InitSettingsSource(cls, values),), values))


@contextmanager
def _named(cls: type[Settings]) -> Iterator[None]:
    """Have a refused value told by its key."""
    try:
        yield
    except ValidationError as error:
        found = error.errors(include_input=False)
        raise SettingsError("\n".join(refusal(cls, **refused) for refused in found)) from None
    except UnreadableError as error:  # its text names the field, and no value
        name = re.search(r'field "(\w+)"', str(error))
        key = key_of(cls, (name[1],) if name else ())
        example = example_of(cls, key)
        raise SettingsError(f"{key}: write JSON{f' like {example}' if example else ''}") from None


def configure_logging(level: str, form: LogFormat = "text", fields: Sequence[Fields] = ()) -> None:
    """Log to stderr, one line an event. Called by a service's start, never on import.

    `fields` give more for each line of `json`.
    """
    formatter = JsonFormatter(fields) if form == "json" else None
    logging.basicConfig(level=level, handlers=[BatchedHandler(formatter)], force=True)
    logging.captureWarnings(form == "json")  # as lines of JSON, too
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False  # no line names them
    for name, least in _LEAST.items():
        logging.getLogger(name).setLevel(max(least, logging.getLevelNamesMapping()[level]))
