"""Commands in README and documentation are commands that exist, with options that exist."""

import re
import shlex
from collections.abc import Iterator

import click
import pytest
from tests.support.installed import ROOT

from mcpsecurity.cli import command_line

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
CONTINUED = re.compile(r"\\\n\s*")


def commands() -> Iterator[tuple[str, list[str]]]:
    """Return (page, words) of each line in a shell block."""
    for page in PAGES:
        for block in re.findall(r"^```sh\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
            waiting = ""
            for line in CONTINUED.sub(" ", block).splitlines(keepends=True):
                waiting += line
                try:
                    words = shlex.split(waiting, comments=True)
                except ValueError:  # a quotation goes on in the next line
                    continue
                yield page.name, words
                waiting = ""


ALL = list(commands())
OURS = [
    (page, words[at + 1 :])
    for page, words in ALL
    for at, word in enumerate(words)
    if word.rpartition("/")[2] == "mcpsecurity" and words[at + 1 : at + 2] and not words[0].endswith("az")
]


def test_there_are_commands_to_look_at() -> None:
    assert len(ALL) > 40
    assert {words[0] for _, words in OURS} >= {"demo", "chat", "token", "server", "webclient", "doctor"}


@pytest.mark.parametrize(("page", "words"), OURS, ids=str)
def test_our_commands_have_the_options_that_are_shown(page: str, words: list[str]) -> None:
    name, *arguments = words
    context = click.Context(command_line)
    command = command_line.get_command(context, name)
    assert command is not None, f"{page}: there is no command {name}"
    command.make_context(name, [word for word in arguments if word not in "&|"], resilient_parsing=True)


def test_make_has_the_targets_that_are_shown() -> None:
    shown = {word for _, words in ALL if words[:1] == ["make"] for word in words[1:] if "=" not in word}
    assert shown - TARGETS == set()
    assert {"demo", "test", "test-fast"} <= shown


def test_scripts_and_files_that_are_shown_exist() -> None:
    for page, words in ALL:
        for word in words:
            if re.fullmatch(r"(?:deploy|tests)/[\w./@-]+", word):
                assert (ROOT / word).exists(), f"{page}: {word}"


@pytest.mark.parametrize(("page", "words"), [each for each in ALL if each[1][:1] == ["az"]], ids=str)
def test_settings_in_commands_of_azure_exist(page: str, words: list[str]) -> None:
    from mcpsecurity_server.settings import ServerSettings
    from mcpsecurity_webclient.settings import WebSettings

    assert not any(word.startswith("–") for word in words), "an option begins with two hyphens"
    known = {
        str(key)
        for settings in (ServerSettings, WebSettings)
        for field in settings.model_fields.values()
        for key in getattr(field.validation_alias, "choices", [field.validation_alias])
    }
    given = {word.partition("=")[0] for word in words if re.match(r"(MCP|ENTRA|WEBCLIENT|AZURE)\w*=", word)}
    assert given <= known, page
