"""The tools through the SDK's client: results, bad input, and asking before acting."""

import asyncio
from typing import Any

import pytest
from mcp import types
from tests.server.conftest import CANCEL, DECLINE, Connect, Person, accept, text_of
from tests.server.meteo import ControlledMeteo

TOOLS = {
    "get_random_number",
    "get_random_number_from_date_time",
    "get_current_date_time",
    "get_city_weather",
}


async def _call(connect: Connect, tool: str, **arguments: Any) -> types.CallToolResult:
    async with connect() as session:
        return await session.call_tool(tool, arguments)


async def test_every_tool_says_what_it_is_and_returns(connect: Connect) -> None:
    async with connect() as session:
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
    assert set(tools) >= TOOLS
    for tool in tools.values():
        assert tool.title
        assert tool.description
        assert "\n " not in tool.description
        assert tool.annotations is not None
        assert tool.annotations.readOnlyHint is True
        assert tool.outputSchema is not None
        for schema in tool.inputSchema["properties"].values():
            assert schema["description"]


async def test_a_random_number_stays_below_max(connect: Connect) -> None:
    async with connect() as session:
        seen = set()
        for _ in range(60):
            result = await session.call_tool("get_random_number", {"min": 1, "max": 3})
            assert result.structuredContent is not None
            seen.add(result.structuredContent["number"])
    assert seen == {1, 2}


async def test_a_random_number_has_defaults(connect: Connect) -> None:
    result = await _call(connect, "get_random_number")
    assert result.structuredContent is not None
    assert (result.structuredContent["min"], result.structuredContent["max"]) == (0, 100)


@pytest.mark.parametrize(
    ("tool", "arguments", "advice"),
    [
        ("get_random_number", {"min": 5, "max": 5}, "min (5) must be below max (5)"),
        ("get_random_number", {"min": 10**16}, "less than or equal to"),
        ("get_random_number_from_date_time", {"datetime": "yesterday"}, "write it like 2025-12-24"),
        ("get_random_number_from_date_time", {"datetime": "2025-02-30"}, "'2025-02-30' is not"),
        ("get_current_date_time", {"time_zone": "Zurich"}, "did you mean Europe/Zurich"),
        ("get_current_date_time", {"time_zone": "europe/zurich"}, "did you mean Europe/Zurich"),
        ("get_current_date_time", {"time_zone": "../etc/passwd"}, "write it like Europe/Zurich"),
        ("get_city_weather", {"city": "Zurihc"}, "did you mean Zurich, Switzerland"),
        ("get_city_weather", {"city": "Qqqqqq"}, "write the name of a city"),
        ("get_city_weather", {}, "city is missing"),
    ],
)
async def test_bad_input_is_a_tool_error_that_says_what_to_change(
    connect: Connect, tool: str, arguments: dict[str, Any], advice: str
) -> None:
    result = await _call(connect, tool, **arguments)
    assert result.isError
    assert advice in text_of(result)


async def test_a_date_always_gives_the_same_number(connect: Connect) -> None:
    numbers = []
    for moment in ("2025-12-24T18:00:00+01:00", "2025-12-24T17:00:00Z"):
        result = await _call(connect, "get_random_number_from_date_time", datetime=moment)
        numbers.append(result.structuredContent)
    assert numbers[0] == numbers[1] == {"number": 88, "datetime": "2025-12-24T17:00:00+00:00"}


async def test_without_a_date_the_current_one_decides(connect: Connect) -> None:
    result = await _call(connect, "get_random_number_from_date_time")
    assert result.structuredContent is not None
    assert result.structuredContent["datetime"] == "2026-06-01T12:30:00+00:00"


async def test_a_date_without_time_is_kept_as_a_date(connect: Connect) -> None:
    result = await _call(connect, "get_random_number_from_date_time", datetime="2025-12-24")
    assert result.structuredContent is not None
    assert result.structuredContent["datetime"] == "2025-12-24"


async def test_the_current_time_is_utc_or_that_of_a_zone(connect: Connect) -> None:
    assert (await _call(connect, "get_current_date_time")).structuredContent == {
        "datetime": "2026-06-01T12:30:00+00:00",
        "date": "2026-06-01",
        "time": "12:30:00",
        "weekday": "Monday",
        "time_zone": "UTC",
    }
    result = await _call(connect, "get_current_date_time", time_zone="Asia/Kathmandu")
    assert result.structuredContent is not None
    assert result.structuredContent["datetime"] == "2026-06-01T18:15:00+05:45"


