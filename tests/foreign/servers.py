"""Other people's MCP servers, and small ones on other people's frameworks: how each is started, and what can
be asked of it without harm. Each runs in an empty folder of its own."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.browser.chromium import chromium_path
from tests.foreign.environments import installed_node, installed_python
from tests.foreign.running import Command, ForeignServer, Serve, Stdio, Use, Uses
from tests.support.node import NODE

__all__ = ["EVERYTHING_BY_SSE", "SERVERS"]

_FOLDER = Path(__file__).parent
_ADD: Use = ("add", {"a": 2, "b": 0.5})
_GREET: Use = ("greet", {})
_GREETING: tuple[Use, ...] = (("greeting", {"name": "Ada"}),)
_NOTE = "note://one"


def _node(group: str, script: str, *arguments: str) -> Serve:
    return lambda _, port: [str(NODE), str(installed_node(group) / script), *(arguments or (str(port),))]


def _module(package: str, script: str = "dist/index.js") -> str:
    return f"node_modules/@modelcontextprotocol/{package}/{script}"


def _python(group: str, script: str, *more: str) -> Serve:
    path = str(_FOLDER / group / script)
    return lambda _, port: [str(installed_python(group) / "python"), path, str(port), *more]


def _files(folder: Path) -> Path:
    files = folder / "files"
    files.mkdir(exist_ok=True)
    for name in ("a.txt", "b.txt"):
        (files / name).write_text("first\nsecond — Größe\n", "utf-8")
    return files


def _stdio(package: str, *, files: bool = False) -> Stdio:
    """Return how to start a program in JavaScript that speaks over its standard streams."""

    def command(folder: Path) -> Command:
        served = [str(NODE), str(installed_node("npm") / _module(package))]
        return [*served, str(_files(folder))] if files else served

    return command


def _python_stdio(program: str, *arguments: str) -> Stdio:
    return lambda _: [str(installed_python("python") / program), *arguments]


def _git(folder: Path) -> Command:
    repository, git = folder / "repository", shutil.which("git")
    assert git is not None
    if not repository.exists():
        repository.mkdir()
        (repository / "a.txt").write_text("one\n", "utf-8")
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        for step in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-q", "-m", "First")):
            subprocess.run([git, *who, *step], cwd=repository, check=True)  # noqa: S603 - git itself
        (repository / "a.txt").write_text("two\n", "utf-8")
    return [str(installed_python("python") / "mcp-server-git"), "--repository", str(repository)]


def _supergateway(served: Stdio, *options: str, transport: str = "streamableHttp") -> Serve:
    """Serve a program that speaks over its standard streams by supergateway."""

    def command(folder: Path, port: int) -> Command:
        script = installed_node("npm") / "node_modules/supergateway/dist/index.js"
        rest = ["--outputTransport", transport, "--port", str(port), "--logLevel", "none"]
        return [str(NODE), str(script), "--stdio", " ".join(served(folder)), *rest, *options]

    return command


def _mcp_proxy(served: Stdio) -> Serve:
    """Serve a program that speaks over its standard streams by mcp-proxy."""

    def command(folder: Path, port: int) -> Command:
        proxy = [str(installed_python("python_more") / "mcp-proxy"), "--host", "127.0.0.1"]
        return [*proxy, "--port", str(port), "--pass-environment", "--", *served(folder)]

    return command


def _playwright(folder: Path, port: int) -> Command:
    script = installed_node("npm_more") / "node_modules/@playwright/mcp/cli.js"
    options = ["--headless", "--no-sandbox", "--isolated", "--output-dir", str(folder / "output")]
    return [str(NODE), str(script), "--port", str(port), *options, "--executable-path", str(chromium_path())]


def _kubernetes(folder: Path, *options: str) -> Command:
    """Return a program in Go, for a cluster that does not answer."""
    file, script = folder / "kubeconfig", "node_modules/kubernetes-mcp-server/bin/index.js"
    cluster = {"name": "none", "cluster": {"server": "http://127.0.0.1:1"}}
    context = {"name": "none", "context": {"cluster": "none", "user": "ada"}}
    person = {"name": "ada", "user": {}}
    told = {"clusters": [cluster], "contexts": [context], "users": [person], "current-context": "none"}
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", **told}), "utf-8")
    program = [str(NODE), str(installed_node("npm_popular") / script)]
    return [*program, "--kubeconfig", str(file), *options]


def _map(_: Path) -> Command:
    script = installed_node("npm_popular") / _module("server-map")
    return [str(NODE), str(script), "--stdio"]


def _sqlite(folder: Path) -> Command:
    program = installed_python("python_popular") / "mcp-server-sqlite"
    return [str(program), "--db-path", str(folder / "rows.db")]


_FILESYSTEM = _stdio("server-filesystem", files=True)
_MEMORY, _THINKING = _stdio("server-memory"), _stdio("server-sequential-thinking")
_TIME = _python_stdio("mcp-server-time", "--local-timezone", "UTC")
_FETCH = _python_stdio("mcp-server-fetch", "--ignore-robots-txt", "--allow-private-ips")
_EVERYTHING = ForeignServer(
    "everything",
    _node("npm", _module("server-everything"), "streamableHttp"),
    Uses(
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
    ),
    stdio=_stdio("server-everything"),
    quick=True,
)


def _sample(name: str, command: Serve, *calls: Use, **uses: Any) -> ForeignServer:
    """Return a small server on a framework: it has the tool `add`, and what `calls` and `uses` name."""
    wrong: Use = ("add", {"a": "two"})
    return ForeignServer(name, command, Uses(calls=(_ADD, *calls), **({"wrong": wrong} | uses)))


def _program(
    name: str, command: Serve, stdio: Stdio, *calls: Use, wrong: Use, varies: str = "", **more: Any
) -> ForeignServer:
    """Return a program that speaks over its standard streams, and the gateway that serves it.

    Every result of the tool `varies` is another one.
    """
    uses = Uses(calls=calls, wrong=wrong, slow=None, varies=frozenset(filter(None, [varies])), **more)
    return ForeignServer(name, command, uses, stdio=stdio)


def _older(server: ForeignServer, command: Serve) -> ForeignServer:
    """Return a server as it is with the older transport HTTP+SSE, started in another way."""
    address = "http://127.0.0.1:{port}/sse"
    return replace(
        server, name=f"{server.name}-by-SSE", command=command, address=address, stdio=None, quick=False
    )


_FASTMCP = _sample(
    "FastMCP-4",
    _python("python", "server.py"),
    ("fail", {}),
    ("report", {}),
    asks=_GREET,
    prompts=_GREETING,
    resources=(_NOTE, "note://by/Ada", "note://none"),
)
_MEMORIES = _program(
    "memory",
    _supergateway(_MEMORY),
    _MEMORY,
    ("read_graph", {}),
    ("create_entities", {"entities": [{"name": "Ada", "entityType": "person", "observations": ["x"]}]}),
    ("search_nodes", {"query": "Ada"}),
    ("delete_entities", {"entityNames": ["Ada"]}),
    wrong=("create_entities", {"entities": "none"}),
)

EVERYTHING_BY_SSE = _older(_EVERYTHING, _node("npm", _module("server-everything"), "sse"))
SERVERS = [
    _EVERYTHING,
    replace(
        _sample(
            "TypeScript-SDK-2",
            _node("npm", "modern.mjs"),
            ("list", {}),
            ("fail", {}),
            asks=_GREET,
            prompts=_GREETING,
            resources=(_NOTE, "note://none"),
        ),
        quick=True,
    ),
    replace(
        _program(
            "filesystem",
            _supergateway(_FILESYSTEM, "--stateful"),
            _FILESYSTEM,
            ("list_allowed_directories", {}),
            ("read_text_file", {"path": "a.txt"}),
            ("list_directory", {"path": "."}),
            ("write_file", {"path": "b.txt", "content": "new\n"}),
            ("read_text_file", {"path": "/etc/passwd"}),
            ("search_files", {"path": ".", "pattern": "**/*.txt"}),
            wrong=("read_text_file", {}),
        ),
        quick=True,
    ),
    _MEMORIES,
    _program(
        "sequential-thinking",
        _supergateway(_THINKING, "--stateful"),
        _THINKING,
        (
            "sequentialthinking",
            {"thought": "x", "nextThoughtNeeded": False, "thoughtNumber": 1, "totalThoughts": 1},
        ),
        wrong=("sequentialthinking", {}),
        varies="sequentialthinking",
    ),
    _program(
        "time",
        _mcp_proxy(_TIME),
        _TIME,
        ("get_current_time", {"timezone": "Europe/Zurich"}),
        ("convert_time", {"source_timezone": "UTC", "time": "16:30", "target_timezone": "Asia/Tokyo"}),
        ("get_current_time", {"timezone": "Nowhere"}),
        wrong=("get_current_time", {}),
        varies="get_current_time",
    ),
    _program(
        "git",
        _mcp_proxy(_git),
        _git,
        ("git_status", {"repo_path": "{folder}/repository"}),
        ("git_diff_unstaged", {"repo_path": "{folder}/repository"}),
        ("git_log", {"repo_path": "{folder}/repository"}),
        ("git_status", {"repo_path": "/"}),
        wrong=("git_diff", {}),
    ),
    _program(
        "fetch",
        _mcp_proxy(_FETCH),
        _FETCH,
        ("fetch", {"url": "http://127.0.0.1:{port}/status", "raw": True}),
        ("fetch", {"url": "http://127.0.0.1:1/"}),
        wrong=("fetch", {"url": 7}),
        varies="fetch",
    ),
    _FASTMCP,
    replace(_FASTMCP, name="FastMCP-2", command=_python("python_popular", "../python/server.py")),
    _program(
        "sqlite",
        _mcp_proxy(_sqlite),
        _sqlite,
        ("read_query", {"query": "SELECT 1 AS one, 'Größe' AS two"}),
        ("create_table", {"query": "CREATE TABLE IF NOT EXISTS rows (a INTEGER, b TEXT)"}),
        ("write_query", {"query": "INSERT INTO rows VALUES (1, 'Größe')"}),
        ("read_query", {"query": "SELECT DISTINCT * FROM rows"}),
        ("read_query", {"query": "SELECT * FROM none"}),
        wrong=("read_query", {}),
        prompts=(("mcp-demo", {"topic": "cats"}),),
        resources=("memo://insights",),
    ),
    ForeignServer(
        "kubernetes",
        lambda folder, port: _kubernetes(folder, "--port", str(port)),
        Uses(
            calls=(("configuration_view", {}), ("pods_list", {}), ("namespaces_list", {})),
            wrong=("pods_get", {}),
            slow=None,
        ),
        stdio=_kubernetes,
    ),
    ForeignServer(
        "map",
        _node("npm_popular", _module("server-map")),
        Uses(
            calls=(("show-map", {"west": 7, "south": 46, "east": 8, "north": 47}),),
            wrong=("show-map", {"west": "far"}),
            slow=None,
            resources=("ui://cesium-map/mcp-app.html",),
        ),
        stdio=_map,
    ),
    ForeignServer(
        "fastapi-mcp",
        _python("python_more", "fastapi_app.py"),
        Uses(
            calls=(
                ("get_item", {"number": 7, "full": True}),
                ("get_item", {"number": 0}),
                ("add_item", {"name": "x", "price": 1.5, "tags": ["a"]}),
            ),
            wrong=("add_item", {"price": "much"}),
        ),
    ),
    replace(
        _sample(
            "gradio",
            _python("python_more", "gradio_app.py"),
            ("shout", {"text": "hey", "times": "twice"}),
            wrong=("shout", {"times": 7}),
        ),
        address="http://127.0.0.1:{port}/gradio_api/mcp",
    ),
    _sample("chuk", _python("python_more", "chuk.py"), resources=(_NOTE,)),
    _sample(
        "litestar",
        _python("python_more", "litestar_app.py"),
        ("fail", {}),
        prompts=_GREETING,
        resources=(_NOTE,),
    ),
    _sample(
        "fastapi-mcp-router",
        _python("python_more", "router_app.py"),
        ("fail", {}),
        prompts=_GREETING,
        resources=(_NOTE,),
    ),
    _sample(
        "FastMCP-in-TypeScript",
        _node("npm_more", "fastmcp.mjs"),
        ("fail", {}),
        ("stream", {}),
        prompts=_GREETING,
        resources=(_NOTE, "note://by/Ada"),
    ),
    _sample(
        "mcp-framework",
        _node("npm_popular", "framework/index.js"),
        ("fail", {}),
        prompts=_GREETING,
        resources=(_NOTE,),
    ),
    _sample("hono", _node("npm_more", "hono.mjs"), asks=_GREET),
    _sample("mastra", _node("npm_more", "mastra.mjs"), ("list", {"count": 3})),
    _sample("tmcp", _node("npm_more", "tmcp.mjs"), prompts=_GREETING, resources=(_NOTE,)),
    _sample("mcp-lite", _node("npm_more", "lite.mjs"), prompts=_GREETING, resources=(_NOTE,)),
    ForeignServer(
        "playwright",
        _playwright,
        Uses(
            calls=(("browser_navigate", {"url": "data:text/html,<h1>Hello</h1>"}), ("browser_snapshot", {})),
            wrong=("browser_navigate", {}),
            slow=("browser_wait_for", {"time": 30}),
            varies=frozenset({"browser_navigate", "browser_snapshot"}),
        ),
        address="http://localhost:{port}/mcp",
    ),
    EVERYTHING_BY_SSE,
    _older(_FASTMCP, _python("python", "server.py", "sse")),
    _older(_MEMORIES, _supergateway(_MEMORY, transport="sse")),
]
