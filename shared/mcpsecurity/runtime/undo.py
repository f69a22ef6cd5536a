"""Changes that count only once they are saved."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def undone_on_failure(undo: Callable[[], object]) -> Iterator[None]:
    """Call `undo` if the block fails or is cancelled; the exception goes on."""
    try:
        yield
    except BaseException:
        undo()
        raise
