"""Which tool a text speaks of."""

import datetime as dt
import re
from collections.abc import Sequence

from mcpsecurity.localcloud.openai.offline.dates import days_in
from mcpsecurity.localcloud.openai.offline.extract import places
from mcpsecurity.localcloud.openai.offline.fill import fill
from mcpsecurity.localcloud.openai.offline.prompt_words import stems
from mcpsecurity.localcloud.openai.offline.tools import Tool

_THRESHOLD = 2.0
_FITS = 1.5
_BESIDE = 0.75
_CODE = re.compile(r"\S*[\d/@]\S*")
_ANY_DAY = dt.date(2000, 1, 1)
_EVERYDAY = frozenset(
    stems(
        "pick draw choose another one two three four five six seven eight nine ten number numbers based"
        " derived exactly right between below above under least most more than random lucky again going"
        " does did am if so too also about up time like whole new quick quickly look find know say"
        " bigger higher larger already still weekend out should"
    )
)
"""Words that say nothing about what a request is for."""


def best_tool(tools: Sequence[Tool], text: str) -> Tool | None:
    """Return the tool whose name, description and parameters a text speaks of most; None when of none enough.

    Words decide whether a tool is meant at all; what the text has for its parameters decides between several.
    """
    said = stems(text)
    topics = _topics(text)
    meant = [(tool.score(said) - _BESIDE * tool.beside(said, topics), tool) for tool in tools]
    ranked = [
        (score + _FITS * len(fill(tool, text, _ANY_DAY)[0]), tool)
        for score, tool in meant
        if score >= _THRESHOLD
    ]
    return max(ranked, key=lambda entry: entry[0])[1] if ranked else None


def _topics(text: str) -> frozenset[str]:
    """Return the stems of a text that are no names of places or days, and no everyday words."""
    for days in reversed(days_in(text, _ANY_DAY)):
        text = f"{text[: days.position]} {text[days.end :]}"
    for place in places(text):
        text = re.sub(re.escape(place), " ", text, flags=re.IGNORECASE)
    return frozenset(stems(_CODE.sub(" ", text))) - _EVERYDAY
