"""Collects what goes wrong in pages: console errors, uncaught exceptions, policy violations."""

import re

from playwright.async_api import BrowserContext, ConsoleMessage, WebError

__all__ = ["Watch"]

_TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy violation: ${event.effectiveDirective} ${event.blockedURI}`));
"""


class Watch:
    """The problems of all contexts that it observes."""

    def __init__(self) -> None:
        self._problems: list[str] = []
        self._allowed: list[re.Pattern[str]] = []

    def observe(self, context: BrowserContext) -> None:
        """Collect the problems of every page of `context`."""
        context.on("console", self._console)
        context.on("weberror", self._error)

    def leave(self, context: BrowserContext) -> None:
        """Observe `context` no longer."""
        context.remove_listener("console", self._console)
        context.remove_listener("weberror", self._error)

    async def tell_violations(self, context: BrowserContext) -> None:
        """Make pages of `context` report violations that the console would not show."""
        await context.add_init_script(_TELL_VIOLATIONS)

    def allow(self, pattern: str) -> None:
        """Expect problems that match: a test that is refused something sees the refusal in the console."""
        self._allowed.append(re.compile(pattern))

    def check(self) -> None:
        """Fail if anything happened that was not allowed."""
        left = [text for text in self._problems if not any(p.search(text) for p in self._allowed)]
        assert not left, "the pages had problems:\n" + "\n".join(left)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._problems.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    def _error(self, error: WebError) -> None:
        self._problems.append(f"uncaught: {error.error}")
