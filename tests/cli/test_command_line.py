"""The command line lists its commands without loading what they need."""

import click
import pytest
from tests.support.imports import HEAVY, loaded_by

from mcpsecurity.cli import command_line


def test_help_loads_no_command() -> None:
    loaded = loaded_by(
        "from mcpsecurity.cli import command_line; command_line(['--help'], standalone_mode=False)"
    )
    assert "click" in loaded
    assert loaded & HEAVY == set()


@pytest.mark.parametrize("name", command_line.list_commands(click.Context(command_line)))
def test_the_list_says_of_each_command_what_the_command_says_of_itself(name: str) -> None:
    context = click.Context(command_line, info_name="mcpsecurity")
    formatter = click.HelpFormatter(width=500, max_width=500)
    command_line.format_commands(context, formatter)
    listed = dict(line.split(None, 1) for line in formatter.getvalue().splitlines() if line.startswith("  "))
    command = command_line.get_command(context, name)
    assert command is not None
    first_paragraph = " ".join((command.help or "").partition("\n\n")[0].split())
    assert listed[name].rstrip() == first_paragraph.partition(". ")[0].rstrip(".") + "."
