"""Runs a notebook from top to bottom in a fresh kernel, with a person at it who fills in forms."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from tests.support.installed import Installed

VIEW = "application/vnd.jupyter.widget-view+json"


@dataclass(frozen=True)
class Answer:
    """The entries of a form by the labels of its fields, and the button that is pressed then."""

    button: str
    fields: Mapping[str, Any] = field(default_factory=dict)


class Reader(NotebookClient):
    """A notebook client that plays the page: it answers each form that is shown, in order.

    It does so over the wire, as the page does: the kernel gets changes of widgets and clicks while the cell
    that shows the form still runs.
    """

    attended = True

    async def async_start_new_kernel_client(self) -> Any:
        """Start as a page does: a person can be asked. Programs that run notebooks allow no input."""
        client = await super().async_start_new_kernel_client()
        client.allow_stdin = self.attended
        return client

    def attend(self, answers: list[Answer], on_text: Callable[[str], None] = lambda _: None) -> None:
        self.answers = list(answers)
        self.on_text = on_text

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        view = msg["content"].get("data", {}).get(VIEW) if msg["msg_type"] == "display_data" else None
        if msg["msg_type"] == "stream":
            self.on_text(msg["content"]["text"])
        if view is None:
            return super().process_message(msg, cell, cell_index)
        if self._labelled(view["model_id"], "ButtonModel"):
            self._answer(view["model_id"], self.answers.pop(0))
        return None  # a form that has been answered is not worth keeping

    def _answer(self, root: str, answer: Answer) -> None:
        for label, value in answer.fields.items():
            self._send(self._labelled(root)[label], {"method": "update", "state": value, "buffer_paths": []})
        button = self._labelled(root, "ButtonModel")[answer.button]
        self._send(button, {"method": "custom", "content": {"event": "click"}})

    def _send(self, comm_id: str, data: dict[str, Any]) -> None:
        assert self.kc is not None
        message = self.kc.session.msg("comm_msg", {"comm_id": comm_id, "data": data})
        self.kc.shell_channel.send(message)

    def _labelled(self, root: str, model: str = "") -> dict[str, str]:
        """Return the widgets in a view by their labels."""
        found: dict[str, str] = {}
        state = self.widget_state.get(root, {})
        if state.get("description") and model in state.get("_model_name", ""):
            found[state["description"]] = root
        for child in state.get("children", ()):
            found |= self._labelled(child.removeprefix("IPY_MODEL_"), model)
        return found


def run(
    path: Path,
    installed: Installed,
    folder: Path,
    answers: list[Answer] | None = None,
    on_text: Callable[[str], None] = lambda _: None,
    *,
    attended: bool = True,
    **more: str,
) -> tuple[nbformat.NotebookNode, str]:
    """Execute a notebook in the environment with the wheel; return it, and its text output. With `attended`
    somebody sits at it, as at a page; without, it runs as a program runs it. `more` is for its environment.

    Raises:
        CellExecutionError: a cell failed, or took too long.
    """
    notebook = nbformat.reads(path.read_text("utf-8"), as_version=4)
    reader = Reader(
        notebook, kernel_name="python3", timeout=60, resources={"metadata": {"path": str(folder)}}
    )
    reader.attend(answers or [], on_text)
    reader.attended = attended
    reader.create_kernel_manager()
    assert reader.km is not None
    assert reader.km.kernel_spec is not None
    reader.km.kernel_spec.argv[0] = str(installed.python)
    reader.execute(env=installed.environment | more)
    assert reader.answers == [], "every answer was asked for"
    return notebook, text_of(notebook)


def text_of(notebook: nbformat.NotebookNode) -> str:
    """Return everything that is printed or shown as text in a notebook."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", ()))
    return "\n".join(out.get("text") or out.get("data", {}).get("text/plain", "") for out in outputs)


def is_quiet(text: str) -> bool:
    """Return whether nothing in an output looks like a token or a path of a machine."""
    return not re.search(r"eyJ[\w-]{10}|/(?:home|root|Users|tmp)/", text)
