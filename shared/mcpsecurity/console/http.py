"""What MSAL sends its requests by."""

from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from mcpsecurity.tls import client_ssl_context

__all__ = ["bounded_session"]

_TIMEOUT = 20.0


class _Adapter(HTTPAdapter):
    """Trusts what the configuration says, and never waits for ever."""

    def __init__(self, ca_file: Path | None) -> None:
        self._context = client_ssl_context(ca_file)
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, ssl_context=self._context)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs["timeout"] = kwargs.get("timeout") or _TIMEOUT
        return super().send(request, *args, **kwargs)


def bounded_session(ca_file: Path | None) -> requests.Session:
    """Return a session that trusts the system's authorities and `ca_file`; each request has a deadline."""
    session = requests.Session()
    session.mount("https://", _Adapter(ca_file))
    return session
