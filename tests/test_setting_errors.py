"""The line about a setting that is refused: its key, what is wrong, and what to write."""

from pathlib import Path

import pytest
from pydantic import Field

from mcpsecurity.console.settings import ConsoleSettings
from mcpsecurity.env_file import OURS
from mcpsecurity.setting_errors import misspelt
from mcpsecurity.settings import EntraSettings, Settings, SettingsError, load_settings, settings_of
from mcpsecurity_server.doctor.settings import DoctorSettings
from mcpsecurity_server.settings import ServerSettings
from mcpsecurity_webclient.settings import WebSettings

ROOT = Path(__file__).parents[1]
PROGRAMS = (ConsoleSettings, DoctorSettings, EntraSettings, ServerSettings, WebSettings)
TENANT = "11111111-2222-4333-8444-555555555555"


@pytest.fixture(autouse=True)
def _empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


class Some(Settings):
    """One setting of each kind."""

    count: int = Field(1, validation_alias="SOME_COUNT", ge=0, le=10)
    share: float = Field(1, validation_alias="SOME_SHARE", gt=0, lt=2)
    switch: bool = Field(True, validation_alias="SOME_SWITCH")


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("SOME_COUNT", "many", "write a whole number"),
        ("SOME_COUNT", "-1", "write 0 or more"),
        ("SOME_COUNT", "11", "write 10 or less"),
        ("SOME_SHARE", "30s", "write a number"),
        ("SOME_SHARE", "0", "write more than 0"),
        ("SOME_SHARE", "2", "write less than 2"),
        ("SOME_SWITCH", "perhaps", "write true or false"),
        ("MCPSECURITY_LOG_FORMAT", "xml", "write 'text' or 'json'"),
    ],
)
def test_the_line_says_what_to_write(
    monkeypatch: pytest.MonkeyPatch, key: str, value: str, words: str
) -> None:
    monkeypatch.setenv(key, value)
    with pytest.raises(SettingsError) as refused:
        load_settings(Some)
    assert str(refused.value).startswith(f"{key}: {words}")


def test_a_missing_setting_is_explained() -> None:
    with pytest.raises(SettingsError) as refused:
        settings_of(EntraSettings)
    assert str(refused.value) == f"ENTRA_TENANT_ID: not set (Directory (tenant) ID, a GUID; like {TENANT})"


@pytest.mark.parametrize(
    ("cls", "keys"),
    [
        (ServerSettings, {"ENTRA_TENANT_ID", "MCP_SERVER_CLIENT_ID"}),
        (
            WebSettings,
            {"ENTRA_TENANT_ID", "WEBCLIENT_CLIENT_ID", "MCP_SERVER_SCOPE", "AZURE_OPENAI_ENDPOINT"},
        ),
    ],
)
def test_what_the_example_has_in_place_of_values_is_no_value(
    tmp_path: Path, cls: type[Settings], keys: set[str]
) -> None:
    (tmp_path / ".env").write_bytes((ROOT / ".env.example").read_bytes())
    with pytest.raises(SettingsError) as refused:
        load_settings(cls)
    words = "this is still what .env.example has; write your own value"
    assert {line.partition(": ")[0] for line in str(refused.value).splitlines() if words in line} == keys


@pytest.mark.parametrize("given", ["ENTRA_TENANTID", "ENTRA_TENNANT_ID", "entra_tenant_ids"])
def test_a_misspelt_setting_is_named_with_the_right_name(tmp_path: Path, given: str) -> None:
    (tmp_path / ".env").write_text(f"{given}={TENANT}\n")
    with pytest.raises(SettingsError) as refused:
        load_settings(EntraSettings)
    missing, wrong = str(refused.value).splitlines()
    assert missing.startswith("ENTRA_TENANT_ID: not set")
    assert wrong == f"{given.upper()}: there is no such setting; write ENTRA_TENANT_ID"


def test_a_misspelt_setting_stops_a_start_that_would_succeed_without_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What it was to restrict would stay open."""
    monkeypatch.setenv("ENTRA_TENANT_ID", TENANT)
    monkeypatch.setenv("ENTRA_ISUER", "https://login.contoso.com")
    with pytest.raises(SettingsError, match=r"^ENTRA_ISUER: there is no such setting; write ENTRA_ISSUER$"):
        load_settings(EntraSettings)


def test_a_name_beside_the_right_one_and_a_name_of_others_is_let_pass() -> None:
    given = {"ENTRA_TENANT_ID", "ENTRA_TENANT_ID_OLD", "AZURE_CLIENT_IDS", "ENTRA_SOMETHING_ELSE"}
    assert list(misspelt(EntraSettings, given)) == []


@pytest.mark.parametrize("cls", PROGRAMS)
def test_no_documented_name_is_taken_for_a_misspelt_one(cls: type[Settings]) -> None:
    every = {str(field.validation_alias) for each in PROGRAMS for field in each.model_fields.values()}
    for text in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        words = {found[0] for found in OURS.finditer(text.read_text(encoding="utf-8"))}
        every.update(word for word in words if not word.endswith("_"))  # MCPSECURITY_MODEL_… are many
    assert [line for name in every for line in misspelt(cls, {name})] == []
