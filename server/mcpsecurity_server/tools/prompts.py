"""Prompts for a person to start with. Each makes the model use the random-number tools."""

from typing import Annotated

from mcp.server.fastmcp import FastMCP
from pydantic import Field


def register_prompts(mcp: FastMCP[None]) -> None:
    """Register the five prompts."""

    @mcp.prompt(title="One random number")
    def random_number() -> str:
        """Ask for one random number."""
        return "Please generate a random number."

    @mcp.prompt(title="Several random numbers")
    def random_numbers(
        count: Annotated[str, Field(description="How many numbers, as a whole number.")] = "3",
    ) -> str:
        """Ask for several random numbers at once."""
        return f"Please generate {count} random numbers."

    @mcp.prompt(title="Random number within a range")
    def random_number_in_range(
        min: Annotated[str, Field(description="Smallest number.")] = "1",  # noqa: A002 - the tool's name for it
        max: Annotated[str, Field(description="Largest number.")] = "100",  # noqa: A002 - the tool's name for it
    ) -> str:
        """Ask for a random number between two limits."""
        return f"Please generate a random number between {min} and {max}."

    @mcp.prompt(title="Random number from the current date")
    def random_number_from_date() -> str:
        """Ask for a number that the current date decides."""
        return "Please generate a random number based on the current date."

    @mcp.prompt(title="Nested random numbers")
    def nested_random_numbers() -> str:
        """Ask for a random number whose range is made of two others."""
        return "Please generate two random numbers, then a third one within the range of the first two."
