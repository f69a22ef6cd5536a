"""The console signs in as a client that nobody registered: its document says who it is."""

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.console.conftest import YOU, Start
from tests.console.test_chat import BROWSER

from mcpsecurity.cli.chat import chat
from mcpsecurity.localcloud.certificates import ensure_certificates
from mcpsecurity.runtime.tls import client_ssl_context
from mcpsecurity.testing import LocalStack

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def published(stack: LocalStack) -> Iterator[str]:
    """The address where the console's own document is published."""

    class Publisher(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(CliRunner().invoke(chat, ["--client-document", url]).stdout.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing."""

    cloud = stack.cloud
    server = ThreadingHTTPServer(("127.0.0.1", 0), Publisher)
    server.socket = (
        ensure_certificates(cloud.ca_file.parent)
        .server_context()
        .wrap_socket(server.socket, server_side=True)
    )
    url = f"https://localhost:{server.server_port}/console.json"
    documents = cloud.tenant.documents
    documents.hosts, documents.tls = frozenset({"localhost"}), client_ssl_context(cloud.ca_file)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield url
    documents.hosts = frozenset()
    server.shutdown()
    server.server_close()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_a_person_signs_in_with_the_console_that_its_document_describes(
    start: Start, tmp_path: Path, published: str
) -> None:
    browser = tmp_path / "browser.py"
    browser.write_text(BROWSER)
    screen = start(BROWSER=f"{sys.executable} {browser} %s &", CONSOLE_CLIENT_ID=published)
    screen.see("signed in as bob@contoso.example")
    screen.see(YOU)


def test_the_document_says_that_the_client_has_no_secret_and_returns_to_this_machine() -> None:
    url = "https://contoso.com/mcp/console.json"
    document = json.loads(CliRunner().invoke(chat, ["--client-document", url]).stdout)
    assert (document["client_id"], document["token_endpoint_auth_method"]) == (url, "none")
    assert document["redirect_uris"] == ["http://localhost"]


@pytest.mark.parametrize("url", ["http://contoso.com/c.json", "https://contoso.com", "https://a.b/c?d", "x"])
def test_an_address_that_no_tenant_takes_is_refused(url: str) -> None:
    outcome = CliRunner().invoke(chat, ["--client-document", url])
    assert outcome.exit_code == 2
    assert "https address with a path" in outcome.stderr
