"""The system overview: a resource that lists the registered tools, prompts and resources."""

from mcp.server.fastmcp import FastMCP
from mcp.types import Prompt, Tool

OVERVIEW_URI = "mcpsecurity://system-overview"


def register_overview(mcp: FastMCP[None]) -> None:
    """Register the resource. Each read describes the current registrations."""

    @mcp.resource(
        OVERVIEW_URI,
        name="system-overview",
        title="System overview",
        description="What this server offers: tools with their parameters, prompts and resources.",
        mime_type="text/markdown",
    )
    async def system_overview() -> str:
        sections = [
            f"# {mcp.name}",
            mcp.instructions or "",
            "## Tools",
            *(_tool(tool) for tool in await mcp.list_tools()),
            "## Prompts",
            *(_prompt(prompt) for prompt in await mcp.list_prompts()),
            "## Resources",
            *(f"- `{resource.uri}`: {resource.description}" for resource in await mcp.list_resources()),
        ]
        return "\n\n".join(section for section in sections if section) + "\n"


def _tool(tool: Tool) -> str:
    lines = [f"### {tool.title or tool.name}", "", f"`{tool.name}`: {tool.description}"]
    required = tool.inputSchema.get("required", [])
    for name, schema in tool.inputSchema.get("properties", {}).items():
        need = "required" if name in required else f"default {schema.get('default')}"
        lines.append(f"- `{name}` ({need}): {schema.get('description', schema.get('title', ''))}")
    return "\n".join(lines)


def _prompt(prompt: Prompt) -> str:
    arguments = ", ".join(f"`{argument.name}`" for argument in prompt.arguments or ())
    return f"- `{prompt.name}`{f' ({arguments})' if arguments else ''}: {prompt.description}"
