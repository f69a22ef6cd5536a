"""Asks people in a notebook, by forms of ipywidgets."""

import asyncio
import html
from collections.abc import Callable, Mapping
from typing import Any

import IPython.display
import ipywidgets
from mcp import types

from mcpsecurity.elicitation.arguments import argument_errors
from mcpsecurity.elicitation.entry import field_hint, field_label, parse_entry
from mcpsecurity.elicitation.fields import (
    BooleanField,
    ChoiceField,
    ChoicesField,
    Field,
    FieldError,
    LinesField,
)
from mcpsecurity.elicitation.form import Form, InvalidContentError
from mcpsecurity.elicitation.handler import Accepted, Cancelled, Declined, Outcome
from mcpsecurity.elicitation.url import Visit
from mcpsecurity.runtime.exact_decimals import dumps, loads

__all__ = ["OpenQuestion", "WidgetHandler"]

Check = Callable[[dict[str, Any]], dict[str, Any]]
"""Turns what the widgets hold into an answer's content; raises InvalidContentError."""


class OpenQuestion:
    """A question that is on the page. What the buttons do can be done by a program, too."""

    def __init__(self, heading: str, inputs: Mapping[str, Any], check: Check, agree: str) -> None:
        self._inputs = dict(inputs)
        self._check = check
        self._answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._problems = {name: ipywidgets.HTML() for name in ("", *inputs)}
        rows = [part for name, item in inputs.items() for part in (item, self._problems[name])]
        buttons = ipywidgets.HBox(
            [
                _button(agree, self.submit),
                _button("Decline", lambda: self._end(Declined())),
                _button("Cancel", lambda: self._end(Cancelled())),
            ]
        )
        self.view = ipywidgets.VBox([ipywidgets.HTML(heading), *rows, self._problems[""], buttons])

    def fill(self, **values: Any) -> None:
        """Put values into fields, by their names."""
        for name, value in values.items():
            self._inputs[name].value = value

    def submit(self) -> None:
        """Send the form; a wrong value is reported at its field, and the question stays open."""
        try:
            content = self._check({name: item.value for name, item in self._inputs.items()})
        except InvalidContentError as error:
            for name, problem in self._problems.items():
                text = html.escape(error.fields.get(name, ""))
                problem.value = f'<span style="color: #b3261e" role="alert">{text}</span>' if text else ""
            return
        self._end(Accepted(content))

    def decline(self) -> None:
        """Say no."""
        self._end(Declined())

    @property
    def problems(self) -> dict[str, str]:
        """The error messages by field, as HTML."""
        return {name: problem.value for name, problem in self._problems.items() if problem.value}

    async def outcome(self) -> Outcome:
        """Wait for the answer; the form is disabled then."""
        try:
            return await self._answer
        finally:
            for item in (*self._inputs.values(), *self.view.children[-1].children):
                item.disabled = True

    def _end(self, outcome: Outcome) -> None:
        if not self._answer.done():
            self._answer.set_result(outcome)


class WidgetHandler:
    """An `ElicitationHandler` for notebooks. `open` has the questions that wait, oldest first."""

    def __init__(self) -> None:
        self.open: list[OpenQuestion] = []

    async def fill(self, server: str, message: str, form: Form) -> Outcome:
        """Show a form for the fields."""
        inputs = {field.name: _input(field) for field in form.fields}
        question = OpenQuestion(
            _heading(f"Request from {server}", message),
            inputs,
            lambda values: _content(form, values),
            "Submit",
        )
        return await self._ask(question)

    async def visit(self, server: str, message: str, visit: Visit) -> Outcome:
        """Show the whole address; when the person agrees, a link to click on."""
        warnings = "".join(f"<br><b>Beware:</b> {html.escape(warning)}" for warning in visit.warnings)
        heading = _heading(f"{server} asks you to visit {visit.host}", message)
        address = f"<code>{html.escape(visit.url)}</code>{warnings}"
        outcome = await self._ask(OpenQuestion(heading + address, {}, lambda _: {}, "Show the link"))
        if isinstance(outcome, Accepted):
            link = html.escape(visit.url, quote=True)
            _show(ipywidgets.HTML(f'<a href="{link}" target="_blank" rel="noopener noreferrer">{link}</a>'))
        return outcome

    async def approve(self, server: str, tool: types.Tool, arguments: Mapping[str, Any]) -> Outcome:
        """Show the call with its arguments, which can be edited."""
        text = ipywidgets.Textarea(
            value=dumps(arguments, ensure_ascii=False, indent=1), description="Arguments"
        )
        question = OpenQuestion(
            _heading(f"Tool call {tool.name}", f"at {server}"),
            {"arguments": text},
            lambda values: _arguments(tool, values["arguments"]),
            "Approve",
        )
        return await self._ask(question)

    async def _ask(self, question: OpenQuestion) -> Outcome:
        self.open.append(question)
        _show(question.view)
        try:
            return await question.outcome()
        finally:
            self.open.remove(question)


def _show(view: Any) -> None:
    show: Callable[[Any], None] = IPython.display.display
    show(view)


def _heading(title: str, text: str) -> str:
    return f"<b>{html.escape(title)}</b><br>{html.escape(text)}<br>"


def _button(label: str, action: Callable[[], None]) -> Any:
    button = ipywidgets.Button(description=label)
    button.on_click(lambda _: action())
    return button


def _input(field: Field) -> Any:
    """Return the widget for a field, holding its default."""
    common = {
        "description": field_label(field),
        "tooltip": field.description or "",
        "style": {"description_width": "initial"},
    }
    default: Any = field.default
    match field:
        case BooleanField():
            return ipywidgets.Dropdown(
                options=[("", None), ("yes", True), ("no", False)], value=default, **common
            )
        case ChoiceField():
            options = [("", None), *((option.title, option.value) for option in field.options)]
            return ipywidgets.Dropdown(options=options, value=default, **common)
        case ChoicesField():
            options = [(option.title, option.value) for option in field.options]
            return ipywidgets.SelectMultiple(options=options, value=default or (), **common)
        case LinesField():
            return ipywidgets.Textarea(value="\n".join(default or ()), **common)
    value = "" if default is None else f"{default:g}" if isinstance(default, float) else str(default)
    return ipywidgets.Text(value=value, placeholder=field_hint(field), **common)


def _content(form: Form, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the validated content; errors of all fields are reported at once."""
    read: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for field in form.fields:
        try:
            read[field.name] = _read(field, values[field.name])
        except FieldError as error:
            errors[field.name] = str(error)
    try:
        content = form.validate(read)
    except InvalidContentError as error:
        errors = error.fields | errors
    if errors:
        raise InvalidContentError(errors)
    return content


def _read(field: Field, value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, str) and not isinstance(field, ChoiceField):
        return parse_entry(field, value) if value.strip() else None
    return value


def _arguments(tool: types.Tool, text: str) -> dict[str, Any]:
    try:
        arguments = loads(text)
    except ValueError:
        raise InvalidContentError({"arguments": "That is not JSON."}) from None
    if not isinstance(arguments, dict):
        raise InvalidContentError({"arguments": "The arguments are an object: {…}."})
    errors = argument_errors(tool.inputSchema, arguments)
    if errors:
        lines = (f"{name}: {problem}" if name else problem for name, problem in errors.items())
        raise InvalidContentError({"arguments": " ".join(lines)})
    return arguments
