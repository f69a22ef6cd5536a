"""The demo's first lines: which page to open, as which user, and other things to try."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from mcpsecurity.own_servers import LeftOut

_OF_EDITORS = (
    ".cursor/mcp.json",
    ".config/Code/User/mcp.json",
    "Library/Application Support/Code/User/mcp.json",
    "Library/Application Support/Claude/claude_desktop_config.json",
    "AppData/Roaming/Code/User/mcp.json",
    "AppData/Roaming/Claude/claude_desktop_config.json",
    ".codeium/windsurf/mcp_config.json",
    ".lmstudio/mcp.json",
    ".copilot/mcp-config.json",
    ".aws/amazonq/mcp.json",
)
"""Files in a person's folder that have MCP servers, and nothing else."""

_ENDED = (
    "does not run: its command ended at its start; what it said is above. The chat lists it as unavailable."
)


def welcome(
    webclient: str, mcp: str, users: list[str], offset: int, remark: str = "", own_servers: Sequence[str] = ()
) -> str:
    """Return the lines that the demo prints when everything answers."""
    first, *others = users
    guests = [name for name in others if name.partition("@")[2] != first.partition("@")[2]]
    colleagues = [name for name in others if name not in guests]
    command = own_command()
    with_offset = f" --port-offset {offset}" if offset else ""
    lines = [
        "",
        f"  Open        {webclient}",
        f"  Sign in as  {first} (no password is asked)",
        "",
        *(f"  {name} is a colleague with conversations of their own." for name in colleagues),
        *(f"  {name} is a guest from another company." for name in guests),
        "",
        "  The weather is made up, as are the people and the company.",
        "",
        f"  {command} chat --local{with_offset}",
        "      the same chat in a terminal",
        f"  {command} token --user {first.partition('@')[0]}{with_offset}",
        f"      an access token, to try the MCP server at {mcp} by hand",
        "",
        *([f"  {remark}"] if remark else []),
        *(f"  {line}" for line in own_servers),
        "  Ctrl-C ends everything.",
        "",
    ]
    return "\n".join(lines)


def servers_lines(
    titles: Sequence[str],
    left_out: Sequence[LeftOut],
    late: Sequence[str] = (),
    ended: Sequence[str] = (),
) -> list[str]:
    """Return the lines that say which MCP servers of the person's own are used, left out, late or ended."""
    if not titles and not left_out:
        return []
    names = {*(missing.title for missing in left_out), *ended}
    used = ", ".join(title for title in titles if title not in names) or "none"
    return [
        f"MCP servers of your own: {used}",
        *(f"  {title} is still starting; the chat uses it as soon as it answers." for title in late),
        *(f"  {title} {_ENDED}" for title in ended),
        *(f"  {missing.title} is left out: {missing.reason}." for missing in left_out),
    ]


def editor_hint(typed: str, home: Path | None = None) -> list[str]:
    """Return the lines that say how the demo gets the MCP servers of an editor, by the file that is there.

    `typed` is how a person starts the demo, with `{}` for the options.
    """
    home = Path.home() if home is None else home
    found = next((name for name in _OF_EDITORS if (home / name).is_file()), None)
    path = "FILE"
    if found is not None:
        path = f"'{home / found}'" if " " in str(home / found) else f"~/{found}"
    there = (
        "the MCP servers of that file, too" if found else "the MCP servers in the file of your editor, too"
    )
    return [typed.format(f"--mcp-config {path}"), f"    {there}"]


def own_command(program: str = sys.argv[0]) -> str:
    """Return how this person types `mcpsecurity`: by its name where PATH leads to it, else by its path.

    The PATH that `uvx` gives its command is not the one of other terminals. uv tells itself by `UV`.
    """
    beside = Path(sys.executable).with_name("mcpsecurity.exe" if sys.platform == "win32" else "mcpsecurity")
    by_uvx = "UV" in os.environ and "VIRTUAL_ENV" not in os.environ
    found = None if by_uvx else shutil.which("mcpsecurity")
    if found is not None and Path(found).resolve() in (beside.resolve(), Path(program).resolve()):
        return "mcpsecurity"
    if not beside.exists():
        return "python -m mcpsecurity"
    try:
        return str(beside.relative_to(Path.cwd()))
    except ValueError:
        return str(beside)
