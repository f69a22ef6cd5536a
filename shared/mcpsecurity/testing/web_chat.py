"""The web chat, in a process of its own, for tests of what people do with a server."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import httpx

from mcpsecurity.runtime.tls import client_ssl_context
from mcpsecurity.testing.command import RunningCommand


class WebChat:
    """A running web chat whose MCP server is the one under test.

    Attributes:
        url: where it is; a browser signs in there by the local tenant's page, as any of its users.
    """

    def __init__(self, url: str, process: RunningCommand, ca_file: Path) -> None:
        self.url = url
        self.stop = process.stop
        self._process = process
        self._ca_file = ca_file

    @property
    def output(self) -> str:
        """The end of its log."""
        return self._process.output

    @contextlib.contextmanager
    def client(self, sign_in_name: str) -> Iterator[httpx.Client]:
        """Open an HTTP client that is signed in, with the cookies of a browser.

        Raises:
            RuntimeError: the sign-in failed.
        """
        tls = client_ssl_context(self._ca_file)
        with httpx.Client(base_url=self.url, verify=tls, trust_env=False, timeout=20.0) as client:
            authorize = httpx.URL(client.get("/signin").headers["Location"])
            asked = authorize.copy_merge_params({"prompt": "none", "login_hint": sign_in_name})
            callback = client.get(asked).headers["Location"]
            page = client.get(callback, follow_redirects=True)
            if page.status_code != httpx.codes.OK or not client.cookies:
                raise RuntimeError(f"The sign-in of {sign_in_name} failed: {page.status_code}.")
            yield client
