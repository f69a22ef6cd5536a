"""The wheel with the oldest or the newest packages that pyproject.toml allows, installed from the index."""

import os
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

from packaging.requirements import Requirement
from tests.support.installed import ROOT, Installed, kept, wheel

__all__ = ["ENDS", "at"]

ENDS = {"oldest": "lowest-direct", "newest": "highest"}
"""How uv resolves. What our dependencies depend on is the newest that fits in both cases."""

_PYTHON = os.environ.get("VERSIONS_PYTHON", sys.executable)
"""The interpreter to try."""


@cache
def at(end: str, *extras: str, tools: tuple[str, ...] = ()) -> Installed:
    """Install the wheel with these extras, and `tools` besides, once in a test run.

    Of what pyproject.toml names only wheels are taken, since nobody should need a compiler: where the oldest
    version that is allowed has none for this Python, the oldest that has one is tried.
    """
    made = Installed(Path(kept().name, "-".join((end, *extras, "tools" if tools else ""))))
    asked = [f"--extra={extra}" for extra in extras]
    wheels = [f"--only-binary={name}" for name in _named()]
    resolved = (f"--resolution={ENDS[end]}", *wheels, "-r", "pyproject.toml", *asked, *tools)
    _uv("venv", "--python", _PYTHON, str(made.folder))
    _uv("pip", "install", "--python", str(made.python), *resolved)
    _uv("pip", "install", "--python", str(made.python), "--offline", "--no-deps", str(wheel()))
    if "webclient" in extras:  # compiled at its first import, which can take longer than a start may
        done = made.run("-c", "import mcpsecurity_webclient.app", cwd=made.folder, timeout=900)
        assert done.returncode == 0, done.stdout
    return made


def _named() -> set[str]:
    """Return the names of the packages that pyproject.toml names for some extra, or for all."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lists = (project["dependencies"], *project["optional-dependencies"].values())
    return {Requirement(need).name for needs in lists for need in needs}


def _uv(*arguments: str) -> None:
    command = [str(Path(sys.executable).with_name("uv")), "--quiet", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)  # noqa: S603 - the tests' own
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr[-3000:]}"
