"""Settings of the chat model: Azure OpenAI, OpenAI, or any server that is compatible with OpenAI."""

import re
from typing import Any

from pydantic import (
    AliasChoices,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)

from mcpsecurity.model_endpoint import Api, ModelEndpoint, read_endpoint
from mcpsecurity.settings import Settings

_OPENAI = "https://api.openai.com/v1"

_NO_MODEL = (
    "no model is set; set this, or OPENAI_BASE_URL, or OPENAI_API_KEY, for example "
    "OPENAI_BASE_URL=http://localhost:11434/v1 and OPENAI_CHAT_MODEL_ID=qwen3"
)

_AUTHORITIES = {
    "login.microsoftonline.us": "us",
    "login.chinacloudapi.cn": "cn",
    "login.partner.microsoftonline.cn": "cn",
}
"""Sign-in hosts of the national clouds, and the last label of their services' names."""

_CREDENTIALS = frozenset({"authorization", "api-key", "ocp-apim-subscription-key", "x-api-key"})
"""Headers that say who asks."""

_FORMS = {
    "azure_openai_api_version": (
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}(-preview)?|v1|preview|latest",
        "write a version like 2024-12-01-preview",
    ),
    "azure_openai_token_scope": (
        r"[A-Za-z0-9._:/-]+",
        "write one scope, like https://cognitiveservices.azure.com/.default",
    ),
    "azure_authority_host": (
        r"(https://)?[A-Za-z0-9.-]+(:[0-9]{1,5})?/?",
        "write a host, like login.microsoftonline.us",
    ),
    "reasoning_effort": (r"[a-z]{1,16}", "write one word, like low, medium or high"),
}
"""What some fields look like, and what to write instead of anything else."""

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FRAMING = frozenset({"content-length", "content-type", "host", "transfer-encoding", "connection"})
_MAX_HEADERS = 32


