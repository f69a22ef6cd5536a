"""Firefox over WebDriver BiDi, which it speaks by itself (https://w3c.github.io/webdriver-bidi/)."""

import asyncio
import base64
import json
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
from tests.browser.engines.engine import Engine, EngineError

__all__ = ["Firefox", "FirefoxWindow", "firefox_program", "running_firefox"]

ANSWER_SECONDS = 30
START_SECONDS = 60
_PREFERENCES: dict[str, str | bool] = {
    "intl.accept_languages": "en-GB, en",
    "app.update.enabled": False,
    "app.normandy.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.safebrowsing.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.systemAddon.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
}
"""Nothing of its own over the network, and no questions."""


def firefox_program() -> str | None:
    """Return the path of an installed Firefox; None if there is none."""
    return shutil.which("firefox-esr") or shutil.which("firefox")


@asynccontextmanager
async def running_firefox(program: str, folder: Path) -> AsyncIterator["Firefox"]:
    """Start Firefox without a window on the screen; `folder` is for its profile."""
    lines = [f'user_pref("{name}", {_literal(value)});' for name, value in _PREFERENCES.items()]
    (folder / "user.js").write_text("\n".join(lines), "utf-8")
    command = (program, "--headless", "--no-remote", "--profile", str(folder), "--remote-debugging-port", "0")
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, "TZ": "Europe/Zurich"},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            address = await _address(process)
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{address}/session") as socket:
            firefox = Firefox(socket)
            reading = asyncio.create_task(firefox.read(process))
            try:
                await firefox.command("session.new", capabilities={})
                await firefox.command("session.subscribe", events=["log.entryAdded"])
                yield firefox
            finally:
                reading.cancel()
                with suppress(asyncio.CancelledError):
                    await reading
    finally:
        process.terminate()
        await process.wait()


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    async for line in process.stderr:
        listening = re.search(rb"WebDriver BiDi listening on (ws://\S+)", line)
        if listening:
            return listening[1].decode()
    raise EngineError("Firefox ended before it listened.")


def _literal(value: str | bool) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


class Firefox:
    """The connection to a running Firefox."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ids = count(1)
        self._answers = dict[int, asyncio.Future[Any]]()
        self._windows = dict[str, FirefoxWindow]()

    async def command(self, method: str, **params: Any) -> Any:
        """Send a command and return its result.

        Raises:
            EngineError: Firefox answers with an error.
            TimeoutError: it does not answer in time.
        """
        number = next(self._ids)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        try:
            await self._socket.send_json({"id": number, "method": method, "params": params})
            async with asyncio.timeout(ANSWER_SECONDS):
                return await answer
        finally:
            del self._answers[number]

    async def read(self, process: asyncio.subprocess.Process) -> None:
        """Take answers and events until the connection ends."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_drain(process))
            async for message in self._socket:
                self._take(message.json())

    async def open_window(self) -> "FirefoxWindow":
        """Open a window that shares no cookies with others."""
        person = (await self.command("browser.createUserContext"))["userContext"]
        context = (await self.command("browsingContext.create", type="window", userContext=person))["context"]
        window = self._windows[context] = FirefoxWindow(self, person, context)
        return window

    def _take(self, message: dict[str, Any]) -> None:
        answer = self._answers.get(message.get("id", 0))
        if message["type"] == "event":
            self._log(message["params"])
        elif answer is None or answer.done():
            return
        elif message["type"] == "error":
            answer.set_exception(EngineError(f"{message['error']}: {message['message']}"))
        else:
            answer.set_result(message["result"])

    def _log(self, entry: dict[str, Any]) -> None:
        window = self._windows.get(entry["source"].get("context"))
        if window is not None and entry["level"] in {"error", "warn"}:
            window.problems.append(f"{entry['level']}: {entry['text']}")


async def _drain(process: asyncio.subprocess.Process) -> None:
    assert process.stderr is not None
    while await process.stderr.read(4096):
        pass


class FirefoxWindow(Engine):
    """A window of Firefox, of one person."""

    def __init__(self, firefox: Firefox, person: str, context: str) -> None:
        self._firefox = firefox
        self._person = person
        self._context = context
        self.problems: list[str] = []

    async def goto(self, url: str) -> None:
        await self._firefox.command(
            "browsingContext.navigate", context=self._context, url=url, wait="complete"
        )

    async def evaluate(self, expression: str) -> Any:
        result = await self._firefox.command(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await ({expression})) ?? 'null')()",
            target={"context": self._context},
            awaitPromise=True,
        )
        if result["type"] == "exception":
            raise EngineError(result["exceptionDetails"]["text"])
        return json.loads(result["result"]["value"])

    async def act(self, actions: list[dict[str, Any]]) -> None:
        await self._firefox.command("input.performActions", context=self._context, actions=actions)

    async def resize(self, width: int, height: int) -> None:
        await self._firefox.command(
            "browsingContext.setViewport", context=self._context, viewport={"width": width, "height": height}
        )

    async def picture(self) -> bytes:
        shot = await self._firefox.command("browsingContext.captureScreenshot", context=self._context)
        return base64.b64decode(shot["data"])

    async def close(self) -> None:
        await self._firefox.command("browser.removeUserContext", userContext=self._person)
