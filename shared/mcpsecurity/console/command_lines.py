"""What the command of a server prints, as far as the person at the terminal sees it."""

from collections import deque
from collections.abc import Callable
from typing import Final

_SHOWN: Final = 10
_SHOWN_WITH_ADDRESS: Final = 30
_LAST_WORDS: Final = 30
_KEPT: Final = 500


class CommandLines:
    """Shows the first lines after each message of the person, and keeps the last ones for `/log`: many
    servers log each request, and errors with their traces.

    A line with an address is shown for longer: by such lines servers ask people to sign in. One without
    letters and digits, such as the frame of a banner, is not.

    Attributes:
        kept: the last lines.
    """

    def __init__(self, label: str, write: Callable[[str], None]) -> None:
        self._label = label
        self._write = write
        self._came = self._hidden = 0
        self.kept: deque[str] = deque(maxlen=_KEPT)

    def take(self, line: str) -> None:
        """Keep a line, and show it if it is one of the first."""
        self.kept.append(line)
        if not _says_something(line):
            return
        self._came += 1
        if self._came <= (_SHOWN_WITH_ADDRESS if "://" in line else _SHOWN):
            self._write(f"{self._label}: {line}")
            return
        self._hidden += 1
        if self._hidden == 1:
            self._write(f"{self._label} prints more; /log shows it.")

    def renew(self) -> None:
        """Show the next lines again: the person has read the former ones."""
        self._came = self._hidden = 0

    def show_last(self) -> None:
        """Show the last of the lines that were not: the server cannot be used, and they may say why."""
        said = [line for line in self.kept if _says_something(line)]
        for line in said[-min(self._hidden, _LAST_WORDS) :] if self._hidden else ():
            self._write(f"{self._label}: {line}")
        self._hidden = 0


def _says_something(line: str) -> bool:
    return any(map(str.isalnum, line))
