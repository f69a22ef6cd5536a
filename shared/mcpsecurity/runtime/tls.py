"""TLS for outgoing connections."""

import ssl
from pathlib import Path


def client_ssl_context(ca_file: Path | None) -> ssl.SSLContext:
    """Return a verifying client context that trusts the system's authorities and those in `ca_file` (PEM).

    Raises:
        FileNotFoundError: there is no such file.
        ssl.SSLError: the file holds no certificate.
    """
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    return context
