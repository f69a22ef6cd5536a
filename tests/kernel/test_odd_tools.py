"""Tools that Semantic Kernel or a model's API would not take as they are."""

import json
from typing import Any

import pytest
from mcp import types
from semantic_kernel import Kernel
from semantic_kernel.connectors.ai.function_calling_utils import (
    kernel_function_metadata_to_function_call_format,
)
from semantic_kernel.contents import ChatHistory, FunctionCallContent
from semantic_kernel.functions import KernelArguments, KernelPlugin

from mcpsecurity.kernel import tool_functions

NAMES = [
    *(
        "service",
        "kernel",
        "arguments",
        "execution_settings",
        "settings",
        "self",
        "kwargs",
        "function",
        "cls",
    ),
    *("$filter", "a.b", "First Name", "größe"),
]


class Tools:
    """Tools in a kernel, and what was called."""

    def __init__(self, *tools: types.Tool, plugin_name: str = "Tools") -> None:
        self.calls: list[dict[str, Any]] = []
        self.left_out: list[tuple[str, str]] = []
        self.kernel = Kernel()
        functions = tool_functions(
            tools, plugin_name, self._call, left_out=lambda name, why: self.left_out.append((name, why))
        )
        self.plugin = self.kernel.add_plugin(KernelPlugin(name=plugin_name, functions=functions))

    async def _call(self, _tool: types.Tool, arguments: dict[str, Any]) -> types.CallToolResult:
        self.calls.append(arguments)
        return types.CallToolResult(content=[])

    async def invoke(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Call the tool t directly."""
        given = KernelArguments()
        given.update(arguments)
        await self.kernel.invoke(self.plugin["t"], given)
        return self.calls.pop()

    async def called_by_model(self, arguments: dict[str, Any], **of_the_prompt: Any) -> dict[str, Any]:
        """Call the tool t as a model does."""
        call = FunctionCallContent(id="1", name="Tools-t", arguments=json.dumps(arguments))
        history = ChatHistory()
        await self.kernel.invoke_function_call(call, history, arguments=KernelArguments(**of_the_prompt))
        assert self.calls, history.messages[-1].items[0]
        return self.calls.pop()

    def seen(self) -> list[dict[str, Any]]:
        """Return what the chat connector sends."""
        return [
            kernel_function_metadata_to_function_call_format(m)["function"]
            for m in self.kernel.get_full_list_of_function_metadata()
        ]


def tool(name: str = "t", **schema: Any) -> types.Tool:
    """Return a tool with an input schema."""
    return types.Tool(name=name, inputSchema=schema)


@pytest.mark.parametrize("name", NAMES)
async def test_a_parameter_can_have_any_name(name: str) -> None:
    tools = Tools(tool(properties={name: {"type": "string"}, "x": True}, required=[name]))
    (seen,) = tools.seen()
    shown = f"{name}_" if name in ("settings", "self") else name
    assert seen["parameters"]["properties"] == {shown: {"type": "string"}, "x": {}}
    assert seen["parameters"]["required"] == [shown]
    assert await tools.invoke({name: "v"}) == {name: "v"}
    assert await tools.invoke({"x": 1}) == {"x": 1}


async def test_a_models_call_passes_its_arguments_and_nothing_of_the_prompts() -> None:
    tools = Tools(tool(properties={"arguments": {}, "a.b": {}}, required=["a.b"]))
    called = await tools.called_by_model({"arguments": ["-l"], "a.b": None}, question="private")
    assert called == {"arguments": ["-l"], "a.b": None}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", ["v", {"a": 1}, [1], None, 0])
async def test_a_model_can_give_an_argument_of_any_name(name: str, value: Any) -> None:
    tools = Tools(tool(properties={name: {}, "x": {}, f"{name}_": {}}, required=[name]))
    (seen,) = tools.seen()
    (shown,) = seen["parameters"]["required"]
    assert await tools.called_by_model({shown: value, "x": 1}) == {name: value, "x": 1}
    assert await tools.called_by_model({shown: value, f"{name}_": 2}) == {name: value, f"{name}_": 2}


async def test_arguments_that_the_schema_is_open_to_are_passed() -> None:
    tools = Tools(tool(additionalProperties={"type": "string"}))
    assert await tools.invoke({"colour": "red", "history": ChatHistory()}) == {"colour": "red"}


@pytest.mark.parametrize(
    "schema", [{"additionalProperties": True}, {"patternProperties": {"^c": {"type": "string"}}}]
)
async def test_a_model_can_give_arguments_that_have_no_name_in_the_schema(schema: dict[str, Any]) -> None:
    tools = Tools(tool(properties={"more_arguments": {}}, **schema))
    shown = tools.seen()[0]["parameters"]["properties"]["more_arguments_"]
    assert schema.items() <= shown.items()
    given = {"more_arguments": 1, "more_arguments_": {"colour": "red", "more_arguments": 2}}
    assert await tools.called_by_model(given) == {"colour": "red", "more_arguments": 1}
    assert await tools.called_by_model({}) == {}


def test_names_fit_and_differ() -> None:
    tools = Tools(*(tool("a" * 64 + ending) for ending in ("", "b", "c")), plugin_name="Plugin")
    names = [seen["name"] for seen in tools.seen()]
    assert len(set(names)) == 3
    assert {len(name) for name in names} == {64}


def test_a_tool_that_cannot_be_offered_is_left_out_and_reported(caplog: pytest.LogCaptureFixture) -> None:
    task = types.Tool(name="task", inputSchema={}, execution=types.ToolExecution(taskSupport="required"))
    tools = Tools(tool("", type="object"), task, tool("list", type="array"), tool("good", required=None))
    assert list(tools.plugin.functions) == ["good"]
    assert tools.left_out == [
        ("", "it has no name"),
        ("task", "it runs as a task only"),
        ("list", "its input is of type array, not an object"),
    ]
    assert "'task' is left out" in caplog.text


@pytest.mark.parametrize(
    ("meta", "offered"),
    [
        ({"ui": {"visibility": ["app"]}}, False),  # as the PDF server of MCP Apps sends it
        ({"ui": {"visibility": []}}, False),
        ({"openai/visibility": "private"}, False),
        ({"ui": {"visibility": ["model", "app"]}, "openai/visibility": "private"}, True),
        ({"ui": {"resourceUri": "ui://viewer/app.html"}, "ui/resourceUri": "ui://viewer/app.html"}, True),
        ({"ui": {"visibility": "app"}}, True),
        ({"ui": None, "openai/visibility": "public"}, True),
    ],
)
def test_a_tool_that_only_a_page_of_the_server_calls_is_not_offered(
    meta: dict[str, Any], offered: bool
) -> None:
    tools = Tools(types.Tool(name="read_bytes", inputSchema={}, _meta=meta), tool("good"))
    assert list(tools.plugin.functions) == [*(["read_bytes"] if offered else []), "good"]
    assert [name for name, _ in tools.left_out] == ([] if offered else ["read_bytes"])
