"""What the page loads; how soon it is there on a slow network is printed (`-s`)."""

import re
import time
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import CDPSession, Request, expect
from tests.browser.person import Person

SLOW = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_600_000 / 8,
    "uploadThroughput": 750_000 / 8,
}


@dataclass
class Loaded:
    """The requests of a page, the bytes that came over the network, and the seconds until it was ready."""

    urls: list[str] = field(default_factory=list)
    bytes: float = 0.0
    seconds: float = 0.0


async def test_the_page_is_small_and_kept(alice_with_bundle: Person) -> None:
    network = await alice_with_bundle.page.context.new_cdp_session(alice_with_bundle.page)
    await network.send("Network.enable")
    await network.send("Network.emulateNetworkConditions", SLOW)

    cold = min([await load(alice_with_bundle, network, cold=True) for _ in range(2)], key=lambda a: a.seconds)
    warm = min(
        [await load(alice_with_bundle, network, cold=False) for _ in range(2)], key=lambda a: a.seconds
    )

    timing = f"{cold.seconds:.2f} s cold, {warm.seconds:.2f} s warm"
    print(f"{len(cold.urls)} requests, {cold.bytes / 1000:.1f} kB, {timing}")
    assert len(cold.urls) <= 8, cold.urls
    assert cold.bytes <= 70_000


async def test_bundled_files_are_compressed_and_kept_for_ever(alice_with_bundle: Person) -> None:
    page = alice_with_bundle.page
    sources = await page.locator("script[src], link[rel=stylesheet]").evaluate_all(
        "(all) => all.map((e) => e.src || e.href)"
    )
    assert len(sources) == 2
    for url in sources:
        answer = await page.context.request.get(url, headers={"Accept-Encoding": "gzip"})
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        other = await page.context.request.get(re.sub("[0-9a-f]{16}", "0" * 16, url))
        assert other.headers["cache-control"] == "no-cache"
        assert await other.body() == await answer.body()


async def test_what_loads_on_demand_comes_from_the_bundle_and_works(alice_with_bundle: Person) -> None:
    person = alice_with_bundle
    asked: list[str] = []

    def requested(request: Request) -> None:
        asked.append(request.url)

    person.page.on("request", requested)
    await person.ask("What is the weather in Zurich?")
    await person.approve("get_city_weather")
    await person.says("Zurich")
    await expect(person.page.locator(".chart-frame svg").first).to_be_visible()
    await person.page.get_by_role("button", name="Edit message").click()
    await expect(person.page.get_by_role("textbox", name="What you said")).to_have_value(re.compile("Zurich"))
    await person.page.keyboard.press("Escape")
    await person.message.press_sequentially("/")
    await expect(person.page.get_by_role("listbox", name="Prompts")).to_be_visible()
    await person.page.keyboard.press("Escape")
    modules = [url for url in asked if url.endswith(".js")]
    assert {url.rpartition("/")[2] for url in modules} >= {"chart.js", "own_editor.js", "palette.js"}
    assert [url for url in modules if not re.search(r"/static/[0-9a-f]{16}/\w+\.js$", url)] == []
    person.page.remove_listener("request", requested)


async def load(person: Person, network: CDPSession, *, cold: bool) -> Loaded:
    """Load the page in its tab, with an empty cache if it is `cold`."""
    if cold:
        await network.send("Network.clearBrowserCache")
    loaded = Loaded()

    def requested(event: dict[str, Any]) -> None:
        if not event["request"]["url"].startswith("data:"):
            loaded.urls.append(event["request"]["url"])

    def received(event: dict[str, Any]) -> None:
        loaded.bytes += max(event.get("response", event).get("encodedDataLength", 0), 0)

    listeners = {
        "Network.requestWillBeSent": requested,
        "Network.responseReceived": received,
        "Network.dataReceived": received,
    }
    for name, listener in listeners.items():
        network.on(name, listener)
    begun = time.monotonic()
    await person.page.goto(person.url, wait_until="commit")
    await person.ready()
    loaded.seconds = time.monotonic() - begun
    await person.page.wait_for_load_state()
    for name, listener in listeners.items():
        network.remove_listener(name, listener)
    return loaded
