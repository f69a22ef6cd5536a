"""The connector in kernels: agents, functions that are called by themselves, and tools of MCP servers."""

from typing import Any

import pytest
from mcp import types
from pydantic import BaseModel
from semantic_kernel import Kernel
from semantic_kernel.agents import ChatCompletionAgent, ChatHistoryAgentThread
from semantic_kernel.connectors.ai.function_choice_behavior import FunctionChoiceBehavior
from semantic_kernel.connectors.ai.open_ai import (
    AzureChatPromptExecutionSettings,
    OpenAIChatPromptExecutionSettings,
)
from semantic_kernel.contents import ChatHistory
from semantic_kernel.exceptions import ServiceContentFilterException, ServiceResponseException
from semantic_kernel.functions import KernelArguments
from tests.kernel.model.conftest import Endpoint, Made, Refusal, asked_whole, called, ended
from tests.support.agents import makes_an_agent
from tests.webclient.oddity import tool

from mcpsecurity.kernel import ChatModel, ChatModelSettings, import_mcp_tools
from mcpsecurity.localcloud.openai.schemas import schema_problem
from mcpsecurity.runtime.tls import client_ssl_context
from mcpsecurity.testing import LocalStack


class Source:
    """An MCP server's tools; one has its parameters in a choice (`oneOf`)."""

    def __init__(self) -> None:
        self.called: list[tuple[str, dict[str, Any]]] = []

    async def list_tools(self) -> list[Any]:
        by_name = {"properties": {"name": {"type": "string"}}, "required": ["name"]}
        by_id = {"properties": {"id": {"type": "integer", "minimum": 1}}, "required": ["id"]}
        odd = tool("find", properties={"limit": {"type": "integer"}}, anyOf=[by_name, by_id])
        named = tool("paint", properties={"self": {"type": "string"}})
        return [types.Tool.model_validate(each) for each in (odd, named)]

    async def call_tool(self, name: str, arguments: dict[str, Any], _: Any = None) -> Any:
        self.called.append((name, arguments))
        return types.CallToolResult(content=[types.TextContent(type="text", text="found")])


@pytest.mark.parametrize("arguments", ["[" * 3000, '{"name": ' + "9" * 5000 + "}", "7", '"{}'], ids=len)
async def test_arguments_that_cannot_be_read_are_told_to_the_model(
    endpoint: Endpoint, model_at: Made, arguments: str
) -> None:
    kernel, source = Kernel(), Source()
    await import_mcp_tools(kernel, source)
    history = ChatHistory()
    history.add_user_message("Find it.")
    settings = ChatModelSettings(function_choice_behavior=FunctionChoiceBehavior.Auto())
    endpoint.answers.append([called("Tools-find", "c", arguments), ended()])
    answer = await model_at().get_chat_message_content(history, settings, kernel=kernel)
    assert (str(answer), source.called) == ("Done.", [])
    (told,) = (each for each in endpoint.bodies[-1]["input"] if each["type"] == "function_call_output")
    assert "malformed" in told["output"]


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_tools_of_a_server_reach_the_model_with_all_their_parameters(
    endpoint: Endpoint, model_at: Made, api: str
) -> None:
    kernel = Kernel()
    await import_mcp_tools(kernel, Source())
    history = ChatHistory()
    history.add_user_message("Find it.")
    settings = ChatModelSettings(function_choice_behavior=FunctionChoiceBehavior.Auto())
    await model_at(api=api).get_chat_message_content(history, settings, kernel=kernel)
    (body,) = endpoint.bodies
    tools = [found.get("function", found) for found in body["tools"]]
    parameters = {found["name"]: found["parameters"] for found in tools}
    assert set(parameters["Tools-find"]["properties"]) == {"limit", "name", "id"}
    assert parameters["Tools-find"]["properties"]["id"]["minimum"] == 1
    assert set(parameters["Tools-paint"]["properties"]) == {"self_"}
    assert [schema_problem(each) for each in parameters.values()] == [None, None]
    assert body["tool_choice"] == "auto"


@makes_an_agent
async def test_an_agent_calls_a_tool_and_goes_on(endpoint: Endpoint, model_at: Made) -> None:
    kernel, source, thread = Kernel(), Source(), ChatHistoryAgentThread()
    await import_mcp_tools(kernel, source)
    kernel.add_service(model_at())
    agent = ChatCompletionAgent(kernel=kernel, name="Helper", instructions="Be brief.")
    endpoint.answers.append([called("Tools-find", "c1", '{"id": 3}'), ended()])
    response = await agent.get_response("Find it.", thread=thread)
    await agent.get_response("And now?", thread=thread)
    assert str(response.content) == "Done."
    assert source.called == [("find", {"id": 3})]
    assert [item.get("role") or item["type"] for item in endpoint.bodies[2]["input"]] == [
        "system", "user", "function_call", "function_call_output", "assistant", "user",
    ]  # fmt: skip


