"""The wheel, built from this tree and installed into a fresh virtual environment.

Of what it depends on nothing is installed anew: the environment of the tests lends the packages that the
wheel asks for, with what these ask for, and pytest. No other can be imported there, so that a missing
requirement is noticed. The project itself comes from the wheel.
"""

import os
import subprocess
import sys
import sysconfig
import tempfile
import venv
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PathDistribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
TEST_TOOLS = ("pytest", "pytest-asyncio", "pytest-xdist", "pytest-timeout")


@dataclass(frozen=True)
class Installed:
    """A virtual environment with the wheel in it."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables for its processes: nothing of this tree can be imported by them."""
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PYTEST", "COV"))
        }
        return kept | {"PATH": f"{self.folder / 'bin'}{os.pathsep}{kept['PATH']}"}

    def run(self, *arguments: str, cwd: Path, timeout: float = 100) -> subprocess.CompletedProcess[str]:
        """Run its Python; the result has the output, standard error included."""
        return subprocess.run(  # noqa: S603 - arguments are the tests' own
            [str(self.python), *arguments],
            cwd=cwd,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )


@cache
def installed() -> Installed:
    """Build and install, once in a test run."""
    folder = Path(_kept().name)
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=100)  # noqa: S603 - fixed above
    (wheel,) = folder.glob("*.whl")
    made = Installed(folder / "venv")
    venv.create(made.folder, with_pip=False, symlinks=True)
    packages = sysconfig.get_path("purelib", "venv", {"base": str(made.folder), "platbase": str(made.folder)})
    uv = str(Path(sys.executable).with_name("uv"))
    install = [
        uv,
        "pip",
        "install",
        "--quiet",
        "--offline",
        "--no-deps",
        "--python",
        str(made.python),
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True, timeout=100)  # noqa: S603 - fixed above
    (information,) = Path(packages).glob("mcpsecurity-*.dist-info")
    _lend(Path(packages), [*(PathDistribution(information).requires or ()), *TEST_TOOLS])
    return made


def _lend(packages: Path, requirements: list[str]) -> None:
    """Link what these requirements need, and nothing else, from the environment that runs the tests."""
    lender = Path(sysconfig.get_path("purelib"))
    for name in _closure(requirements):
        for file in distribution(name).files or ():
            if file.parts[0] != "..":
                _link(lender, packages, Path(file))


def _link(lender: Path, packages: Path, file: Path) -> None:
    """Link one file: namespace packages have folders of several distributions."""
    target = packages / file
    if file.suffix != ".pyc" and not target.exists() and (lender / file).exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(lender / file)


def _closure(requirements: list[str], extras: frozenset[str] = frozenset()) -> set[str]:
    """Return the names of all distributions that are needed."""
    found: set[str] = set()
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [(text, extras) for text in requirements]
    while waiting:
        text, asked = waiting.pop()
        need = Requirement(text)
        if need.marker and not any(need.marker.evaluate({"extra": extra}) for extra in asked or {""}):
            continue
        key = (canonicalize_name(need.name), frozenset(need.extras))
        if key not in seen:
            seen.add(key)
            found.add(key[0])
            waiting += [(more, key[1]) for more in distribution(need.name).requires or ()]
    return found


@cache
def _kept() -> tempfile.TemporaryDirectory[str]:
    """A folder that lives as long as this process."""
    return tempfile.TemporaryDirectory(prefix="mcpsecurity-wheel-")
