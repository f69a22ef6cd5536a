"""The development certificate authority and the server certificate of a local cloud.

Both are made at the first start and kept in the cache folder; the server's is replaced a month before it
expires, the authority a year before. The authority can vouch for loopback names only (RFC 5280 4.2.1.10), and
no trust store ever gets it: clients are handed its file.
"""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mcpsecurity.localcloud.storage import locked_folder, write_private, write_public

_AUTHORITY_LIFETIME = timedelta(days=3650)
_AUTHORITY_MARGIN = timedelta(days=366)  # never below the lifetime of a server certificate
_SERVER_LIFETIME = timedelta(days=365)
_SERVER_MARGIN = timedelta(days=30)
_NAMES: tuple[x509.GeneralName, ...] = (
    x509.DNSName("localhost"),
    x509.IPAddress(ip_address("127.0.0.1")),
    x509.IPAddress(ip_address("::1")),
)
_LOOPBACK = (
    x509.DNSName("localhost"),
    x509.IPAddress(ip_network("127.0.0.1/32")),
    x509.IPAddress(ip_network("::1/128")),
)


@dataclass(frozen=True, slots=True)
class Certificates:
    """Where the certificates of a folder are. `server_file` holds key and certificate and is private."""

    ca_file: Path
    server_file: Path

    def server_context(self) -> ssl.SSLContext:
        """Return the TLS context of a listener: TLS 1.2 or newer, the server certificate loaded."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.server_file)
        return context


@dataclass(frozen=True, slots=True)
class _Pair:
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    def expires_within(self, margin: timedelta, now: datetime) -> bool:
        return self.certificate.not_valid_after_utc - margin <= now


def ensure_certificates(folder: Path, *, now: datetime | None = None) -> Certificates:
    """Return the certificates in `folder`; make missing ones, renew damaged or soon expired ones.

    Safe when several processes start at once: they wait for each other and end up with the same files.
    Blocks (key generation, files): call it off the event loop.
    """
    now = now or datetime.now(UTC)
    found = Certificates(ca_file=folder / "ca.pem", server_file=folder / "server.pem")
    with locked_folder(folder):
        authority = _load(folder / "authority.pem")
        if authority is None or authority.expires_within(_AUTHORITY_MARGIN, now):
            authority = _make_authority(now)
            write_private(folder / "authority.pem", _bundle(authority))
        write_public(found.ca_file, authority.certificate.public_bytes(Encoding.PEM))
        server = _load(found.server_file)
        if server is None or server.expires_within(_SERVER_MARGIN, now) or not _issued(server, authority):
            write_private(found.server_file, _bundle(_make_server(authority, now)))
    return found


def _load(path: Path) -> _Pair | None:
    """Return the key and certificate in `path`; None when the file is missing or cannot be read as such."""
    try:
        content = path.read_bytes()
        key = load_pem_private_key(content, password=None)
        certificate = x509.load_pem_x509_certificate(content)
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        return None
    path.chmod(0o600)
    return _Pair(key, certificate)


def _bundle(pair: _Pair) -> bytes:
    key = pair.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return key + pair.certificate.public_bytes(Encoding.PEM)


def _issued(server: _Pair, authority: _Pair) -> bool:
    try:
        server.certificate.verify_directly_issued_by(authority.certificate)
    except (InvalidSignature, ValueError):
        return False
    return True


def _make_authority(now: datetime) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("mcpsecurity local cloud, development authority")
    builder = (
        _builder(name, name, key, now, _AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .add_extension(x509.NameConstraints(list(_LOOPBACK), None), critical=True)
    )
    return _Pair(key, builder.sign(key, hashes.SHA256()))


def _make_server(authority: _Pair, now: datetime) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = authority.certificate.subject
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = (
        _builder(_name("localhost"), issuer, key, now, _SERVER_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_NAMES), critical=False)
        .add_extension(identifier, critical=False)
    )
    return _Pair(key, builder.sign(authority.key, hashes.SHA256()))


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    lifetime: timedelta,
) -> x509.CertificateBuilder:
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + lifetime)
        .add_extension(identifier, critical=False)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
