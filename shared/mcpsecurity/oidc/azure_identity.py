"""The identity that Azure gives a program: it proves who it is, and gets tokens, without a secret.

A managed identity (virtual machines, App Service, Container Apps, Functions), or a workload identity of
Kubernetes, whose token is in a file. A registration with a federated credential for it takes its token as a
client assertion (RFC 7523; learn.microsoft.com, entra/workload-id/workload-identity-federation).
"""

import threading
from typing import TYPE_CHECKING, Any

import msal  # type: ignore[import-untyped] # ships no types
import requests
from msal.exceptions import MsalError  # type: ignore[import-untyped] # likewise

from mcpsecurity.oidc.msal_http import msal_session
from mcpsecurity.runtime.proxy import proxy_for
from mcpsecurity.settings import EntraSettings

if TYPE_CHECKING:
    from pathlib import Path

_AUDIENCES = {
    "https://login.microsoftonline.us": "api://AzureADTokenExchangeUSGov",
    "https://login.partner.microsoftonline.cn": "api://AzureADTokenExchangeChina",
}
_AUDIENCE = "api://AzureADTokenExchange"
_REDIS = "https://redis.azure.com"
_POSTGRESQL = "https://ossrdbms-aad.database.windows.net"
_TIMEOUT = 10.0
_LONGEST = 32 * 1024


class NoIdentityTokenError(requests.RequestException):
    """The identity gives no token: this machine has no identity, or its endpoint cannot be reached."""


class AzureIdentity:
    """The identity of `settings.client_identity`. All methods block; call them in threads.

    MSAL keeps tokens while they are good. A workload's file is read each time, because Kubernetes replaces
    it.
    """

    def __init__(self, settings: EntraSettings) -> None:
        kind, _, client_id = (settings.client_identity or "").partition(":")
        self._settings = settings
        self._lock = threading.Lock()
        self._file: Path | None = settings.federated_token_file if kind == "workload" else None
        self._http = requests.Session()  # the machine's own endpoint: never through a proxy
        self._http.trust_env = False
        identity = (
            msal.UserAssignedManagedIdentity(client_id=client_id)
            if client_id
            else msal.SystemAssignedManagedIdentity()
        )
        self._managed = (
            None if kind == "workload" else msal.ManagedIdentityClient(identity, http_client=self._http)
        )
        self._workload: msal.ConfidentialClientApplication | None = None

    def assertion(self) -> str:
        """Return a token that proves to a registration's federated credential who this program is.

        Raises:
            NoIdentityTokenError: the identity gives no token.
        """
        if self._managed is None:
            return self._read_file()
        return self.token(_AUDIENCES.get(self._settings.authority, _AUDIENCE))[0]

    def token(self, resource: str) -> tuple[str, float]:
        """Return an access token of the identity for a resource (its URI), and its lifetime in seconds.

        Raises:
            NoIdentityTokenError: the identity gives no token.
        """
        if (managed := self._managed) is not None:
            with self._lock:
                answer = self._ask(lambda: managed.acquire_token_for_client(resource=resource))
        else:
            scopes = [f"{resource}/.default"]
            answer = self._ask(lambda: self._application().acquire_token_for_client(scopes=scopes))
        return str(answer["access_token"]), float(answer.get("expires_in", 0))

    def redis_password(self) -> tuple[str, float]:
        """Return a token for Redis in Azure, and its lifetime in seconds. Raises `NoIdentityTokenError`."""
        return self.token(_REDIS)

    def database_password(self) -> str:
        """Return a token for Azure Database for PostgreSQL. Raises `NoIdentityTokenError`."""
        return self.token(_POSTGRESQL)[0]

    def _ask(self, get: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = get()
        except (requests.RequestException, MsalError, ValueError, KeyError, TypeError) as error:
            raise NoIdentityTokenError(f"the identity gives no token: {type(error).__name__}") from error
        if not isinstance(answer.get("access_token"), str):
            raise NoIdentityTokenError(f"the identity gives no token: {str(answer.get('error'))[:100]!r}")
        return answer

    def _application(self) -> msal.ConfidentialClientApplication:
        with self._lock:
            if self._workload is None:
                settings = self._settings
                self._workload = msal.ConfidentialClientApplication(
                    settings.workload_client_id,
                    client_credential={"client_assertion": self._read_file},
                    authority=f"{settings.authority}/{settings.tenant_id}",
                    instance_discovery=False,
                    http_client=msal_session(
                        settings.ca_file, timeout=_TIMEOUT, proxy=proxy_for(settings.authority)
                    ),
                )
            return self._workload

    def _read_file(self) -> str:
        try:
            if self._file is None:
                raise NoIdentityTokenError("AZURE_FEDERATED_TOKEN_FILE is not set")
            with self._file.open(encoding="ascii") as file:
                text = file.read(_LONGEST).strip()
        except (OSError, UnicodeDecodeError) as error:
            raise NoIdentityTokenError("the file of the workload identity cannot be read") from error
        if not text:
            raise NoIdentityTokenError("the file of the workload identity is empty")
        return text


def azure_identity(settings: EntraSettings) -> AzureIdentity | None:
    """Return the identity that is configured; None without one."""
    return AzureIdentity(settings) if settings.client_identity is not None else None
