"""A model gets each server's tools by a kernel, in requests that its API takes, and reads what they say."""

from typing import Literal

import pytest
from mcp import types
from semantic_kernel import Kernel
from semantic_kernel.connectors.ai import FunctionChoiceBehavior
from semantic_kernel.contents import ChatHistory
from tests.foreign.running import Running

from mcpsecurity import McpClient
from mcpsecurity.client import McpConnection, result_text
from mcpsecurity.kernel import ChatModel, function_name, import_mcp_tools
from mcpsecurity.runtime.tls import client_ssl_context
from mcpsecurity.testing import LocalStack, calls, says

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(300)]


def model_of(local: LocalStack, api: Literal["responses", "chat"]) -> ChatModel:
    """Return the local cloud's model, which refuses what Azure OpenAI refuses, asked by one of its APIs."""
    cloud = local.cloud
    return ChatModel.at(
        cloud.openai_endpoint,
        cloud.openai_deployment,
        key=cloud.openai_api_key,
        api=api,
        azure=True,
        tls=client_ssl_context(cloud.ca_file),
        proxies=False,
    )


@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_a_model_uses_a_tool_by_either_api(
    running: Running, local: LocalStack, api: Literal["responses", "chat"]
) -> None:
    name, given = running.server.uses.calls[0]
    arguments = running.filled(given)
    kernel, history, left_out = Kernel(), ChatHistory(), list[tuple[str, str]]()
    local.model.clear()
    local.model.will(calls(f"Tools-{function_name(name)}", arguments), says("I see."))
    history.add_user_message("Do it.")
    async with McpConnection(running.url) as connection, model_of(local, api) as model:
        tools = await connection.list_tools()
        result = await connection.call_tool(name, arguments)
        await import_mcp_tools(kernel, connection, left_out=lambda *odd: left_out.append(odd))
        settings = model.get_prompt_execution_settings_class()(
            function_choice_behavior=FunctionChoiceBehavior.Auto()
        )
        answer = await model.get_chat_message_content(history, settings, kernel=kernel)
    tasks = [tool.name for tool in tools if tool.execution and tool.execution.taskSupport == "required"]
    assert (str(answer), [name for name, _ in left_out]) == ("I see.", tasks)
    first, last = local.model.asked
    assert len(first.tools) == len(tools) - len(tasks)
    assert (first.api, last.messages[-1]["role"]) == (api, "tool")
    if name not in running.server.uses.varies:
        assert last.messages[-1]["content"] == result_text(result)


async def test_a_client_keeps_tools_prompts_and_resources_in_a_kernel(running: Running) -> None:
    kernel = Kernel()
    async with McpClient(kernel, running.url, prompts=True, resources=True, ask=None) as client:
        plugin = kernel.plugins[client.plugin.name]
        for name, arguments in running.server.uses.prompts:
            function = plugin[f"prompt_{function_name(name)}"]
            told = str(await function.invoke(kernel, **arguments))
            assert told
            assert str((await client.get_prompt(name, **arguments))[0].content) in told
        for resource in await client.list_resources():
            assert isinstance(resource, types.Resource)
        for uri in running.server.uses.resources[:1]:
            assert await plugin["read_resource"].invoke(kernel, uri=uri)
            assert await client.read_resource(uri)
    assert client.plugin.name not in kernel.plugins
