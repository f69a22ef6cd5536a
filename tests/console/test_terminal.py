"""What the terminal shows, at any width."""

import pytest

from mcpsecurity.console.terminal import TypedTerminal

ADDRESS = "https://login.microsoftonline.com/10ca1c10-0d00-4000-8000-000000000001/oauth2/v2.0/deviceauth"


def test_an_address_is_never_broken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    TypedTerminal().write(f"To sign in, open the page {ADDRESS} and enter the code ABC.")
    assert f" {ADDRESS} " in capsys.readouterr().out