class ModelKeys(Settings):
    """The keys of the model, as they are written; `ModelSettings` checks whether they lead to a model."""

    model_headers: dict[str, SecretStr] = Field(
        {},
        validation_alias="MCPSECURITY_MODEL_HEADERS",
        examples=['{"NAME": "VALUE"}'],
        description='Further headers of requests to the model, as JSON: {"NAME": "VALUE"}. If one is '
        "Authorization, api-key, x-api-key or Ocp-Apim-Subscription-Key, no key is needed.",
    )
    openai_base_url: str | None = Field(
        None,
        validation_alias="OPENAI_BASE_URL",
        validate_default=True,
        description="Base URL of a server that is compatible with OpenAI, like http://localhost:11434/v1; "
        "none, with OPENAI_API_KEY: api.openai.com.",
    )
    openai_api_key: SecretStr | None = Field(
        None,
        validation_alias="OPENAI_API_KEY",
        validate_default=True,
        description="Its key; a server on this machine needs none. Not used with AZURE_OPENAI_ENDPOINT.",
    )
    azure_openai_endpoint: str | None = Field(
        None,
        validation_alias="AZURE_OPENAI_ENDPOINT",
        validate_default=True,
        description="Endpoint of an Azure OpenAI resource, as the portal or Foundry shows it, like "
        "https://contoso.openai.azure.com/openai/v1/. Set this or OPENAI_BASE_URL.",
    )
    openai_model: str | None = Field(
        None,
        validation_alias="OPENAI_CHAT_MODEL_ID",
        validate_default=True,
        description="Name of the model, without Azure. Not used with AZURE_OPENAI_ENDPOINT.",
    )
    deployment: str | None = Field(
        None,
        validation_alias="AZURE_OPENAI_CHAT_DEPLOYMENT_NAME",
        validate_default=True,
        description="Name of the chat model's deployment on Azure.",
    )
    azure_openai_api_key: SecretStr | None = Field(
        None,
        validation_alias="AZURE_OPENAI_API_KEY",
        description="Key of the resource; none: DefaultAzureCredential.",
    )
    azure_openai_api_version: str | None = Field(
        None,
        validation_alias="AZURE_OPENAI_API_VERSION",
        description="Version of Azure's dated API, like 2024-12-01-preview; none: the v1 API.",
    )
    azure_openai_token_scope: str | None = Field(
        None,
        validation_alias="AZURE_OPENAI_TOKEN_SCOPE",
        description="Scope of the token that is sent without a key; none: that of the endpoint's cloud.",
    )
    azure_authority_host: str | None = Field(
        None,
        validation_alias="AZURE_AUTHORITY_HOST",
        description="Sign-in host of DefaultAzureCredential; none: the public cloud's.",
    )
    model_api: Api = Field(
        "auto",
        validation_alias="MCPSECURITY_MODEL_API",
        description="API that the model is asked by: responses, chat (Chat Completions), or auto: Responses "
        "where the endpoint has it; a refusal that names the other API is followed.",
    )
    reasoning_effort: str | None = Field(
        None,
        validation_alias="MCPSECURITY_MODEL_REASONING_EFFORT",
        description="How much a reasoning model thinks, like low, medium or high; none: the model's default.",
    )
    max_output_tokens: int | None = Field(
        None,
        ge=16,
        le=10_000_000,
        validation_alias="MCPSECURITY_MODEL_MAX_OUTPUT_TOKENS",
        description="Most tokens of an answer, thoughts included; none: the model's limit.",
    )
    temperature: float | None = Field(
        None,
        ge=0,
        le=2,
        validation_alias="MCPSECURITY_MODEL_TEMPERATURE",
        description="How varied answers are, 0 to 2; reasoning models take none. None: the model's default.",
    )
    model_timeout: float = Field(
        180.0,
        gt=0,
        le=600,
        validation_alias=AliasChoices("MCPSECURITY_MODEL_TIMEOUT", "WEBCLIENT_MODEL_TIMEOUT"),
        description="Seconds a model may be silent.",
    )
    context_window: int | None = Field(
        None,
        ge=2048,
        le=100_000_000,
        validation_alias="MCPSECURITY_MODEL_CONTEXT_WINDOW",
        description="How many tokens the model reads and writes for one answer; none: what the endpoint's "
        "list of models tells, else known for the names of usual models, else careful guesses that the "
        "model's refusals correct.",
    )
    model_images: bool | None = Field(
        None,
        validation_alias="MCPSECURITY_MODEL_IMAGES",
        description="Whether the model sees pictures; none: what the endpoint's list of models tells, else "
        "known for the names of usual models.",
    )


