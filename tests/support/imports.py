"""What a program imports, as Python itself reports it."""

import subprocess
import sys

__all__ = ["HEAVY", "loaded_by"]

HEAVY = frozenset(
    {
        "aiohttp",
        "azure",
        "cryptography",
        "httpx",
        "mcp",
        "msal",
        "numpy",
        "openai",
        "pydantic",
        "semantic_kernel",
    }
)
"""Packages that take their time."""


def loaded_by(code: str) -> set[str]:
    """Return the top-level packages that a program imports."""
    command = [sys.executable, "-X", "importtime", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)  # noqa: S603 - fixed above
    lines = (line for line in done.stderr.splitlines() if line.startswith("import time"))
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
