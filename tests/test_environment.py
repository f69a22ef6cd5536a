"""Values of settings name variables like `${NAME}`."""

from pathlib import Path

import pytest

from mcpsecurity.environment import filled, variable


@pytest.fixture(autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_variable_of_the_environment_takes_the_place_of_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIKI_KEY", "a{b}$c")
    assert filled("Bearer ${WIKI_KEY}") == "Bearer a{b}$c"
    assert filled("${WIKI_KEY}:${WIKI_KEY}") == "a{b}$c:a{b}$c"
    assert filled("no $WIKI_KEY {WIKI_KEY}") == "no $WIKI_KEY {WIKI_KEY}"


def test_a_variable_can_be_a_line_of_the_file_env(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("WIKI_KEY=hidden\n")
    assert filled("${WIKI_KEY}") == "hidden"
    assert "hidden" not in repr(variable("WIKI_KEY"))


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set_or_empty_is_named(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("WIKI_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("WIKI_KEY", value)
    with pytest.raises(ValueError, match="the variable WIKI_KEY is not set"):
        filled("Bearer ${WIKI_KEY}")


@pytest.mark.parametrize(
    "text", ["${env:WIKI_KEY}", "${WIKI_KEY:-none}", "${}", "${WIKI_KEY", "${input:key}"]
)
def test_what_other_clients_write_besides_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match=r"like \$\{NAME\}"):
        filled(text)
