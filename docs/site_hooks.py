"""What the documentation site is told by the program: settings, commands, tools, notebooks."""

import asyncio
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import click
import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from pydantic_core import PydanticUndefined

from mcpsecurity.cli import command_line
from mcpsecurity.console.settings import ConsoleSettings, TenantSettings
from mcpsecurity.localcloud import LocalCloudSettings
from mcpsecurity.settings import Settings
from mcpsecurity_server.settings import ServerSettings
from mcpsecurity_server.tools.elicitation import Elicitor
from mcpsecurity_server.tools.registry import build_mcp
from mcpsecurity_webclient.settings import WebSettings

_MARKER = re.compile(r"<!-- generated: (\w+) -->")
_SETTINGS: dict[str, type[Settings]] = {
    "MCP server": ServerSettings,
    "Web chat": WebSettings,
    "Terminal chat": ConsoleSettings,
    "Terminal chat, with Entra ID": TenantSettings,
    "Local cloud": LocalCloudSettings,
}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the pages that the navigation does not name. A warning of Semantic Kernel's own, which MkDocs would
    print with a traceback, is not shown."""
    warnings.filterwarnings("ignore", message="The `__get_pydantic_core_schema__` method")
    nav = config.nav or []
    more = sorted(page.name for page in Path(config.docs_dir).glob("*.md") if page.name not in str(nav))
    config.nav = cast("list[Any]", [*nav, {"More": more}] if more else nav)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Make a page of each notebook."""
    for path in sorted((Path(config.docs_dir) / "notebooks").glob("*.ipynb")):
        content = notebook_page(path)
        files.append(File.generated(config, f"notebooks/{path.stem}.md", content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 - MkDocs' signature
    """Put generated text in its place."""
    made = {"configuration": configuration, "commands": commands, "tools": tools}
    return _MARKER.sub(lambda found: made[found[1]](), markdown)


def configuration() -> str:
    """Return a table of environment variables for each service."""
    return "\n\n".join(f"## {title}\n\n{_table(cls)}" for title, cls in _SETTINGS.items())


def commands() -> str:
    """Return each command with its help."""
    context = click.Context(command_line, info_name="mcpsecurity")
    found = {name: command_line.get_command(context, name) for name in command_line.list_commands(context)}
    return "\n\n".join(_command(name, command) for name, command in found.items() if command is not None)


def tools() -> str:
    """Return what the server offers: tools, prompts, resources."""
    return asyncio.run(_offers())


def notebook_page(path: Path) -> str:
    """Return a notebook as Markdown: its text, code, and what it printed."""
    notebook = nbformat.reads(path.read_text("utf-8"), as_version=4)
    parts = [f"[The notebook]({path.name}){{ download }}"]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(re.sub(r"\(([\w-]+)\.ipynb\)", r"(\1.md)", cell.source))
            continue
        parts.append(f"```python\n{cell.source}\n```")
        shown = [out.get("text") or out.get("data", {}).get("text/plain", "") for out in cell.outputs]
        if text := "\n".join(shown).strip():
            parts.append(f"```text\n{text}\n```")
    heading = next((i for i, part in enumerate(parts) if part.startswith("# ")), 0)
    parts.insert(heading, parts.pop(0))
    return "\n\n".join(parts)


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


def _command(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=f"mcpsecurity {name}")
    text = command.get_help(context).replace("```", "")
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
