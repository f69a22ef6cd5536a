"""The file `.env` of the working folder: what it sets, or what to change so that it can be read."""

from pathlib import Path

import pytest

from mcpsecurity.env_file import lines_in
from mcpsecurity.settings import EntraSettings, SettingsError, load_settings

TENANT = "11111111-2222-4333-8444-555555555555"
LINE = f"ENTRA_TENANT_ID={TENANT}\n"


@pytest.fixture(autouse=True)
def _empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        LINE.encode(),
        b"\xef\xbb\xbf" + LINE.encode(),
        LINE.replace("\n", "\r\n").encode(),
        f"export {LINE}".encode(),
        f'ENTRA_TENANT_ID = "{TENANT}"  # ours\n'.encode(),
        f"some thing: of another program\n{LINE}".encode(),
    ],
    ids=["plain", "byte order mark", "CRLF", "export", "blanks, quotes and a comment", "a line of others"],
)
def test_usual_ways_to_write_it_are_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".env").write_bytes(content)
    assert lines_in(tmp_path / ".env")["ENTRA_TENANT_ID"] == TENANT
    assert load_settings(EntraSettings).tenant_id == TENANT


@pytest.mark.parametrize("content", [LINE.encode("utf-16"), "# Schlüssel\n".encode("latin-1")])
def test_another_encoding_is_refused_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(
        SettingsError, match=r"^\.env: this file is not UTF-8 text; save it with the encoding"
    ):
        load_settings(EntraSettings)


@pytest.mark.parametrize("line", [f"ENTRA_TENANT_ID: {TENANT}", f'ENTRA_TENANT_ID="{TENANT}'])
def test_a_line_of_ours_that_cannot_be_read_is_named_without_its_value(tmp_path: Path, line: str) -> None:
    (tmp_path / ".env").write_text(f"# ours\n\n{line}\n")
    with pytest.raises(SettingsError) as refused:
        load_settings(EntraSettings)
    assert str(refused.value).startswith(".env: line 3 cannot be read; write ENTRA_TENANT_ID=VALUE")
    assert TENANT not in str(refused.value)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("\u200bENTRA_AUTHORITY=https://a.example", "has an invisible character in its name"),
        ("ENTRA_\u00adAUTHORITY=https://a.example", "has an invisible character in its name"),
        ("ENTRA\0_AUTHORITY=https://a.example", "has an invisible character in its name"),
        ("ENTRA_AUTHORITY", "sets nothing; write ENTRA_AUTHORITY=VALUE"),
        ("export ENTRA_AUTHORITY", "sets nothing; write ENTRA_AUTHORITY=VALUE"),
    ],
)
def test_a_line_of_ours_that_would_not_count_is_refused(tmp_path: Path, line: str, reason: str) -> None:
    (tmp_path / ".env").write_text(f"{LINE}\n{line}\n", "utf-8")
    with pytest.raises(SettingsError) as refused:
        load_settings(EntraSettings)
    assert str(refused.value).startswith(f".env: line 3 {reason}")
    assert "a.example" not in str(refused.value)


def test_lines_of_others_and_empty_values_are_taken_as_they_are(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"{LINE}A\u200bB=1\nHOME\nENTRA_ISSUER=\n", "utf-8")
    assert load_settings(EntraSettings).issuer is None


def test_no_file_and_a_folder_of_that_name_have_no_names(tmp_path: Path) -> None:
    """A virtual environment may be called .env."""
    assert lines_in(tmp_path / ".env") == {}
    (tmp_path / ".env").mkdir()
    assert lines_in(tmp_path / ".env") == {}
