"""WebKit by its driver for GTK, over WebDriver (https://www.w3.org/TR/webdriver2/)."""

import asyncio
import base64
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from tests.browser.engines.engine import Engine, EngineError
from tests.support.eventually import eventually
from tests.support.ports import free_port

__all__ = ["WebKit", "WebKitWindow", "running_webkit", "webkit_programs"]

ANSWER_SECONDS = 60
START_SECONDS = 20
SCREEN = "-screen 0 1500x1000x24"


def webkit_programs() -> tuple[str, str] | None:
    """Return the driver and the program that gives it a screen; None if one of them is not installed."""
    driver, screen = shutil.which("WebKitWebDriver"), shutil.which("xvfb-run")
    return (driver, screen) if driver and screen else None


@asynccontextmanager
async def running_webkit(driver: str, screen: str) -> AsyncIterator["WebKit"]:
    """Start the driver, on a screen of its own."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(screen, "--auto-servernum", "--server-args", SCREEN, driver, f"--port={port}"),
        env={**os.environ, "LANG": "C.UTF-8", "LANGUAGE": "en_GB:en", "TZ": "Europe/Zurich"},
        start_new_session=True,
    )
    timeout = aiohttp.ClientTimeout(ANSWER_SECONDS)
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", timeout=timeout) as http:
            webkit = WebKit(http)
            await eventually(webkit.is_ready, seconds=START_SECONDS, in_spite_of=(aiohttp.ClientError,))
            yield webkit
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        await process.wait()


class WebKit:
    """The connection to the driver, which starts a browser for each window."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def is_ready(self) -> bool:
        """Tell whether the driver takes commands."""
        async with self._http.get("/status") as answer:
            return answer.ok

    async def open_window(self) -> "WebKitWindow":
        """Open a window that shares no cookies with others."""
        answer = await self.send("POST", "/session", {"capabilities": {"alwaysMatch": {}}})
        return WebKitWindow(self, f"/session/{answer['sessionId']}")

    async def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Send a command and return its result.

        Raises:
            EngineError: the driver answers with an error.
        """
        async with self._http.request(method, path, json=body) as response:
            value = (await response.json(content_type=None))["value"]
        if not response.ok:
            raise EngineError(f"{value['error']}: {value['message']}")
        return value


class WebKitWindow(Engine):
    """A window of WebKitGTK's small browser. It does not tell what its console says."""

    def __init__(self, webkit: WebKit, session: str) -> None:
        self._webkit = webkit
        self._session = session
        self.problems: list[str] = []

    async def goto(self, url: str) -> None:
        await self._command("POST", "url", url=url)

    async def evaluate(self, expression: str) -> Any:
        script = f"""const [done] = arguments;
            (async () => JSON.stringify(await ({expression})) ?? "null")()
              .then((value) => done({{value}}), (error) => done({{error: String(error)}}));"""
        result = await self._command("POST", "execute/async", script=script, args=[])
        if "error" in result:
            raise EngineError(result["error"])
        return json.loads(result["value"])

    async def act(self, actions: list[dict[str, Any]]) -> None:
        await self._command("POST", "actions", actions=actions)

    async def resize(self, width: int, height: int) -> None:
        rect = {"width": width, "height": height}
        await self._command("POST", "window/rect", **rect)
        inner = await self.evaluate("[innerWidth, innerHeight]")
        more = {"width": 2 * width - inner[0], "height": 2 * height - inner[1]}
        await self._command("POST", "window/rect", **more)

    async def picture(self) -> bytes:
        return base64.b64decode(await self._command("GET", "screenshot"))

    async def close(self) -> None:
        await self._command("DELETE", "")

    async def _command(self, method: str, name: str, **body: Any) -> Any:
        path = f"{self._session}/{name}".rstrip("/")
        return await self._webkit.send(method, path, body if method == "POST" else None)
