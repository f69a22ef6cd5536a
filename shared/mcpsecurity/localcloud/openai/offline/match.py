"""Which tool a text speaks of."""

import datetime as dt
from collections.abc import Sequence

from mcpsecurity.localcloud.openai.offline.fill import fill
from mcpsecurity.localcloud.openai.offline.tools import Tool
from mcpsecurity.localcloud.openai.offline.words import stems

__all__ = ["best_tool"]

_THRESHOLD = 2.0
_FITS = 1.5
_ANY_DAY = dt.date(2000, 1, 1)


def best_tool(tools: Sequence[Tool], text: str) -> Tool | None:
    """Return the tool whose name, description and parameters a text speaks of most; None when of none enough.

    Words decide whether a tool is meant at all; what the text has for its parameters decides between several.
    """
    said = stems(text)
    meant = [(tool.score(said), tool) for tool in tools]
    ranked = [
        (score + _FITS * len(fill(tool, text, _ANY_DAY)[0]), tool)
        for score, tool in meant
        if score >= _THRESHOLD
    ]
    return max(ranked, key=lambda entry: entry[0])[1] if ranked else None
