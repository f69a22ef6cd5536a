"""What MSAL is given to authenticate an application."""

from pathlib import Path

import pytest
from tests.support.certificates import write_certificate

from mcpsecurity.oidc.client_credential import client_credential


def test_a_certificate_counts_before_a_secret(tmp_path: Path) -> None:
    certificate = write_certificate(tmp_path / "client.pem").decode()
    credential = client_credential(None, tmp_path / "client.pem")
    assert isinstance(credential, dict)
    assert credential["public_certificate"] == certificate.strip()
    assert str(credential["private_key"]).startswith("-----BEGIN PRIVATE KEY-----")


def test_a_credential_has_to_be_a_secret_or_a_pair_in_pem(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no secret, no certificate"):
        client_credential(None, None)
    (tmp_path / "half.pem").write_bytes(write_certificate(tmp_path / "client.pem"))
    with pytest.raises(ValueError, match="a private key and a certificate"):
        client_credential(None, tmp_path / "half.pem")
