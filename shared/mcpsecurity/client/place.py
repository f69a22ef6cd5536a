"""Where a program runs, and whom it can ask there."""

import asyncio
import sys
from importlib.util import find_spec

from mcpsecurity.elicitation.asking import Asker
from mcpsecurity.elicitation.lines import LineAsker

__all__ = ["asker_here", "in_notebook"]


def asker_here() -> Asker | None:
    """Return whom to ask: by widgets in a notebook that has them, by lines in a terminal, or nobody."""
    if in_notebook() and find_spec("ipywidgets") is not None:
        from mcpsecurity.elicitation.widgets import WidgetAsker  # noqa: PLC0415 - not everybody has ipywidgets

        return WidgetAsker()
    if in_notebook() or (sys.stdin is not None and sys.stdin.isatty()):
        return LineAsker(_read, print)
    return None


def in_notebook() -> bool:
    """Return whether this is a Jupyter kernel."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    return getattr(shell, "kernel", None) is not None


async def _read(prompt: str) -> str:
    return await asyncio.to_thread(input, prompt)
