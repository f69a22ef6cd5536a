"""What the endpoint of a model says where it lists its models."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

import aiohttp
import orjson

from mcpsecurity.model_listing import Told, listings, models_in, told_in
from mcpsecurity.model_settings import ModelSettings
from mcpsecurity_server.doctor.requests import UnreachableError, fetch

_NAMED = 5
_LONGEST = 80


@dataclass(frozen=True, slots=True)
class Listed:
    """The names of the models that an endpoint lists, and what it tells of the one in use."""

    names: list[str]
    told: Told

    def like(self, name: str) -> str:
        """Return some of the names for a line of text, those first that are like this one."""
        alike = get_close_matches(name, self.names, _NAMED, 0.5)
        shown = [*alike, *(other for other in self.names if other not in alike)][:_NAMED]
        more = len(self.names) - len(shown)
        words = ", ".join(_line(other) for other in shown)
        return f"{words} and {more} more" if more else words


async def read_lists(
    session: aiohttp.ClientSession, model: ModelSettings, headers: Mapping[str, str]
) -> Listed:
    """Return what the lists say; nothing if there are none."""
    names, told = list[str](), Told()
    for url in listings(model.endpoint):
        try:
            answer = await fetch(session, "GET", url, headers=dict(headers))
            listing = orjson.loads(answer.text)
        except (UnreachableError, orjson.JSONDecodeError):
            listing = None
        names = names or models_in(listing)
        told = told.joined(told_in(listing, model.model_name))
        if told.window is not None or not names:
            break
    return Listed(names, told)


def _line(name: str) -> str:
    """Return a name as one line that does nothing to a terminal."""
    return "".join(c if c.isprintable() else " " for c in name[:_LONGEST])
