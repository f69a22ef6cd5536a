"""Reads `/metrics` as Prometheus does."""

from collections.abc import Iterator

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

__all__ = ["Scrape", "scraped"]


class Scrape:
    """What was read once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._samples = [s for family in text_string_to_metric_families(text) for s in family.samples]

    def value(self, name: str, **labels: str) -> float:
        """Return the sum of the samples of a name that have these labels."""
        return sum(s.value for s in self._samples if s.name == name and labels.items() <= s.labels.items())

    def labels(self) -> Iterator[str]:
        """Return all values of labels."""
        return (value for sample in self._samples for value in sample.labels.values())


async def scraped(port: int) -> Scrape:
    """Read the metrics at a port of loopback."""
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/metrics") as response:
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/plain; version=")
        return Scrape(await response.text())