async def test_a_tool_asks_with_its_arguments_before_it_acts(connect: Connect) -> None:
    person = Person(accept(approve=True))
    async with connect(person) as session:
        result = await session.call_tool("get_random_number", {"min": 1, "max": 6})
    assert not result.isError
    (asked,) = person.asked
    assert asked.message == (
        "Generate a random number from 1 to 5 (min = 1, max = 6, max excluded). "
        "Approve this call of get_random_number?"
    )
    assert asked.requestedSchema["required"] == ["approve"]
    field = asked.requestedSchema["properties"]["approve"]
    assert (field["type"], field["title"]) == ("boolean", "Approve this call")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (DECLINE, "was declined by the user"),
        (accept(approve=False), "was declined by the user"),
        (CANCEL, "was cancelled"),
        (accept(other=1), "does not fit the form"),
        (types.ElicitResult(action="accept"), "does not fit the form"),
        (types.ErrorData(code=-32603, message="broken"), "could not ask the user"),
    ],
)
async def test_every_answer_but_approval_stops_the_tool_and_says_why(
    connect: Connect, meteo: ControlledMeteo, answer: types.ElicitResult | types.ErrorData, text: str
) -> None:
    async with connect(Person(answer)) as session:
        result = await session.call_tool("get_city_weather", {"city": "Zurich"})
    assert result.isError
    assert text in text_of(result)
    assert meteo.hosts == [], "nothing was looked up"


async def test_nobody_answers_in_time(connect: Connect) -> None:
    asked, never = asyncio.Event(), asyncio.Event()

    async def wait(*_: object) -> types.ElicitResult:
        asked.set()
        await never.wait()
        return accept(approve=True)

    async with connect(wait, deadline=0.05) as session:
        calling = asyncio.create_task(session.call_tool("get_random_number", {}))
        await asked.wait()
        await asyncio.sleep(0.2)  # in which the server's deadline passes
        never.set()  # this client reads no result while its person is asked
        result = await calling
    assert "was cancelled" in text_of(result)


async def test_approval_that_is_required_cannot_be_skipped(connect: Connect) -> None:
    async with connect(approval="required") as session:
        result = await session.call_tool("get_random_number", {})
    assert result.isError
    assert "does not support elicitation" in text_of(result)


async def test_with_approval_never_nobody_is_asked(connect: Connect) -> None:
    person = Person()
    async with connect(person, approval="never") as session:
        assert not (await session.call_tool("get_random_number", {})).isError
    assert person.asked == []


async def test_an_unexpected_failure_shows_an_id_and_no_details(
    connect: Connect,
    meteo: ControlledMeteo,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mcpsecurity_server.tools.random_numbers._random", None)
    result = await _call(connect, "get_random_number")
    assert result.isError
    assert "NoneType" not in text_of(result)
    error_id = text_of(result).rpartition(" ")[2].rstrip(".")
    assert error_id in caplog.text


async def test_prompts_lead_to_the_tools(connect: Connect) -> None:
    async with connect() as session:
        prompts = {prompt.name for prompt in (await session.list_prompts()).prompts}
        ranged = await session.get_prompt("random_number_in_range", {"min": "1", "max": "6"})
        for name in prompts:
            assert (await session.get_prompt(name, {})).messages
    assert len(prompts) == 5
    content = ranged.messages[0].content
    assert isinstance(content, types.TextContent)
    assert content.text == "Please generate a random number between 1 and 6."


async def test_the_overview_names_everything_that_is_registered(connect: Connect) -> None:
    async with connect() as session:
        (resource,) = (await session.list_resources()).resources
        (content,) = (await session.read_resource(resource.uri)).contents
        tools = (await session.list_tools()).tools
        prompts = (await session.list_prompts()).prompts
    assert isinstance(content, types.TextResourceContents)
    for name in [tool.name for tool in tools] + [prompt.name for prompt in prompts] + [str(resource.uri)]:
        assert f"`{name}`" in content.text or name in content.text
    assert "`max` (default 100): Upper limit, exclusive." in content.text
