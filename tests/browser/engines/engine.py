"""What the tests need of a browser that is not Chromium. Each engine brings it over a protocol of its own."""

import json
from abc import abstractmethod
from pathlib import Path
from typing import Any, Protocol

__all__ = ["Engine", "EngineError", "found"]

_FIND = (Path(__file__).parent / "find.js").read_text("utf-8").strip()


class EngineError(Exception):
    """The browser refused a command, or a script in the page failed."""


class Engine(Protocol):
    """One window of a browser, with cookies and storage of its own."""

    problems: list[str]
    """Errors and warnings of the page's console, as far as the engine tells them."""

    @abstractmethod
    async def goto(self, url: str) -> None:
        """Load a page and wait for it."""

    @abstractmethod
    async def evaluate(self, expression: str) -> Any:
        """Return the value, as JSON, of an expression in the page; of a promise what it resolves to."""

    @abstractmethod
    async def act(self, actions: list[dict[str, Any]]) -> None:
        """Press keys and the mouse: `actions` of WebDriver, "Actions"."""

    @abstractmethod
    async def resize(self, width: int, height: int) -> None:
        """Make the window so large, in CSS pixels."""

    @abstractmethod
    async def picture(self) -> bytes:
        """Return what the window shows, as a PNG."""

    @abstractmethod
    async def close(self) -> None:
        """Close the window and forget what it kept."""


def found(function: str, **what: Any) -> str:
    """Return the expression that calls a function of find.js: `found("text", role="button", name="Send")`."""
    return f"({_FIND}).{function}({json.dumps(what)})"
