"""Errors of the model or a server, explained to the person who waits."""

import math
import re
import time
from collections.abc import Iterable
from email.utils import parsedate_to_datetime

import openai
from azure.core.exceptions import ClientAuthenticationError
from semantic_kernel.exceptions import ServiceException

from mcpsecurity.client import BridgeError, SignInRequiredError
from mcpsecurity.kernel.context.errors import TooLongError
from mcpsecurity.kernel.model import BrokenOffError, NotAStreamError, ProviderError
from mcpsecurity.runtime.failures import causes
from mcpsecurity_webclient.chat.agent.provider_report import Report, report_of
from mcpsecurity_webclient.chat.models import Failure
from mcpsecurity_webclient.languages import gettext as _
from mcpsecurity_webclient.languages import marked, ngettext, translated

MODEL_ERRORS = (ServiceException, ClientAuthenticationError)
"""Errors that a model request may raise."""

_LONGEST_WAIT = 7 * 86400
_WAIT_TOLD = re.compile(
    r"(?:try again|retry) (?:in|after) "
    r"((?:\d{1,6}(?:\.\d{1,9})? ?(?:ms|seconds?|s|minutes?|m|hours?|h)\b ?|\d{1,6}[hm](?=\d))+)",
    re.IGNORECASE,
)
_TIMES = re.compile(r"(\d+(?:\.\d+)?) ?(ms|[hms])", re.IGNORECASE)
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
_WAITABLE = 3600
"""Seconds that a person may be asked to wait on the page."""
_TOO_LONG_HERE = {
    "message": marked(
        "This message is longer than what the model reads for one answer. Please make it shorter, or "
        "choose a model that reads more."
    ),
    "tools": marked(
        "The descriptions of the tools are longer than what the model reads for one answer. Please "
        "choose a model that reads more, or fewer tools."
    ),
}
_TOO_MUCH = marked(
    "The model does not take this much, although older parts were shortened. Please write less in "
    "this message, or choose a model that reads more."
)
_OPERATOR = marked("Please tell your administrator.")
_FOR_OPERATORS: dict[str, tuple[str, str]] = {
    "no_quota": ("model_quota", marked("The model's quota is used up.")),
    "credentials": (
        "model_unauthorized",
        marked("The model refuses this application's credentials."),
    ),
    "network": (
        "model_forbidden",
        marked("The model's network does not let this application in."),
    ),
    "no_model": ("model_not_found", marked("The model's deployment does not exist.")),
    "no_address": (
        "model_not_found",
        marked("There is no model at the address that is configured."),
    ),
    "redirect": (
        "model_not_found",
        marked("The model's address leads to another one, where nothing is sent ({status})."),
    ),
}
"""Errors that only the operator can mend, after which the person tries again: the code, and the words before
`_OPERATOR`."""


REFUSED = Failure(
    "content_filter",
    marked(
        "The model's content filter refused this message. It is not "
        "sent any more; please put it in other words."
    ),
    retryable=False,
)


def only_thought(finish_reason: str | None) -> Failure:
    """Return what to tell the person of an answer that is nothing but a thought, by how it ended."""
    if finish_reason == "length":
        text = _("The model reached the limit of its answer while it was still thinking.")
    else:
        text = _("The model only thought, and gave no answer. What it thought is shown above.")
    return Failure("model_only_thought", text, retryable=True)


def sign_in_needed(error: BaseException) -> SignInRequiredError | None:
    """Return the error among the causes that only a sign-in mends."""
    return next((e for e in causes(error) if isinstance(e, SignInRequiredError)), None)


def failure_of(error: BaseException, error_id: str) -> Failure:
    """Return what to tell the person; an unexpected error gets an id that is in the log."""
    for cause in causes(error):
        found = _of_model(cause)
        if found is not None:
            return found
        if isinstance(cause, TooLongError):
            return Failure("too_long", _(_TOO_LONG_HERE[cause.what]), retryable=False)
        if isinstance(cause, BridgeError):
            return Failure("mcp", translated(str(cause)), retryable=True)
    return Failure(
        "internal",
        _("Something went wrong (reference {error_id}). Please try again.").format(error_id=error_id),
        retryable=True,
    )


def report_in(error: BaseException, said: Iterable[str]) -> str:
    """Return what is wrong with the model's endpoint, for a log; "" if nothing is known. `said` are the texts
    that must not be in it."""
    for cause in causes(error):
        if isinstance(cause, openai.APIStatusError | ProviderError):
            return f", {report_of(cause).line(said)}"
        if isinstance(cause, openai.APIConnectionError):
            return _unreached(cause)
    return ""


def _unreached(error: openai.APIConnectionError) -> str:
    """Return where the model was looked for, and what the system or TLS says of that."""
    url = error.request.url
    system = [cause for cause in causes(error) if isinstance(cause, OSError)]
    why = f": {type(system[-1]).__name__}: {system[-1]}" if system else ""
    return f", {url.host}:{url.port or (443 if url.scheme == 'https' else 80)}{why}"


