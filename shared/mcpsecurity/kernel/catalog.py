"""What a server offers, as functions of a kernel plugin: tools, and on request prompts and resources."""

from typing import Annotated, Any

from mcp import types
from semantic_kernel.contents import ChatMessageContent
from semantic_kernel.contents.utils.author_role import AuthorRole
from semantic_kernel.functions import KernelFunction, KernelFunctionFromMethod, kernel_function

from mcpsecurity.client import McpConnection
from mcpsecurity.client.parts import part_text, resource_text
from mcpsecurity.client.results import Shown
from mcpsecurity.kernel.functions import CallTool, function_name, tool_functions
from mcpsecurity.kernel.options import ClientOptions
from mcpsecurity.kernel.schema_functions import schema_function
from mcpsecurity.kernel.schemas import model_schema


async def load_functions(
    connection: McpConnection,
    options: ClientOptions,
    call: CallTool,
    shown: Shown = lambda _: (),
) -> list[KernelFunction]:
    """Ask the server what it offers, and return functions; a tool wins over anything else of its name.
    `shown` tells which parts of a result the person sees.

    Raises:
        BridgeError: the server could not be asked.
    """
    offers = connection.server.capabilities if connection.server is not None else types.ServerCapabilities()
    functions: dict[str, KernelFunction] = {}
    if options.resources and offers.resources is not None:
        functions |= {f.name: f for f in _resource_functions(connection, options.plugin_name, options.prefix)}
    if options.prompts and offers.prompts is not None:
        for prompt in await connection.list_prompts():
            function = _prompt_function(connection, options.plugin_name, options.prefix, prompt)
            functions[function.name] = function
    if offers.tools is not None:
        for function in tool_functions(
            await connection.list_tools(),
            options.plugin_name,
            call,
            include=options.include,
            exclude=options.exclude,
            prefix=options.prefix,
            shown=shown,
        ):
            functions[function.name] = function
    return list(functions.values())


def prompt_messages(result: types.GetPromptResult) -> list[ChatMessageContent]:
    """Return a prompt's messages for a chat history."""
    return [
        ChatMessageContent(role=AuthorRole(message.role), content=part_text(message.content))
        for message in result.messages
    ]


def _prompt_function(
    connection: McpConnection, plugin_name: str, prefix: str, prompt: types.Prompt
) -> KernelFunction:
    name = function_name(f"{prefix}prompt_{prompt.name}")[: 63 - len(plugin_name)]

    @kernel_function(name=name, description=(prompt.description or prompt.title or prompt.name)[:1024])
    async def run(**arguments: Any) -> str:
        given = {key: str(value) for key, value in arguments.items() if value is not None}
        messages = prompt_messages(await connection.get_prompt(prompt.name, given))
        if len(messages) == 1:
            return str(messages[0].content)
        return "\n".join(f"{message.role.value}: {message.content}" for message in messages)

    return schema_function(run, plugin_name, _prompt_schema(prompt))


def _prompt_schema(prompt: types.Prompt) -> dict[str, Any]:
    arguments = prompt.arguments or ()
    return model_schema(
        {
            "properties": {a.name: {"type": "string", "description": a.description or ""} for a in arguments},
            "required": [a.name for a in arguments if a.required],
        }
    )


def _resource_functions(connection: McpConnection, plugin_name: str, prefix: str) -> list[KernelFunction]:
    @kernel_function(name=f"{prefix}list_resources", description="List the resources that can be read.")
    async def list_resources() -> str:
        lines = [
            f"{resource.uri} {resource.title or resource.name}"
            for resource in await connection.list_resources()
        ]
        return "\n".join(lines) or "There are no resources."

    @kernel_function(name=f"{prefix}read_resource", description="Read a resource of the server.")
    async def read_resource(uri: Annotated[str, "Address, as listed."]) -> str:
        contents = (await connection.read_resource(uri)).contents
        return "\n".join(resource_text(part) for part in contents)

    return [
        KernelFunctionFromMethod(method=method, plugin_name=plugin_name)
        for method in (list_resources, read_resource)
    ]
