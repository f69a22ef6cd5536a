"""Builds the MCP server: a FastMCP instance with all tools, prompts and resources."""

import datetime as dt
from collections.abc import Callable
from importlib.metadata import version

from mcp.server.fastmcp import FastMCP

from mcpsecurity_server import tools
from mcpsecurity_server.profile import ProfileService
from mcpsecurity_server.tools.elicitation import Elicitor
from mcpsecurity_server.tools.overview import register_overview
from mcpsecurity_server.tools.prompts import register_prompts
from mcpsecurity_server.tools.registration import Toolbox
from mcpsecurity_server.transport import preserved_logging, set_version
from mcpsecurity_server.weather import WeatherService

_INSTRUCTIONS = (
    "Random numbers, numbers from dates, the current date and time, the weather of cities, and trips. "
    "Tools may ask the user for approval or for missing input before they act."
)


def build_mcp(
    elicitor: Elicitor,
    weather: WeatherService,
    profiles: ProfileService | None = None,
    *,
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
) -> FastMCP[None]:
    """Return the MCP server; `mount_mcp` serves it.

    `elicitor` asks people, `now` gives the current time with a time zone. Without `profiles` there is no tool
    `get_my_profile`.
    """
    with preserved_logging():
        mcp: FastMCP[None] = FastMCP("Secure MCP server", instructions=_INSTRUCTIONS)
    set_version(mcp, version("mcpsecurity"))
    toolbox = Toolbox(mcp, elicitor)
    tools.random_numbers.register(toolbox, now)
    tools.dates.register(toolbox, now)
    tools.weather.register(toolbox, weather)
    tools.trips.register(toolbox, weather, now)
    tools.identity.register(toolbox)
    if profiles is not None:
        tools.identity.register_profile(toolbox, profiles)
    register_prompts(mcp)
    register_overview(mcp)
    return mcp
