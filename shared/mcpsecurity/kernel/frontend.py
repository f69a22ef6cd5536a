"""Where a program runs, and whom it can ask there."""

import sys
from importlib.util import find_spec
from typing import Any

from mcpsecurity.client.results import ToolText
from mcpsecurity.elicitation.handler import ElicitationHandler
from mcpsecurity.elicitation.terminal import TerminalHandler
from mcpsecurity.runtime.threads import in_daemon_thread

__all__ = ["detect_handler", "in_notebook", "show_images"]


def detect_handler() -> ElicitationHandler | None:
    """Return whom to ask: by widgets in a notebook that has them, by lines in a terminal, or nobody."""
    if in_notebook() and find_spec("ipywidgets") is not None:
        from mcpsecurity.elicitation.widgets import WidgetHandler  # noqa: PLC0415 - not everybody has ipywidgets

        return WidgetHandler()
    if in_notebook() or (sys.stdin is not None and sys.stdin.isatty()):
        return TerminalHandler(_read, print)
    return None


def in_notebook() -> bool:
    """Return whether this is a Jupyter kernel."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    return getattr(shell, "kernel", None) is not None


def show_images(tool: str, text: ToolText) -> None:  # noqa: ARG001 - the signature of `on_result`
    """Show a result's images in a notebook; elsewhere do nothing."""
    if in_notebook():
        import IPython.display  # noqa: PLC0415 - it is there

        show: Any = IPython.display.display  # it has no types
        for image in text.images:
            show(image)


async def _read(prompt: str) -> str:
    return await in_daemon_thread(lambda: input(prompt))
