"""Other people's MCP servers, and small ones on other people's frameworks: how each is started, and what can be
asked of it without harm. Each has a folder of its own, and knows no other."""

import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tests.browser.chromium import chromium_path
from tests.foreign.environments import NODE_PATH, installed_node, installed_python
from tests.support.node import NODE
from tests.support.ports import free_port
from tests.support.programs import Program

__all__ = ["SERVERS", "ForeignServer", "Running", "Use", "started"]

Command = list[str]
Use = tuple[str, dict[str, Any]]
"""A tool or a prompt, and arguments."""

_FOLDER = Path(__file__).parent
_ADD: Use = ("add", {"a": 2, "b": 0.5})
_WAIT: Use = ("wait", {"seconds": 30})
_NOTE = "note://one"


@dataclass(frozen=True)
class ForeignServer:
    """A server: how to start it on a port in an empty folder, and what to ask it.

    `wrong` is a call with arguments that do not fit, `slow` one that takes long, `asks` one that asks for a
    name. `quick`: it is met by `make test`, too. `varies` names tools whose results are never twice the same.
    """

    name: str
    command: Callable[[Path, int], Command]
    calls: tuple[Use, ...]
    wrong: Use
    slow: Use | None = _WAIT
    asks: Use | None = None
    prompts: tuple[Use, ...] = ()
    resources: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    path: str = "/mcp"
    quick: bool = False
    varies: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return self.name


