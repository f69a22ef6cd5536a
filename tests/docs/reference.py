"""The reference in docs/: settings, commands, and what the server offers, as the program itself says it.

`make reference` writes it between two comments of each page; `--check` only compares.
"""

import asyncio
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import click
from pydantic_core import PydanticUndefined

from mcpsecurity.cli import command_line
from mcpsecurity.console.settings import ConsoleSettings, TenantSettings
from mcpsecurity.localcloud import LocalCloudSettings
from mcpsecurity.settings import Settings
from mcpsecurity_server.settings import ServerSettings
from mcpsecurity_server.tools.elicitation import Elicitor
from mcpsecurity_server.tools.registry import build_mcp
from mcpsecurity_webclient.settings import WebSettings

DOCS: Final = Path(__file__).parents[2] / "docs"
_BEGIN: Final = "<!-- generated: make reference -->"
_END: Final = "<!-- end of the generated part -->"
_WIDTH: Final = 100
_SETTINGS: Final[dict[str, type[Settings]]] = {
    "MCP server": ServerSettings,
    "Web chat": WebSettings,
    "Terminal chat": ConsoleSettings,
    "Terminal chat, with Entra ID": TenantSettings,
    "Local cloud": LocalCloudSettings,
}


def main(arguments: list[str]) -> int:
    """Write the pages, or with `--check` name those that are not up to date; return the exit status."""
    old = [page for page in PAGES if updated(page) != (DOCS / page).read_text("utf-8")]
    if "--check" in arguments:
        for page in old:
            print(f"docs/{page} is not what the program says: run `make reference`", file=sys.stderr)
        return 1 if old else 0
    for page in old:
        (DOCS / page).write_text(updated(page), "utf-8")
    return 0


def updated(page: str) -> str:
    """Return a page's text with its generated part made again."""
    before, _, rest = (DOCS / page).read_text("utf-8").partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not end:
        raise ValueError(f"docs/{page} lacks the line {_BEGIN} or {_END}")
    return f"{before}{_BEGIN}\n\n{PAGES[page]()}\n\n{_END}{after}"


def configuration() -> str:
    """Return a table of environment variables for each service."""
    return "\n\n".join(f"## {title}\n\n{_table(cls)}" for title, cls in _SETTINGS.items())


def commands() -> str:
    """Return each command with its help."""
    group = click.Context(
        command_line, info_name="mcpsecurity", terminal_width=_WIDTH, **command_line.context_settings
    )
    found = {name: command_line.get_command(group, name) for name in command_line.list_commands(group)}
    return "\n\n".join(
        _command(name, command, group) for name, command in found.items() if command is not None
    )


def tools() -> str:
    """Return what the server offers: tools, prompts, resources."""
    return asyncio.run(_offers())


def _table(cls: type[Settings]) -> str:
    rows = ["| Key | Default | |", "|---|---|---|"]
    for field in cls.model_fields.values():
        alias = field.validation_alias
        key = getattr(alias, "choices", [alias])[0]
        rows.append(f"| `{key}` | {_default(field)} | {_cell(field.description or '')} |")
    return "\n".join(rows)


def _default(field: Any) -> str:
    if field.default_factory is not None:
        return "in your user folder"
    if field.default is PydanticUndefined or (field.default == "" and field.validate_default):
        return "**needed**"
    if field.default in (None, "", (), {}):
        return "–"
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("<", "&lt;").replace("\n", " ")


def _command(name: str, command: click.Command, group: click.Context) -> str:
    text = command.get_help(click.Context(command, group, info_name=name)).replace("```", "")
    return f"## {name}\n\n```text\n{text}\n```"


async def _offers() -> str:
    nothing: Any = object()  # that tools would ask, if one were called
    mcp = build_mcp(Elicitor("never", 1), nothing, nothing)
    parts = ["## Tools"]
    parts += ["\n\n".join(_tool(tool)) for tool in await mcp.list_tools()]
    parts.append("## Prompts")
    parts += [_prompt(prompt) for prompt in await mcp.list_prompts()]
    parts.append("## Resources")
    parts += [f"- `{resource.uri}`: {resource.description}" for resource in await mcp.list_resources()]
    return "\n\n".join(parts)


def _tool(tool: Any) -> Iterator[str]:
    yield f"### {tool.name}"
    yield _cell(tool.description or "")
    if properties := tool.inputSchema.get("properties"):
        needed = tool.inputSchema.get("required", [])
        rows = ["| Argument | | |", "|---|---|---|"]
        rows += [
            f"| `{name}` | {'needed' if name in needed else 'optional'} | {_cell(p.get('description', ''))} |"
            for name, p in properties.items()
        ]
        yield "\n".join(rows)
    hints = tool.annotations.model_dump(exclude_none=True, exclude={"title"}) if tool.annotations else {}
    if hints:
        yield "Hints: " + ", ".join(f"`{name}: {str(value).lower()}`" for name, value in hints.items())


def _prompt(prompt: Any) -> str:
    arguments = ", ".join(f"`{argument.name}`" for argument in prompt.arguments or ())
    return f"- `{prompt.name}`: {prompt.description}" + (f" Arguments: {arguments}." if arguments else "")


PAGES: Final[dict[str, Callable[[], str]]] = {
    "configuration.md": configuration,
    "cli.md": commands,
    "tools.md": tools,
}
"""The pages with a generated part, and what makes it."""

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