class ModelSettings(ModelKeys):
    """Which model to use, and with which identity. AZURE_OPENAI_ENDPOINT counts before OPENAI_API_KEY; two
    addresses are refused."""

    @field_validator("model_headers")
    @classmethod
    def _can_be_sent(cls, headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
        if len(headers) > _MAX_HEADERS:
            raise ValueError(f"these are more than {_MAX_HEADERS} headers")
        for name, value in headers.items():
            if not _HEADER.fullmatch(name) or name.lower() in _FRAMING:
                raise ValueError("one of the names is not that of a header that may be set")
            if not re.fullmatch(r"[\x20-\x7e]*", value.get_secret_value()):
                raise ValueError("one of the values has characters that a header does not take")
        return headers

    @field_validator("openai_base_url")
    @classmethod
    def _is_base_url(cls, url: str | None) -> str | None:
        if url is not None:
            read_endpoint(url)
        return url

    @field_validator("openai_api_key")
    @classmethod
    def _has_key(cls, key: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        url = info.data.get("openai_base_url")
        if url is None or key is not None or _name_caller(info.data.get("model_headers", {})):
            return key
        endpoint = read_endpoint(url)
        if not endpoint.azure and not endpoint.on_this_machine:
            raise ValueError(f"{endpoint.host} needs one; if it takes any, write none")
        return key

    @field_validator("azure_openai_endpoint")
    @classmethod
    def _is_azure(cls, url: str | None, info: ValidationInfo) -> str | None:
        other = info.data.get("openai_base_url", "")
        if url is None:
            if other is None and info.data.get("openai_api_key", "") is None:
                raise ValueError(_NO_MODEL)
            return None
        if other:
            raise ValueError("OPENAI_BASE_URL is set, too; remove one of them")
        read_endpoint(url, azure=True)
        plain = read_endpoint(url)
        if plain.host == "api.openai.com" or re.fullmatch(r"https?://[^/]+/v1", url.strip().rstrip("/")):
            raise ValueError("this is no Azure OpenAI resource; write it as OPENAI_BASE_URL")
        return url

    @field_validator("openai_model")
    @classmethod
    def _names_model(cls, name: str | None, info: ValidationInfo) -> str | None:
        base = info.data.get("openai_base_url")
        without_azure = "azure_openai_endpoint" in info.data and info.data["azure_openai_endpoint"] is None
        if not name and (without_azure or base) and not (base and read_endpoint(base).deployment):
            raise ValueError("the model's name is needed, such as qwen3")
        return name

    @field_validator("deployment")
    @classmethod
    def _names_deployment(cls, name: str | None, info: ValidationInfo) -> str | None:
        url = info.data.get("azure_openai_endpoint")
        if not name and url is not None and read_endpoint(url, azure=True).deployment is None:
            raise ValueError("the deployment's name is needed, as the resource lists it under Deployments")
        return name

    @field_validator(*_FORMS)
    @classmethod
    def _has_its_form(cls, value: str | None, info: ValidationInfo) -> str | None:
        form, instead = _FORMS[info.field_name or ""]
        if value is not None and not re.fullmatch(form, value):
            raise ValueError(instead)
        return value

    @property
    def model_url(self) -> str:
        """The address that is configured, as `read_endpoint` takes it."""
        return self.azure_openai_endpoint or self.openai_base_url or _OPENAI

    @property
    def endpoint(self) -> ModelEndpoint:
        """Where the model is reached."""
        return read_endpoint(
            self.model_url,
            azure=True if self.azure_openai_endpoint else None,
            api_version=self.azure_openai_api_version,
        )

    @property
    def model_name(self) -> str:
        """The model's name, or its deployment's on Azure."""
        name = self.deployment if self.azure_openai_endpoint else self.openai_model
        return name or self.endpoint.deployment or ""

    @property
    def model_key(self) -> str | None:
        """The key of the endpoint that is configured; a key of the other family is never sent there."""
        key = self.azure_openai_api_key if self.azure_openai_endpoint else self.openai_api_key
        return key.get_secret_value() if key is not None else None

    @property
    def uses_identity(self) -> bool:
        """Whether requests carry a token of `DefaultAzureCredential`."""
        if self.model_key is not None:
            return False
        named = _name_caller(self.model_headers)
        return self.azure_openai_token_scope is not None or (self.endpoint.azure and not named)

    @property
    def token_scope(self) -> str:
        """Scope of the token for the model, in its cloud unless it is set."""
        return self.azure_openai_token_scope or token_scope(self.model_url, self.azure_authority_host)

    @property
    def headers(self) -> dict[str, str]:
        """Further headers of requests, in clear."""
        return {name: value.get_secret_value() for name, value in self.model_headers.items()}


def token_scope(endpoint: str, authority_host: str | None = None) -> str:
    """Return the scope of tokens for the model in the endpoint's cloud: public, US Government or China.

    An endpoint that does not tell, such as a gateway's, is in the cloud of `authority_host`: a host or its
    https URL, as azure-identity reads it in `AZURE_AUTHORITY_HOST`.
    """
    known = re.search(r"\.azure(?:-api)?\.(com|net|us|cn)$", read_endpoint(endpoint).host)
    authority = (authority_host or "").removeprefix("https://").partition("/")[0].lower()
    top = known[1] if known else _AUTHORITIES.get(authority, "com")
    return f"https://cognitiveservices.azure.{'com' if top == 'net' else top}/.default"


def _name_caller(headers: dict[str, Any]) -> bool:
    return any(name.lower() in _CREDENTIALS for name in headers)
