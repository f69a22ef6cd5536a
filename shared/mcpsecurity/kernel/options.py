"""How a client connects a kernel with an MCP server."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from mcp.client.session import SamplingFnT
    from mcp.shared.session import ProgressFnT
    from semantic_kernel.functions import KernelPlugin

    from mcpsecurity.client import ToolText
    from mcpsecurity.elicitation.handler import ElicitationHandler

Ask: TypeAlias = "ElicitationHandler | Literal['here'] | None"
"""The handler of a server's questions: a given one, one that asks the person here, or none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """The options of `McpClient`, which says what each means."""

    plugin_name: str = "Tools"
    include: frozenset[str] | None = None
    exclude: frozenset[str] = frozenset()
    prefix: str = ""
    prompts: bool = False
    resources: bool = False
    ask: Ask = "here"
    approve: bool = False
    sampling: "SamplingFnT | None" = None
    progress: "ProgressFnT | None" = None
    on_result: "Callable[[str, ToolText], None] | None" = None
    on_change: "Callable[[KernelPlugin], None] | None" = None
    headers: Mapping[str, str] | None = None
    ca_file: Path | str | None = None
