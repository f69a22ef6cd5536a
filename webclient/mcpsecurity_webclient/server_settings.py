"""Settings of one MCP server of the chat: where it is, and what its tools may do."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

__all__ = ["URL_PATTERN", "GrantScope", "McpServerSettings"]

URL_PATTERN = r"^https?://[^/]+(/.*)?$"
_MAX_PATTERNS = 500

GrantScope = Literal["arguments", "chat", "person"]
"""What a person can allow to run without asking: a call with its arguments, a tool in a conversation, a
tool."""

Pattern = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Patterns = Annotated[tuple[Pattern, ...], Field(max_length=_MAX_PATTERNS)]
"""Names of tools, in which `*` and `?` stand for other characters."""


class McpServerSettings(BaseModel):
    """One MCP server of the chat."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(
        pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,31}$", description="Short name, shown with its tools."
    )
    url: str = Field(pattern=URL_PATTERN, description="Its MCP endpoint.")
    scope: str | None = Field(None, description="Entra scope of its tokens; none: no token is sent.")
    title: str | None = Field(None, description="Name for people.")
    timeout: float = Field(30.0, gt=0, le=600, description="Seconds until an answer must begin.")
    asks: bool = Field(
        False,
        description="Whether it asks the person itself before it acts, so that Elicitation mode need not.",
    )
    trust_annotations: bool = Field(
        False,
        description="Whether to believe its word that a tool only reads: then Elicitation mode runs it.",
    )
    include: Patterns = Field(("*",), description="Patterns of the tools to offer; * and ? are wildcards.")
    exclude: Patterns = Field((), description="Patterns of tools that nobody gets to see.")
    always_ask: Patterns = Field(
        (), description="Patterns of tools that never run unasked: neither a mode nor a permission lets them."
    )
    never_ask: Patterns = Field(
        (),
        description="Patterns of tools that run unasked, unless their server says that they may destroy.",
    )
    refuse: Patterns = Field((), description="Patterns of tools that are listed, and never run.")
    roles: dict[Pattern, tuple[str, ...]] = Field(
        default_factory=dict,
        max_length=_MAX_PATTERNS,
        description="App roles of the web client by pattern: who sees which tools. Of each pattern that "
        "fits, one is needed.",
    )

    @property
    def plugin_name(self) -> str:
        """The name of its plugin in the kernel."""
        return self.name.replace("-", "_")
