"""The findings of the doctor, as a table and as JSON."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from textwrap import wrap

import orjson

from mcpsecurity.runtime.printable import one_line

_WIDTH = 78


class Status(StrEnum):
    """How a check ended. Only `FAILED` makes the exit code 1."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check. `setting` is the key to change, or "" when nothing has to."""

    check: str
    status: Status
    message: str
    setting: str = ""


def ok(check: str, message: str) -> Finding:
    """Return a finding: the check passed."""
    return Finding(check, Status.OK, message)


def warning(check: str, message: str, setting: str) -> Finding:
    """Return a finding: it works, but not for everybody or not for long."""
    return Finding(check, Status.WARNING, message, setting)


def failed(check: str, message: str, setting: str) -> Finding:
    """Return a finding: it cannot work."""
    return Finding(check, Status.FAILED, message, setting)


def skipped(check: str, message: str, setting: str = "") -> Finding:
    """Return a finding: there was nothing to check, or no way to check it."""
    return Finding(check, Status.SKIPPED, message, setting)


def as_json(findings: Iterable[Finding]) -> str:
    """Return a JSON array of objects with the keys check, status, message and setting."""
    return orjson.dumps([asdict(finding) for finding in findings], option=orjson.OPT_INDENT_2).decode()


def as_table(findings: Sequence[Finding]) -> str:
    """Return a table for people: check, status and message; below it the setting to change.

    What servers have said stands in both, so neither controls the terminal or looks like another line.
    """
    width = max(len(finding.check) for finding in findings)
    indent = " " * (width + 11)
    lines: list[str] = []
    for finding in findings:
        first, *more = wrap(
            one_line(finding.message), _WIDTH, break_on_hyphens=False, break_long_words=False
        ) or [""]
        lines.append(f"{finding.check:{width}}  {finding.status.value:7}  {first}")
        lines += [indent + line for line in more]
        if finding.setting:
            lines.append(f"{indent}change: {one_line(finding.setting)}")
    return "\n".join(lines)
