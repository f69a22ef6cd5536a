"""A person at the chat in any engine: what she does and sees, by roles and names."""

import asyncio
import json
import os
import re
from pathlib import Path
from typing import Any

from tests.browser.engines.engine import Engine, EngineError, found
from tests.browser.person import ALICE
from tests.support.eventually import eventually

__all__ = ["Visitor"]

SECONDS = 15
KEYS = {
    "Enter": "\ue007",
    "Escape": "\ue00c",
    "Tab": "\ue004",
    "Control": "\ue009",
    "Alt": "\ue00a",
    "Down": "\ue015",
}

Place = dict[str, Any]


class Visitor:
    """One window of one person. A place is what `find.js` looks for: a role with a name, or a selector."""

    def __init__(self, engine: Engine, url: str) -> None:
        self.engine = engine
        self.url = url

    async def sign_in(self) -> "Visitor":
        """Go to the chat and through the tenant's login page."""
        await self.engine.goto(self.url)
        await self.press(ALICE)
        await self.sees("Demo model", css="#model")
        await self.sees("", css="#empty, .message")
        return self

    async def ask(self, text: str) -> None:
        """Write a message, send it by Enter, and wait until its answer has begun."""
        before = await self.count(css=".message.user")
        await self.write(text, css="#message")
        await self.keys("Enter")
        await self._until(f"{found('count', css='.message.user')} === {before + 1}", f"the message {text!r}")
        begun = "#stop, .messages > .message.assistant:last-child, .failure"
        await self._until(f"{found('count', css=begun)} > 0", f"an answer to {text!r}")

    async def ask_meanwhile(self, text: str) -> None:
        """Send a message that waits for the end of the answer."""
        await self.write(text, css="#message")
        await self.keys("Enter")
        await self.sees(re.escape(text), css="#queue")

    async def press(self, name: str, within: Place | None = None, role: str = "button", **place: Any) -> None:
        """Press a button with the mouse, as soon as it is there, at rest and covered by nothing."""
        what = {"role": role, "name": name, "within": within, **place}
        target = await self._until(found("target", **what), f"{role} {name!r} that can be pressed")
        move = {"type": "pointerMove", "x": target["x"], "y": target["y"], "duration": 0}
        press = [move, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": press}
        await self.engine.act([mouse])

    async def keys(self, *names: str) -> None:
        """Press keys together: `keys("Control", "/")`, `keys("Enter")`, `keys("a")`."""
        codes = [KEYS.get(name, name) for name in names]
        down = [{"type": "keyDown", "value": code} for code in codes]
        up = [{"type": "keyUp", "value": code} for code in reversed(codes)]
        await self.engine.act([{"type": "key", "id": "keyboard", "actions": [*down, *up]}])

    async def write(self, text: str, **place: Any) -> None:
        """Type text into a field in place of what is there."""
        await self._until(found("focus", **place), f"the field {place}")
        await self.keys("Control", "a")
        await self.type(text)
        await self.finds(text, **place)

    async def type(self, text: str) -> None:
        """Type text where the focus is."""
        typed = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        await self.engine.act([{"type": "key", "id": "keyboard", "actions": typed}])

    async def set(self, value: str, **place: Any) -> None:
        """Choose an option or a date."""
        await self._until(found("set", value=value, **place), f"the field {place}")

    async def sees(self, pattern: str, **place: Any) -> str:
        """Wait until the text there matches, without regard to case; return it."""
        what = found("text", **place)
        return str(await self._until(what, f"{pattern!r} in {place}", re.compile(pattern, re.IGNORECASE)))

    async def sees_none(self, **place: Any) -> None:
        """Wait until there is no such element."""
        await self._until(f"{found('count', **place)} === 0", f"no {place}")

    async def says(self, pattern: str) -> None:
        """Wait until the last answer is complete and matches."""
        await self.sees(pattern, css=".message.assistant .prose", nth=-1)
        await self.sees_none(css="#stop")

    async def count(self, **place: Any) -> int:
        return int(await self.engine.evaluate(found("count", **place)))

    async def finds(self, value: str, **place: Any) -> None:
        """Wait until a field has this value."""
        await self._until(f"{found('valueOf', **place)} === {json.dumps(value)}", f"{value!r} in {place}")

    async def look(self, name: str) -> None:
        """Keep pictures in the folder that ENGINE_SCREENSHOTS names: wide, as on a phone, and in the dark."""
        folder = os.environ.get("ENGINE_SCREENSHOTS")
        if not folder:
            return
        kind = type(self.engine).__name__.removesuffix("Window").lower()
        for width in (1280, 360):
            await self.engine.resize(width, 800)
            for theme in ("light", "dark"):
                await self.engine.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
                await asyncio.sleep(0.5)  # until it is drawn: WebKit's driver does not wait for that
                path = Path(folder) / f"{name}-{kind}-{width}-{theme}.png"
                await asyncio.to_thread(path.write_bytes, await self.engine.picture())
        await self.engine.resize(1280, 800)

    async def reload(self) -> None:
        """Load the page again and wait for its state."""
        await self.engine.goto(await self.engine.evaluate("location.href"))
        await self.sees("", css="#empty, .message")

    async def _until(self, expression: str, what: str, pattern: re.Pattern[str] | None = None) -> Any:
        """Wait until the value of `expression` is true, or is a text that `pattern` matches; return it."""

        async def seen() -> Any:
            value = await self.engine.evaluate(expression)
            if pattern is None:
                return value
            return value is not None and pattern.search(value) and (value or " ")

        try:
            return await eventually(seen, seconds=SECONDS, in_spite_of=(EngineError,))
        except TimeoutError:
            text = await self.engine.evaluate("document.body.innerText")
            words = " ".join(text.split())
            raise AssertionError(f"did not see {what} within {SECONDS} s; the page says: {words}") from None
