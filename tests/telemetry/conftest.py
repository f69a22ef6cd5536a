"""The local stack for the processes of these tests."""

from collections.abc import Iterator

import pytest

from mcpsecurity.testing import LocalStack


@pytest.fixture(scope="session")
def local() -> Iterator[LocalStack]:
    with LocalStack() as stack:
        yield stack
