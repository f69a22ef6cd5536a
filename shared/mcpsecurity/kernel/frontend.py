"""The environment of a program (notebook, terminal or neither), and how a person is asked in it."""

import sys
from importlib.util import find_spec
from typing import Any

from mcpsecurity.client.results import ToolText
from mcpsecurity.elicitation.handler import ElicitationHandler
from mcpsecurity.elicitation.terminal import TerminalHandler
from mcpsecurity.kernel.options import Ask
from mcpsecurity.runtime.threads import in_daemon_thread

_NOBODY = "nobody can answer questions here"
_HEADLESS = "This notebook runs without a front end"


def someone_to_ask(ask: Ask, *, approve: bool) -> ElicitationHandler | None:
    """Return the handler of questions; None if no person can be asked. A notebook run by a program says so.

    Raises:
        ValueError: calls need approval, and no person can be asked.
    """
    handler = detect_handler() if ask == "here" else ask
    headless = ask == "here" and in_notebook() and handler is None
    if handler is None and approve:
        why = f"{_HEADLESS}, so nobody can approve calls" if headless else "Nobody can approve calls here"
        raise ValueError(f"{why}: pass `ask`, or leave `approve` out.")
    if headless:
        print(f"{_HEADLESS}: {_NOBODY}, and the server is told so.")
    return handler


def detect_handler() -> ElicitationHandler | None:
    """Return a handler by widgets in a notebook that has them, by lines in a terminal, or None."""
    if in_notebook():
        if not _has_front_end():
            return None
        if find_spec("ipywidgets") is not None:
            from mcpsecurity.elicitation.widgets import WidgetHandler  # noqa: PLC0415 - not everybody has it

            return WidgetHandler()
    if in_notebook() or (sys.stdin is not None and sys.stdin.isatty()):
        return TerminalHandler(_read, print)
    return None


def _has_front_end() -> bool:
    """Return whether a person can be asked here: programs that run notebooks allow no input (Jupyter's
    message `execute_request`, `allow_stdin`)."""
    kernel = sys.modules["IPython"].get_ipython().kernel
    content = (kernel.get_parent("shell") or {}).get("content", {})
    return bool(content.get("allow_stdin", True))


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