class Running(NamedTuple):
    """A server that runs: `program` can be stopped and started again."""

    server: ForeignServer
    program: Program
    url: str
    folder: Path

    def filled(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return arguments with the server's own folder and port in them."""
        text = json.dumps(arguments).replace("{folder}", str(self.folder))
        filled: dict[str, Any] = json.loads(text.replace("{port}", str(self.program.port)))
        return filled


@asynccontextmanager
async def started(server: ForeignServer, folder: Path) -> AsyncIterator[Running]:
    """Run a server in a folder, with nothing of this machine's environment but the programs."""
    port = free_port()
    environment = {
        "PATH": NODE_PATH,
        "HOME": str(folder),
        "PORT": str(port),
        "MEMORY_FILE_PATH": str(folder / "memory.jsonl"),
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_OFFLINE": "1",
    }
    command = server.command(folder, port)
    program = Program(command, port, environment=environment, log=folder / "log.txt")
    await program.start()
    try:
        yield Running(server, program, f"http://{server.host}:{port}{server.path}", folder)
    finally:
        await program.stop()


def _node(group: str, script: str, *arguments: str) -> Callable[[Path, int], Command]:
    return lambda _, port: [str(NODE), str(installed_node(group) / script), *(arguments or (str(port),))]


def _module(package: str, script: str = "dist/index.js") -> str:
    return f"node_modules/@modelcontextprotocol/{package}/{script}"


def _python(group: str, script: str) -> Callable[[Path, int], Command]:
    return lambda _, port: [str(installed_python(group) / "python"), str(_FOLDER / group / script), str(port)]


def _files(folder: Path) -> Path:
    files = folder / "files"
    files.mkdir(exist_ok=True)
    for name in ("a.txt", "b.txt"):
        (files / name).write_text("first\nsecond — Größe\n", "utf-8")
    return files


def _gateway(*options: str, package: str, files: bool = False) -> Callable[[Path, int], Command]:
    """Serve a program that speaks over its standard streams by supergateway."""

    def command(folder: Path, port: int) -> Command:
        home = installed_node("npm")
        served = [str(NODE), str(home / _module(package)), *([str(_files(folder))] if files else [])]
        gateway = [str(NODE), str(home / "node_modules/supergateway/dist/index.js"), "--stdio"]
        rest = ["--outputTransport", "streamableHttp", "--port", str(port), "--logLevel", "none"]
        return [*gateway, " ".join(served), *rest, *options]

    return command


def _proxied(program: str, *arguments: str) -> Callable[[Path, int], Command]:
    """Serve a program that speaks over its standard streams by mcp-proxy."""

    def command(folder: Path, port: int) -> Command:
        filled = [argument.format(folder=folder) for argument in arguments]
        proxy = [str(installed_python("python_more") / "mcp-proxy"), "--host", "127.0.0.1", "--port", str(port)]
        return [*proxy, "--pass-environment", "--", str(installed_python("python") / program), *filled]

    return command


def _git(folder: Path, port: int) -> Command:
    repository = folder / "repository"
    git = shutil.which("git")
    assert git is not None
    if not repository.exists():
        repository.mkdir()
        (repository / "a.txt").write_text("one\n", "utf-8")
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        for step in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-q", "-m", "First")):
            subprocess.run([git, *who, *step], cwd=repository, check=True)  # noqa: S603 - git itself
        (repository / "a.txt").write_text("two\n", "utf-8")
    return _proxied("mcp-server-git", "--repository", str(repository))(folder, port)


def _playwright(folder: Path, port: int) -> Command:
    script = installed_node("npm_more") / "node_modules/@playwright/mcp/cli.js"
    options = ["--headless", "--no-sandbox", "--isolated", "--output-dir", str(folder / "output")]
    return [str(NODE), str(script), "--port", str(port), *options, "--executable-path", str(chromium_path())]


_EVERYTHING = ForeignServer(
    "everything",
    _node("npm", _module("server-everything"), "streamableHttp"),
    calls=(
        ("echo", {"message": "Grüße 👋"}),
        ("get-sum", {"a": 2, "b": 40}),
        ("get-tiny-image", {}),
        ("get-structured-content", {"location": "Chicago"}),
        ("get-annotated-message", {"messageType": "error", "includeImage": True}),
        ("get-resource-reference", {"resourceType": "Text", "resourceId": 1}),
        ("get-resource-links", {"count": 3}),
    ),
    wrong=("get-sum", {"a": "two"}),
    slow=("trigger-long-running-operation", {"duration": 30, "steps": 60}),
    prompts=(
        ("simple-prompt", {}),
        ("args-prompt", {"city": "Bern"}),
        ("resource-prompt", {"resourceType": "Text", "resourceId": "1"}),
    ),
    resources=("demo://resource/static/document/architecture.md", "demo://resource/dynamic/text/1"),
    quick=True,
)
SERVERS = [
    _EVERYTHING,
    ForeignServer(
        "TypeScript-SDK-2",
        _node("npm", "modern.mjs"),
        calls=(_ADD, ("list", {}), ("fail", {})),
        wrong=("add", {"a": "two"}),
        asks=("greet", {}),
        prompts=(("greeting", {"name": "Ada"}),),
        resources=(_NOTE, "note://none"),
        quick=True,
    ),
    ForeignServer(
        "filesystem",
        _gateway("--stateful", package="server-filesystem", files=True),
        calls=(
            ("list_allowed_directories", {}),
            ("read_text_file", {"path": "a.txt"}),
            ("list_directory", {"path": "."}),
            ("write_file", {"path": "b.txt", "content": "new\n"}),
            ("read_text_file", {"path": "/etc/passwd"}),
            ("search_files", {"path": ".", "pattern": "**/*.txt"}),
        ),
        wrong=("read_text_file", {}),
        slow=None,
        quick=True,
    ),
    ForeignServer(
        "memory",
        _gateway(package="server-memory"),
        calls=(
            ("read_graph", {}),
            ("create_entities", {"entities": [{"name": "Ada", "entityType": "person", "observations": ["x"]}]}),
            ("search_nodes", {"query": "Ada"}),
            ("delete_entities", {"entityNames": ["Ada"]}),
        ),
        wrong=("create_entities", {"entities": "none"}),
        slow=None,
    ),
    ForeignServer(
        "sequential-thinking",
        _gateway("--stateful", package="server-sequential-thinking"),
        calls=(
            (
                "sequentialthinking",
                {"thought": "x", "nextThoughtNeeded": False, "thoughtNumber": 1, "totalThoughts": 1},
            ),
        ),
        wrong=("sequentialthinking", {}),
        slow=None,
        varies=frozenset({"sequentialthinking"}),
    ),
    ForeignServer(
        "time",
        _proxied("mcp-server-time", "--local-timezone", "UTC"),
        calls=(
            ("get_current_time", {"timezone": "Europe/Zurich"}),
            ("convert_time", {"source_timezone": "UTC", "time": "16:30", "target_timezone": "Asia/Tokyo"}),
            ("get_current_time", {"timezone": "Nowhere"}),
        ),
        wrong=("get_current_time", {}),
        slow=None,
        varies=frozenset({"get_current_time"}),
    ),
    ForeignServer(
        "git",
        _git,
        calls=(
            ("git_status", {"repo_path": "{folder}/repository"}),
            ("git_diff_unstaged", {"repo_path": "{folder}/repository"}),
            ("git_log", {"repo_path": "{folder}/repository"}),
            ("git_status", {"repo_path": "/"}),
        ),
        wrong=("git_diff", {}),
        slow=None,
    ),
    ForeignServer(
        "fetch",
        _proxied("mcp-server-fetch", "--ignore-robots-txt", "--allow-private-ips"),
        calls=(
            ("fetch", {"url": "http://127.0.0.1:{port}/nothing", "raw": True}),
            ("fetch", {"url": "http://127.0.0.1:1/"}),
        ),
        wrong=("fetch", {"url": 7}),
        slow=None,
    ),
    ForeignServer(
        "FastMCP-4",
        _python("python", "server.py"),
        calls=(_ADD, ("fail", {}), ("report", {})),
        wrong=("add", {"a": "two"}),
        asks=("greet", {}),
        prompts=(("greeting", {"name": "Ada"}),),
        resources=(_NOTE, "note://by/Ada", "note://none"),
    ),
    ForeignServer(
        "fastapi-mcp",
        _python("python_more", "fastapi_app.py"),
        calls=(
            ("get_item", {"number": 7, "full": True}),
            ("get_item", {"number": 0}),
            ("add_item", {"name": "x", "price": 1.5, "tags": ["a"]}),
        ),
        wrong=("add_item", {"price": "much"}),
    ),
    ForeignServer(
        "gradio",
        _python("python_more", "gradio_app.py"),
        calls=(_ADD, ("shout", {"text": "hey", "times": "twice"})),
        wrong=("shout", {"times": 7}),
        path="/gradio_api/mcp",  # which it redirects to the same with a slash
    ),
    ForeignServer(
        "chuk",
        _python("python_more", "chuk.py"),
        calls=(_ADD,),
        wrong=("add", {"a": "two"}),
        resources=(_NOTE,),
    ),
    ForeignServer(
        "FastMCP-in-TypeScript",
        _node("npm_more", "fastmcp.mjs"),
        calls=(_ADD, ("fail", {}), ("stream", {})),
        wrong=("add", {"a": "two"}),
        prompts=(("greeting", {"name": "Ada"}),),
        resources=(_NOTE, "note://by/Ada"),
    ),
    ForeignServer(
        "hono",
        _node("npm_more", "hono.mjs"),
        calls=(_ADD,),
        wrong=("add", {"a": "two"}),
        asks=("greet", {}),
    ),
    ForeignServer(
        "mastra",
        _node("npm_more", "mastra.mjs"),
        calls=(_ADD, ("list", {"count": 3})),
        wrong=("add", {"a": "two"}),
    ),
    ForeignServer(
        "tmcp",
        _node("npm_more", "tmcp.mjs"),
        calls=(_ADD,),
        wrong=("add", {"a": "two"}),
        prompts=(("greeting", {"name": "Ada"}),),
        resources=(_NOTE,),
    ),
    ForeignServer(
        "mcp-lite",
        _node("npm_more", "lite.mjs"),
        calls=(_ADD,),
        wrong=("add", {"a": "two"}),
        prompts=(("greeting", {"name": "Ada"}),),
        resources=(_NOTE,),
    ),
    ForeignServer(
        "playwright",
        _playwright,
        calls=(("browser_navigate", {"url": "data:text/html,<h1>Hello</h1>"}), ("browser_snapshot", {})),
        wrong=("browser_navigate", {}),
        slow=("browser_wait_for", {"time": 30}),
        host="localhost",
        varies=frozenset({"browser_navigate", "browser_snapshot"}),
    ),
]
