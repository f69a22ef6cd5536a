"""Has the real Azure CLI read every `az` command of the guide and of `register.sh`. Run before a release.

    python -m venv /tmp/az && /tmp/az/bin/pip install azure-cli
    /tmp/az/bin/python tests/docs/parse_az.py

Nothing is sent: the commands are parsed, with their variables as they stand. Exit code 1: one is refused.
"""

import contextlib
import io
import re
import shlex
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["commands_in"]

ROOT = Path(__file__).parents[2]
GUIDE, SCRIPT = ROOT / "docs" / "entra-setup.md", ROOT / "deploy" / "azure" / "register.sh"
_COMMAND = re.compile(
    r"""\baz\ (?=[a-z])(?:
        "(?:[^"\\]|\\.)*" | '[^']*' | \\\n | \#(?=\S) | \ (?!\d?>|\#|&|\|) | [^\s"'\\)|;&>\#]
    )+""",
    re.VERBOSE,
)


def commands_in(text: str) -> Iterator[list[str]]:
    """Yield the arguments of each `az` command in a shell script."""
    for found in _COMMAND.finditer(text):
        words = shlex.split(found[0].replace("\\\n", " "))[1:]
        yield [word for word in words if word != "$@"]


def _all() -> Iterator[list[str]]:
    for block in re.findall(r"^```sh\n(.*?)^```", GUIDE.read_text("utf-8"), re.DOTALL | re.MULTILINE):
        yield from commands_in(block)
    lines = SCRIPT.read_text("utf-8").splitlines()
    yield from commands_in("\n".join(line for line in lines if not line.lstrip().startswith(("#", "echo"))))


def _refusal(words: list[str]) -> str | None:
    """Return why the Azure CLI does not take a command."""
    # The Azure CLI has an environment of its own, in which this program runs.
    core = import_module("azure.cli.core")
    cli: Any = core.get_default_cli()
    count = next((n for n, word in enumerate(words) if word.startswith("-")), len(words))
    name = " ".join(words[:count])
    cli.invocation = run = cli.invocation_cls(
        cli_ctx=cli,
        parser_cls=cli.parser_cls,
        commands_loader_cls=cli.commands_loader_cls,
        help_cls=cli.help_cls,
    )
    run.data["command_string"] = name
    run.commands_loader.load_command_table(words)
    if name not in run.commands_loader.command_table:
        return "there is no such command"
    run.commands_loader.command_name = name
    run.commands_loader.load_arguments(name)
    run.parser.load_command_table(run.commands_loader)
    told = io.StringIO()
    try:
        with contextlib.redirect_stderr(told):
            run.parser.parse_args(words)
    except (SystemExit, Exception) as error:  # noqa: BLE001 - whatever it raises, the command is refused
        return f"{told.getvalue().strip()[:300]} {error}"
    return None


def main() -> int:
    """Parse all commands and print what is refused."""
    commands = list(_all())
    refused = [(words, why) for words in commands if (why := _refusal(words)) is not None]
    for words, why in refused:
        print(f"az {shlex.join(words)[:200]}\n    {why}")
    print(f"{len(commands)} commands, {len(refused)} refused")
    return int(bool(refused) or len(commands) < 20)


if __name__ == "__main__":
    sys.exit(main())