@makes_an_agent
async def test_an_agent_streams(endpoint: Endpoint, model_at: Made) -> None:
    kernel, source = Kernel(), Source()
    await import_mcp_tools(kernel, source)
    kernel.add_service(model_at())
    agent = ChatCompletionAgent(kernel=kernel, name="Helper")
    endpoint.answers.append([called("Tools-paint", "c1", '{"self_": "red"}'), ended()])
    said = [str(part.content) async for part in agent.invoke_stream("Paint it.")]
    assert "".join(said) == "Done."
    assert source.called == [("paint", {"self": "red"})]


async def test_settings_of_other_connectors_are_understood(endpoint: Endpoint, model_at: Made) -> None:
    history = ChatHistory()
    history.add_user_message("Hello?")
    other = OpenAIChatPromptExecutionSettings(max_tokens=100, temperature=0.2)
    await model_at().get_chat_message_content(history, other)
    (body,) = endpoint.bodies
    assert (body["max_output_tokens"], body["temperature"]) == (100, 0.2)


async def test_defaults_of_the_model_give_way_to_settings(endpoint: Endpoint, model_at: Made) -> None:
    model = model_at(defaults=ChatModelSettings(temperature=0.1, max_output_tokens=50))
    await asked_whole(model, ChatModelSettings(temperature=0.9))
    (body,) = endpoint.bodies
    assert (body["temperature"], body["max_output_tokens"]) == (0.9, 50)


async def test_a_filtered_question_is_semantic_kernels_own_error(endpoint: Endpoint, model_at: Made) -> None:
    endpoint.answers.append(Refusal(400, "filtered", "prompt", "content_filter"))
    with pytest.raises(ServiceContentFilterException):
        await asked_whole(model_at())


@pytest.mark.parametrize("deployment", ["offline-model", "offline-reasoning", "offline-vision"])
@pytest.mark.parametrize(("api", "version"), [("auto", None), ("auto", "2024-10-21"), ("chat", None)])
async def test_every_deployment_of_the_local_cloud_calls_a_tool(
    stack: LocalStack, deployment: str, api: Any, version: str | None
) -> None:
    from tests.localcloud.openai.test_routes import Dice

    cloud, kernel = stack.cloud, Kernel()
    kernel.add_plugin(Dice(), "Tools")
    history = ChatHistory()
    history.add_user_message("a random number between 3 and 6")
    settings = ChatModelSettings(
        function_choice_behavior=FunctionChoiceBehavior.Auto(), max_output_tokens=100, temperature=0.5
    )
    async with ChatModel.at(
        cloud.openai_endpoint,
        deployment,
        key=cloud.openai_api_key,
        azure=True,
        api=api,
        api_version=version,
        tls=client_ssl_context(cloud.ca_file),
    ) as model:
        answer = await model.get_chat_message_content(history, settings, kernel=kernel)
        assert str(answer) == "Your random number between 3 and 6 is **3**."
        assert (model.api == "responses") == (api == "auto" and (version is None or "reason" in deployment))


async def test_an_error_of_the_endpoint_names_its_cause(endpoint: Endpoint, model_at: Made) -> None:
    endpoint.answers.append(Refusal(401, "Access denied"))
    with pytest.raises(ServiceResponseException) as raised:
        await asked_whole(model_at())
    assert "Access denied" in str(raised.value.__cause__)


class Visit(BaseModel):
    """What is asked for."""

    city: str
    days: int = 1


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_a_class_is_asked_for_as_its_schema(endpoint: Endpoint, model_at: Made, api: Any) -> None:
    settings = [
        ChatModelSettings(response_format=Visit),
        AzureChatPromptExecutionSettings(response_format=Visit),
    ]
    kernel = Kernel()
    kernel.add_service(model_at(api=api))
    for each in settings:
        await kernel.invoke_prompt("Where?", arguments=KernelArguments(settings=each))
    for body in endpoint.bodies:
        form = body["response_format"]["json_schema"] if api == "chat" else body["text"]["format"]
        assert (form["name"], form["strict"]) == ("Visit", True)
        assert set(form["schema"]["properties"]) == {"city", "days"}
        assert form["schema"]["additionalProperties"] is False


async def test_settings_that_are_not_known_are_named_in_the_log(
    endpoint: Endpoint, model_at: Made, caplog: pytest.LogCaptureFixture
) -> None:
    kernel = Kernel()
    kernel.add_service(model_at(api="chat"))
    others = AzureChatPromptExecutionSettings(temperature=0.3, max_tokens=50, presence_penalty=0.2)
    await kernel.invoke_prompt("Hello?", arguments=KernelArguments(settings=others))
    assert "leaves them out: presence_penalty" in caplog.text
    assert (endpoint.bodies[0]["temperature"], endpoint.bodies[0]["max_completion_tokens"]) == (0.3, 50)
