"""Gets the token that the chat would send to the model, or names the setting to change."""

import asyncio
import re
import ssl

from azure.core.exceptions import ClientAuthenticationError

from mcpsecurity.identity_token import NO_IDENTITY, UNREACHABLE, UNTRUSTED, identity_error, token_provider
from mcpsecurity_server.doctor.requests import NoTokenError

_SECONDS = 60.0
_SECRETS = "AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH"
_SETTINGS = {
    UNTRUSTED: "MCPSECURITY_CA_FILE",
    UNREACHABLE: "AZURE_AUTHORITY_HOST",
    NO_IDENTITY: "AZURE_OPENAI_API_KEY, or AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET",
    "AADSTS700016": "AZURE_CLIENT_ID",
    "AADSTS7000215": _SECRETS,
    "AADSTS7000222": _SECRETS,
    "AADSTS700027": _SECRETS,
    "AADSTS90002": "AZURE_TENANT_ID",
    "AADSTS900023": "AZURE_TENANT_ID",
    "AADSTS500011": "AZURE_OPENAI_TOKEN_SCOPE",
    "AADSTS70011": "AZURE_OPENAI_TOKEN_SCOPE",
    "AADSTS650053": "AZURE_OPENAI_TOKEN_SCOPE",
    "AADSTS1002012": "AZURE_OPENAI_TOKEN_SCOPE",
}


async def token_of(scope: str, tls: ssl.SSLContext, authority_host: str) -> str:
    """Return the token of `DefaultAzureCredential`. Raises `NoTokenError`."""
    try:
        async with (
            asyncio.timeout(_SECONDS),
            token_provider(scope, tls, authority_host or None) as provide,
        ):
            return await provide()
    except ClientAuthenticationError as error:
        reason = identity_error(error)
        code = re.match(r"AADSTS\d+", reason)
        setting = _SETTINGS.get(code[0] if code else reason, "the identity's registration in Entra ID")
        raise NoTokenError(reason, setting) from error
    except ValueError as error:  # azure-identity's own checks of what it is given
        setting = "AZURE_OPENAI_TOKEN_SCOPE" if "scope" in str(error) else "AZURE_AUTHORITY_HOST"
        raise NoTokenError("it cannot be asked for", setting) from error
    except TimeoutError as error:
        raise NoTokenError(f"it did not come within {_SECONDS:g} s", "AZURE_AUTHORITY_HOST") from error