def _of_model(error: BaseException) -> Failure | None:
    match error:
        case NotAStreamError() if report_of(error).kind in ("passing", "refused"):
            text = _("The model's address answered with something that is no answer of a model.")
            return Failure("model_not_a_stream", text, retryable=True)
        case BrokenOffError():
            return Failure("model_broke_off", _("The model's answer broke off."), retryable=True)
        case ClientAuthenticationError():
            text = _("Microsoft Entra ID gave this application no token for the model.") + " " + _(_OPERATOR)
            return Failure("model_no_token", text, retryable=True)
        case openai.APITimeoutError():
            return Failure("model_timeout", _("The model did not answer in time."), retryable=True)
        case openai.APIConnectionError():
            return Failure(
                "model_unreachable", _("The model cannot be reached at the moment."), retryable=True
            )
        case openai.APIError() | ProviderError():
            return _of_report(report_of(error))
    return None


def _of_report(report: Report) -> Failure:
    """Return the failure for what the model's endpoint says is wrong."""
    kind = report.kind
    match kind:
        case "filtered" if report.status is not None:
            return REFUSED
        case "filtered":
            text = _("The model's content filter ended this answer.")
            return Failure("content_filter", text, retryable=True)
        case "busy":
            return _busy(report)
        case "too_long":
            return Failure("too_long", _(_TOO_MUCH), retryable=False)
        case "no_tools":
            text = _("This model takes no tools. Turn off the tools of this chat, or choose another model.")
            return Failure("model_no_tools", text, retryable=False)
        case "no_pictures":
            text = _("This model does not see pictures. Choose another model.")
            return Failure("model_no_pictures", text, retryable=False)
        case "loading":
            text = _("The model is still being loaded. Please try again in a moment.")
            return Failure("model_loading", text, retryable=True, retry_after=_waitable(report))
        case "bad_call":
            return _broke_off()
        case "passing" | "refused":
            return _of_status(report)
    code, text = _FOR_OPERATORS[kind]
    return Failure(code, f"{_(text).format(status=report.status)} {_(_OPERATOR)}", retryable=True)


def _of_status(report: Report) -> Failure:
    """Return the failure for a status alone."""
    if report.status is None:
        return _broke_off()
    if report.kind == "passing":
        text = _("The model answered with an error ({status}).").format(status=report.status)
        return Failure("model_error", text, retryable=True, retry_after=_waitable(report))
    text = _("The model does not take what this application sends ({status}).").format(status=report.status)
    return Failure("model_error", f"{text} {_(_OPERATOR)}", retryable=False)


def _broke_off() -> Failure:
    return Failure("model_error", _("The model's answer broke off with an error."), retryable=True)


def _busy(report: Report) -> Failure:
    wait = _wait_of(report)
    text = _("The model is busy.")
    return Failure(
        "model_busy",
        text + (" " + _("Try again in {time}.").format(time=_in_words(wait)) if wait else ""),
        retryable=True,
        retry_after=_waitable(report),
    )


def _waitable(report: Report) -> int | None:
    """Return how many seconds the page counts down; None for more than an hour."""
    wait = _wait_of(report)
    return wait if wait is not None and wait <= _WAITABLE else None


def _in_words(seconds: int) -> str:
    days, hours, minutes = (math.ceil(seconds / size) for size in (86400, 3600, 60))
    if seconds >= 2 * 86400:
        return ngettext("{count} day", "{count} days", days).format(count=days)
    if seconds >= 2 * 3600:
        return ngettext("{count} hour", "{count} hours", hours).format(count=hours)
    if seconds >= 2 * 60:
        return ngettext("{count} minute", "{count} minutes", minutes).format(count=minutes)
    return ngettext("{count} second", "{count} seconds", seconds).format(count=seconds)


def _wait_of(report: Report) -> int | None:
    """Return the seconds to wait, rounded up: of `retry-after-ms`, of `Retry-After` (RFC 9110, 10.2.3), or as
    the message says it."""
    headers = report.headers
    milliseconds, after = headers.get("retry-after-ms", ""), headers.get("Retry-After", "")
    for text, unit in ((milliseconds, 1000), (after, 1)):
        try:
            return min(max(0, math.ceil(float(text) / unit)), _LONGEST_WAIT)
        except (OverflowError, ValueError):
            continue
    try:
        seconds = parsedate_to_datetime(after).timestamp() - time.time()
    except (OverflowError, TypeError, ValueError):
        return _wait_in(report.message)
    return min(max(0, math.ceil(seconds)), _LONGEST_WAIT)


def _wait_in(message: str) -> int | None:
    """Return the seconds to wait that a message names, such as "Please retry in 1m2.5s"."""
    if (told := _WAIT_TOLD.search(message)) is None:
        return None
    found = _TIMES.findall(told[1])
    return min(math.ceil(sum(float(number) * _UNITS[unit.lower()] for number, unit in found)), _LONGEST_WAIT)
