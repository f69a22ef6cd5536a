"""The HTTP session that MSAL sends its requests with.

MSAL logs a token answer that it cannot read, access and refresh token included, and `requests` follows
redirects with the client's secret and the person's code. So both end here, before MSAL sees them.
"""

from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from mcpsecurity.runtime.tls import client_ssl_context

_TIMEOUT = 20.0
_DISCOVERY = "/.well-known/openid-configuration"


class UnreadableTokenAnswerError(requests.RequestException):
    """Entra ID's endpoint answered with a redirect, or with something else than a JSON object."""


class UnknownTenantError(requests.RequestException):
    """The authority answers that it has no such tenant."""


class _Adapter(HTTPAdapter):
    """Trusts the configured authorities, and gives each request a deadline."""

    def __init__(self, ca_file: Path | None, timeout: float) -> None:
        self._context = client_ssl_context(ca_file)
        self._timeout = timeout
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, ssl_context=self._context)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs["timeout"] = kwargs.get("timeout") or self._timeout
        return super().send(request, *args, **kwargs)


class _MsalSession(requests.Session):
    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request; a redirect is an error and is not followed.

        Raises:
            UnknownTenantError: the tenant is not there: its discovery document is not.
            UnreadableTokenAnswerError: MSAL could not use the answer. Its text is nowhere in the error.
        """
        response = super().request(*args, **{**kwargs, "allow_redirects": False})
        if response.is_redirect or 300 <= response.status_code < 400:
            raise UnreadableTokenAnswerError(f"a redirect ({response.status_code}) is not followed")
        if response.status_code in (400, 404) and str(response.url).endswith(_DISCOVERY):
            raise UnknownTenantError(f"the authority has no such tenant (status {response.status_code})")
        if response.status_code < 500 and not _is_object(response):
            raise UnreadableTokenAnswerError(f"status {response.status_code} without a JSON object")
        return response


def msal_session(
    ca_file: Path | None, *, timeout: float = _TIMEOUT, proxy: str | None = None
) -> requests.Session:
    """Return a session that trusts the system's authorities and `ca_file`, for MSAL's `http_client`.

    Each request has a deadline of `timeout` seconds, and goes through `proxy`, if there is one.
    """
    session = _MsalSession()
    session.trust_env = False  # REQUESTS_CA_BUNDLE would override the trusted authorities
    session.proxies = {"https": proxy} if proxy is not None else {}
    session.mount("https://", _Adapter(ca_file, timeout))
    return session


def _is_object(response: requests.Response) -> bool:
    try:
        return isinstance(response.json(), dict)
    except (ValueError, RecursionError):
        return False
