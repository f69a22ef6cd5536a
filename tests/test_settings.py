"""Settings are read once, are typed, and name the key that is wrong."""

from pathlib import Path

import pytest
from pydantic import Field, SecretStr, ValidationError
from tests.support.certificates import write_certificate

from mcpsecurity.settings import (
    CredentialFile,
    EntraSettings,
    Settings,
    SettingsError,
    load_settings,
    settings_of,
)

TENANT = "11111111-2222-3333-4444-555555555555"


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for key in ("ENTRA_AUTHORITY", "ENTRA_TENANT_ID", "MCPSECURITY_CA_FILE", "MCPSECURITY_LOG_LEVEL"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.chdir(tmp_path)


def test_the_environment_sets_fields_by_their_documented_keys(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ENTRA_TENANT_ID", TENANT)
    write_certificate(tmp_path / "ca.pem")
    monkeypatch.setenv("MCPSECURITY_CA_FILE", "ca.pem")
    settings = load_settings(EntraSettings)
    assert settings.tenant_id == TENANT
    assert settings.ca_file == Path("ca.pem")
    assert settings.authority == "https://login.microsoftonline.com"


def test_a_dotenv_file_in_the_working_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"ENTRA_TENANT_ID={TENANT}\n")
    assert load_settings(EntraSettings).tenant_id == TENANT


def test_a_dotenv_file_can_be_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MCPSECURITY_LOG_LEVEL=ERROR\n")
    monkeypatch.setenv("ENTRA_TENANT_ID", TENANT)
    settings = load_settings(EntraSettings, _env_file=None)
    assert (settings.tenant_id, settings.log_level) == (TENANT, "INFO")


def test_blanks_that_were_copied_with_a_value_do_not_count(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f'ENTRA_TENANT_ID=" {TENANT} "\n')
    assert load_settings(EntraSettings).tenant_id == TENANT


def test_the_environment_wins_over_dotenv_and_an_argument_over_both(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(f"ENTRA_TENANT_ID={TENANT}\nMCPSECURITY_LOG_LEVEL=ERROR\n")
    monkeypatch.setenv("MCPSECURITY_LOG_LEVEL", "DEBUG")
    assert load_settings(EntraSettings).log_level == "DEBUG"
    assert load_settings(EntraSettings, log_level="WARNING").log_level == "WARNING"


def test_a_stray_variable_named_like_a_field_is_no_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Shells and platforms set HOST, PORT and the like for reasons of their own."""
    monkeypatch.setenv("TENANT_ID", "stray")
    monkeypatch.setenv("LOG_LEVEL", "stray")
    (tmp_path / ".env").write_text(f"ENTRA_TENANT_ID={TENANT}\nAUTHORITY=stray\n")
    assert load_settings(EntraSettings).tenant_id == TENANT


def test_a_missing_key_is_named() -> None:
    with pytest.raises(SettingsError, match=r"^ENTRA_TENANT_ID: not set"):
        load_settings(EntraSettings)


def test_every_wrong_key_is_named_on_a_line_of_its_own() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(EntraSettings, authority="http://login.example", log_level="LOUD", tenant_id=TENANT)
    keys = {line.partition(":")[0] for line in str(caught.value).splitlines()}
    assert keys == {"ENTRA_AUTHORITY", "MCPSECURITY_LOG_LEVEL"}


def test_an_issuer_can_be_on_a_port_as_that_of_the_local_tenant_is() -> None:
    issuer = f"https://localhost:7443/{TENANT}/v2.0"
    assert load_settings(EntraSettings, tenant_id=TENANT, issuer=issuer).issuer == issuer
    with pytest.raises(SettingsError, match="ENTRA_ISSUER"):
        load_settings(EntraSettings, tenant_id=TENANT, issuer=f"http://login.example/{TENANT}/v2.0")


def test_a_refused_value_is_not_part_of_the_message() -> None:
    class WithSecret(Settings):
        secret: SecretStr = Field(validation_alias="SOME_SECRET", min_length=50)

    with pytest.raises(SettingsError) as caught:
        load_settings(WithSecret, secret="hunter2")
    assert "SOME_SECRET" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_only_the_given_values_count_and_the_environment_does_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("MCPSECURITY_LOG_LEVEL=LOUD\nENTRA_AUTHORITY=https://login.example\n")
    monkeypatch.setenv("MCPSECURITY_CA_FILE", "/ca.pem")
    settings = settings_of(EntraSettings, tenant_id=TENANT)
    assert settings == settings_of(EntraSettings, ENTRA_TENANT_ID=TENANT)
    assert (settings.log_level, settings.ca_file) == ("INFO", None)
    assert settings.authority == "https://login.microsoftonline.com"


def test_a_value_of_an_unknown_name_or_kind_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"^tenant: there is no such setting$"):
        settings_of(EntraSettings, tenant=TENANT)
    with pytest.raises(SettingsError, match=r"^ENTRA_TENANT_ID: not set"):
        settings_of(EntraSettings)


def test_files_of_certificates_are_read(tmp_path: Path) -> None:
    class WithCredential(Settings):
        file: CredentialFile | None = Field(None, validation_alias="SOME_FILE")

    pair, certificate, text = tmp_path / "pair.pem", tmp_path / "certificate.pem", tmp_path / "text.pem"
    certificate.write_bytes(write_certificate(pair))
    text.write_bytes(b"-----BEGIN CERTIFICATE-----\xff")
    loaded = load_settings(WithCredential, ca_file=certificate, file=pair)
    assert (loaded.ca_file, loaded.file) == (certificate, pair)
    for wrong, line in (
        (
            {"ca_file": tmp_path / "no"},
            "MCPSECURITY_CA_FILE: the file cannot be read (No such file or directory)",
        ),
        (
            {"ca_file": text},
            "MCPSECURITY_CA_FILE: the file has something else; name a PEM file with a certificate",
        ),
        (
            {"file": certificate},
            "SOME_FILE: the file has something else; name a PEM file with a certificate and its",
        ),
    ):
        with pytest.raises(SettingsError) as caught:
            load_settings(WithCredential, **wrong)
        assert str(caught.value).startswith(line)


def test_settings_cannot_be_changed() -> None:
    settings = load_settings(EntraSettings, tenant_id=TENANT)
    with pytest.raises(ValidationError):
        settings.tenant_id = "other"  # type: ignore[misc] # the point of the test
