"""What `import mcpsecurity` gives, and what it costs."""

import subprocess
import sys

import pytest
from tests.support.imports import HEAVY, loaded_by

import mcpsecurity


def test_every_public_name_can_be_loaded_and_the_list_is_sorted() -> None:
    assert mcpsecurity.__all__ == sorted(mcpsecurity.__all__)
    assert all(callable(getattr(mcpsecurity, name)) for name in mcpsecurity.__all__)
    assert set(mcpsecurity.__all__) <= set(dir(mcpsecurity))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        mcpsecurity.nonsense  # noqa: B018 - asking is the test


@pytest.mark.parametrize(
    "module",
    ["mcpsecurity", "mcpsecurity_server.app", "mcpsecurity.localcloud", "mcpsecurity.model_settings"],
)
def test_importing_does_not_load_semantic_kernel(module: str) -> None:
    code = f"import sys, {module}; sys.exit('semantic_kernel' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603


@pytest.mark.parametrize(
    "statement", ["from mcpsecurity import McpClient", "from mcpsecurity.kernel import McpClient"]
)
def test_importing_the_client_loads_nothing_that_takes_its_time(statement: str) -> None:
    loaded = loaded_by(statement)
    assert "mcpsecurity" in loaded
    assert loaded & HEAVY == set()
