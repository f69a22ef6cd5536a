"""The command `mcpsecurity`.

The services' commands are found by the entry point group `mcpsecurity.commands`, so that this package imports
neither of them and works without what they need.
"""

import io
import sys
from importlib.metadata import entry_points

import click

from mcpsecurity.runtime.errors import SettingsError

__all__ = ["command_line", "main"]

_OWN = {
    "chat": "mcpsecurity.cli.chat:chat",
    "demo": "mcpsecurity.cli.demo:demo",
    "localcloud": "mcpsecurity.cli.localcloud:localcloud",
    "token": "mcpsecurity.cli.token:token",
}

_SUMMARIES = {
    "chat": "Chat in the terminal, with the MCP server's tools.",
    "demo": "Run local cloud, MCP server and web chat together until Ctrl-C.",
    "doctor": "Check the configuration of server, web client and model, and say what to change.",
    "localcloud": "Run the local cloud: Entra ID, Azure OpenAI answered by rules, Graph and weather.",
    "server": "Run the MCP server.",
    "token": "Print an access token of the running local tenant for the MCP server.",
    "webclient": "Run the web chat.",
}
"""The first sentence of each command's help. A list of commands loads none of them."""

_EXTRAS = {"chat": "console"}


class Commands(click.Group):
    """A group whose commands are imported when they are named."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted({*_OWN, *entry_points(group="mcpsecurity.commands").names})

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands by their summaries; one that has none is loaded for its own."""
        rows = []
        for name in self.list_commands(ctx):
            command = None if name in _SUMMARIES else self.get_command(ctx, name)
            rows.append((name, _SUMMARIES[name] if command is None else command.get_short_help_str(80)))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        target = _OWN.get(name)
        try:
            if target is not None:
                return _load(target)
            found = entry_points(group="mcpsecurity.commands", name=name)
            return _load(next(iter(found)).value) if found else None
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("mcpsecurity"):
                raise
            hint = f"`{name}` needs {error.name}: pip install 'mcpsecurity[{_EXTRAS.get(name, name)}]'"
            return click.Command(
                name,
                callback=lambda: ctx.fail(hint),
                short_help="(not installed)",
                context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
            )


def _load(target: str) -> click.Command:
    module, _, attribute = target.partition(":")
    command = getattr(__import__(module, fromlist=[attribute]), attribute)
    assert isinstance(command, click.Command), target  # noqa: S101 - an entry point of our own
    return command


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mcpsecurity")
def command_line() -> None:
    """A secure MCP system: server, web chat, and a local cloud to run them without an account."""


def main() -> None:
    """Run the command line; a wrong setting ends with exit code 2 and one line for each on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without a letter gets ? in its place
    try:
        command_line(prog_name="mcpsecurity")
    except SettingsError as error:
        print("mcpsecurity: these settings are missing or wrong:", file=sys.stderr)
        for line in str(error).splitlines():
            print(f"  {line}", file=sys.stderr)
        sys.exit(2)
