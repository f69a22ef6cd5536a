"""Where Semantic Kernel's agents can be made."""

import sys

import pytest

__all__ = ["makes_an_agent"]

makes_an_agent = pytest.mark.xfail(
    sys.version_info >= (3, 14),
    reason="Semantic Kernel 1.45 makes no ChatCompletionAgent on Python 3.14; the README says so",
    strict=True,  # when it does, this mark and those words go
)
