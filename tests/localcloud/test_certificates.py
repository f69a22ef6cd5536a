"""The development authority and server certificate: made once, private, renewed in time."""

import asyncio
import os
import ssl
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mcpsecurity.localcloud.certificates import Certificates, ensure_certificates
from mcpsecurity.localcloud.entra import ensure_signing_key

START = """
import sys
from pathlib import Path
from mcpsecurity.localcloud.certificates import ensure_certificates
from mcpsecurity.localcloud.entra import ensure_signing_key

print("ready", flush=True)
sys.stdin.read()
for folder in Path(sys.argv[1]).iterdir():
    found, key = ensure_certificates(folder), ensure_signing_key(folder)
    print(folder, found.ca_file.read_text(), found.server_file.read_text(), key.kid)
"""


def _certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def _content(certificates: Certificates) -> tuple[bytes, bytes]:
    return certificates.ca_file.read_bytes(), certificates.server_file.read_bytes()


def test_the_second_start_finds_what_the_first_one_made(tmp_path: Path) -> None:
    first = _content(ensure_certificates(tmp_path / "made"))

    assert _content(ensure_certificates(tmp_path / "made")) == first


@pytest.mark.parametrize("ensure", [ensure_certificates, ensure_signing_key])
def test_a_folder_that_everybody_may_write_to_is_refused(
    tmp_path: Path, ensure: Callable[[Path], object]
) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(PermissionError, match="everybody may write to the folder"):
        ensure(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    foreign = Path("/")
    if os.geteuid() == 0:
        foreign = tmp_path
        os.chown(foreign, 54321, -1)
    with pytest.raises(PermissionError, match="belongs to somebody else"):
        ensure_certificates(foreign)
    assert not (foreign / "authority.pem").exists()


def test_keys_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    ensure_certificates(folder)
    (folder / "server.pem").chmod(0o644)
    ensure_certificates(folder)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.iterdir()]}
    assert modes == {
        "made": 0o700,
        ".lock": 0o600,
        "authority.pem": 0o600,
        "ca.pem": 0o644,
        "server.pem": 0o600,
    }


def test_the_server_certificate_is_for_loopback(tmp_path: Path) -> None:
    certificate = _certificate(ensure_certificates(tmp_path).server_file)

    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]


def test_the_authority_vouches_for_loopback_names_only(tmp_path: Path) -> None:
    authority = _certificate(ensure_certificates(tmp_path).ca_file)

    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert [str(name.value) for name in constraints.value.permitted_subtrees or []] == [
        "localhost",
        "127.0.0.1/32",
        "::1/128",
    ]


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
async def test_a_client_that_trusts_the_authority_can_connect(tmp_path: Path, name: str) -> None:
    certificates = ensure_certificates(tmp_path)
    client = ssl.create_default_context(cafile=str(certificates.ca_file))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = client.wrap_bio(incoming, outgoing, server_hostname=name)
    there = certificates.server_context().wrap_bio(outgoing, incoming, server_side=True)

    for _ in range(3):
        for side in (here, there):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue

    assert here.version() == there.version() == "TLSv1.3"


def test_the_server_certificate_is_renewed_a_month_before_it_expires(tmp_path: Path) -> None:
    made = datetime.now(UTC)
    ca, server = _content(ensure_certificates(tmp_path, now=made))

    early = _content(ensure_certificates(tmp_path, now=made + timedelta(days=330)))
    late = _content(ensure_certificates(tmp_path, now=made + timedelta(days=336)))

    assert early == (ca, server)
    assert late[0] == ca
    assert late[1] != server
    assert _certificate(tmp_path / "server.pem").not_valid_after_utc > made + timedelta(days=700)


def test_the_authority_is_renewed_with_the_certificate_that_it_signed(tmp_path: Path) -> None:
    made = datetime.now(UTC)
    ca, _ = _content(ensure_certificates(tmp_path, now=made))

    renewed = ensure_certificates(tmp_path, now=made + timedelta(days=3300))

    assert renewed.ca_file.read_bytes() != ca
    _certificate(renewed.server_file).verify_directly_issued_by(_certificate(renewed.ca_file))


@pytest.mark.parametrize("name", ["authority.pem", "ca.pem", "server.pem"])
@pytest.mark.parametrize("content", [b"", b"damaged", None])
def test_a_damaged_or_missing_file_is_made_again(tmp_path: Path, name: str, content: bytes | None) -> None:
    certificates = ensure_certificates(tmp_path)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)

    ensure_certificates(tmp_path)

    _certificate(certificates.server_file).verify_directly_issued_by(_certificate(certificates.ca_file))
    certificates.server_context()


def test_a_key_that_belongs_to_another_certificate_is_replaced(tmp_path: Path) -> None:
    one, other = ensure_certificates(tmp_path / "one"), ensure_certificates(tmp_path / "other")
    key = other.server_file.read_bytes().split(b"-----BEGIN CERT")[0]
    one.server_file.write_bytes(key + _certificate(one.server_file).public_bytes(Encoding.PEM))

    ensure_certificates(tmp_path / "one").server_context()


async def test_processes_that_start_at_once_agree(tmp_path: Path) -> None:
    for number in range(10):
        (tmp_path / str(number)).mkdir()
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", START, str(tmp_path), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(4)
    ]
    async with asyncio.timeout(60):
        for process in processes:
            assert process.stdout is not None
            assert await process.stdout.readline() == b"ready\n"
        answers = await asyncio.gather(*(process.communicate(b"") for process in processes))

    assert all(process.returncode == 0 for process in processes)
    assert len({output for output, _ in answers}) == 1
