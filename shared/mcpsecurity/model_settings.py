"""Settings of the chat model: Azure OpenAI, with a key or with a token of the application's identity."""

import re

from pydantic import Field, SecretStr, field_validator
from yarl import URL

from mcpsecurity.settings import Settings

__all__ = ["ModelSettings", "check_endpoint", "token_scope"]

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_AUTHORITIES = {
    "login.microsoftonline.us": "us",
    "login.chinacloudapi.cn": "cn",
    "login.partner.microsoftonline.cn": "cn",
}
"""Sign-in hosts of the national clouds, and the last label of their services' names."""


class ModelSettings(Settings):
    """Which model to use, and as whom."""

    azure_openai_endpoint: str = Field(
        validation_alias="AZURE_OPENAI_ENDPOINT",
        pattern=r"^https?://[^/]+(/.*)?$",
        description="Endpoint of the Azure OpenAI resource, like https://contoso.openai.azure.com.",
    )
    deployment: str = Field(
        validation_alias="AZURE_OPENAI_CHAT_DEPLOYMENT_NAME",
        min_length=1,
        description="Name of the chat model's deployment.",
    )
    azure_openai_api_key: SecretStr | None = Field(
        None,
        validation_alias="AZURE_OPENAI_API_KEY",
        description="Key of the resource; none: DefaultAzureCredential.",
    )
    azure_openai_api_version: str = Field(
        "2024-10-21",
        validation_alias="AZURE_OPENAI_API_VERSION",
        min_length=1,
        description="Version of the API.",
    )
    azure_openai_token_scope: str | None = Field(
        None,
        validation_alias="AZURE_OPENAI_TOKEN_SCOPE",
        pattern=r"^[A-Za-z0-9._:/-]+$",
        description="Scope of the token that is sent without a key; none: that of the endpoint's cloud.",
    )
    azure_authority_host: str | None = Field(
        None,
        validation_alias="AZURE_AUTHORITY_HOST",
        pattern=r"^(https://)?[A-Za-z0-9.-]+(:[0-9]{1,5})?/?$",
        description="Sign-in host of DefaultAzureCredential; none: the public cloud's.",
    )

    @field_validator("azure_openai_endpoint")
    @classmethod
    def _is_private(cls, url: str) -> str:
        return check_endpoint(url)

    @property
    def token_scope(self) -> str:
        """Scope of the token for the model, in its cloud unless it is set."""
        configured = self.azure_openai_token_scope
        return configured or token_scope(self.azure_openai_endpoint, self.azure_authority_host)


def check_endpoint(url: str) -> str:
    """Return an endpoint that keys and tokens may be sent to.

    Raises:
        ValueError: it is no https URL, nor one of this machine.
    """
    if not url.startswith("https://") and (not url.startswith("http://") or URL(url).host not in _LOOPBACK):
        raise ValueError("must begin with https://; http:// is for this machine only")
    return url


def token_scope(endpoint: str, authority_host: str | None = None) -> str:
    """Return the scope of tokens for the model in the endpoint's cloud: public, US Government or China.

    An endpoint that does not tell, such as a gateway's, is in the cloud of `authority_host`: a host or its
    https URL, as azure-identity reads it in `AZURE_AUTHORITY_HOST`.
    """
    known = re.search(r"\.azure(?:-api)?\.(com|net|us|cn)$", URL(endpoint).host or "")
    authority = (authority_host or "").removeprefix("https://").partition("/")[0].lower()
    top = known[1] if known else _AUTHORITIES.get(authority, "com")
    return f"https://cognitiveservices.azure.{'com' if top == 'net' else top}/.default"
