"""Questions of MCP servers to a person: forms, addresses to visit, and their outcomes.

    form = parse_form(params.requestedSchema)
    content = form.validate({"city": "Zurich"})     # raises InvalidContentError with a message for each field

Pure and free of Semantic Kernel: the web chat, the console and notebooks use the same. A form is flat, as in
MCP 2025-11-25 (client/elicitation); its schema may be written in the ways of SDKs and pydantic, see
`parse_form`. Every answer is checked against the schema before it is sent. A server's `pattern` is never run:
it could take for ever.
"""

from mcpsecurity.elicitation.arguments import argument_errors
from mcpsecurity.elicitation.fields import (
    BooleanField,
    ChoiceField,
    ChoicesField,
    Field,
    FieldError,
    LinesField,
    NumberField,
    Option,
    TextField,
)
from mcpsecurity.elicitation.form import Form, InvalidContentError, SchemaError, parse_form
from mcpsecurity.elicitation.handler import (
    Accepted,
    Cancelled,
    Declined,
    ElicitationHandler,
    Expired,
    Outcome,
    elicit_result,
    elicitation_callback,
    exact_answer,
    parse_question,
)
from mcpsecurity.elicitation.terminal import TerminalHandler
from mcpsecurity.elicitation.url import UrlRefusedError, Visit, parse_visit

__all__ = [
    "Accepted",
    "BooleanField",
    "Cancelled",
    "ChoiceField",
    "ChoicesField",
    "Declined",
    "ElicitationHandler",
    "Expired",
    "Field",
    "FieldError",
    "Form",
    "InvalidContentError",
    "LinesField",
    "NumberField",
    "Option",
    "Outcome",
    "SchemaError",
    "TerminalHandler",
    "TextField",
    "UrlRefusedError",
    "Visit",
    "argument_errors",
    "elicit_result",
    "elicitation_callback",
    "exact_answer",
    "parse_form",
    "parse_question",
    "parse_visit",
]
