"""The wheel, built from this tree and installed into a fresh virtual environment.

The environment has what `pip install` would bring, and nothing else: the distributions that the wheel and the
extras ask for, and those that these ask for in turn. They are lent by the environment that runs the tests, so
that nothing is fetched. A requirement that is not declared is a module that cannot be imported there.
"""

import os
import subprocess
import sys
import sysconfig
import tempfile
import venv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, PathDistribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]


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
def installed(*extras: str, tools: tuple[str, ...] = ()) -> Installed:
    """Install the wheel with these extras, and `tools` besides, once in a test run."""
    made = Installed(Path(kept().name, "-".join(("venv", *extras, *tools))))
    venv.create(made.folder, with_pip=False, symlinks=True)
    uv = str(Path(sys.executable).with_name("uv"))
    options = ("--quiet", "--offline", "--no-deps", "--python", str(made.python))
    command = [uv, "pip", "install", *options, str(wheel())]
    subprocess.run(command, check=True, capture_output=True, timeout=100)  # noqa: S603 - fixed above
    packages = Path(
        sysconfig.get_path("purelib", "venv", {"base": str(made.folder), "platbase": str(made.folder)})
    )
    (information,) = packages.glob("mcpsecurity-*.dist-info")
    needed = required(PathDistribution(information).requires or (), frozenset(extras)) | required(tools)
    for name in needed:
        _lend(distribution(name), packages)
    return made


def required(requirements: Iterable[str], extras: frozenset[str] = frozenset()) -> set[str]:
    """Return the names of all distributions that requirements lead to, those of the extras included.

    Raises:
        PackageNotFoundError: one of them is not in the environment that runs the tests.
    """
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [(text, extras) for text in requirements]
    while waiting:
        text, asked = waiting.pop()
        need = Requirement(text)
        if need.marker and not any(need.marker.evaluate({"extra": extra}) for extra in ("", *asked)):
            continue
        key = (canonicalize_name(need.name), frozenset(need.extras))
        if key not in seen:
            seen.add(key)
            waiting += [(more, key[1]) for more in distribution(need.name).requires or ()]
    return {name for name, _ in seen}


def _lend(lent: Distribution, packages: Path) -> None:
    """Link each file of a distribution: the folder of a namespace has files of several."""
    for file in lent.files or ():
        target, source = packages / file, Path(str(lent.locate_file(file)))
        if ".." not in file.parts and not target.exists() and source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source)


@cache
def wheel() -> Path:
    """Build the wheel from this tree, once in a test run."""
    folder = Path(kept().name)
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=100)  # noqa: S603 - fixed above
    (wheel,) = folder.glob("*.whl")
    return wheel


@cache
def kept() -> tempfile.TemporaryDirectory[str]:
    """A folder that lives as long as this process."""
    return tempfile.TemporaryDirectory(prefix="mcpsecurity-wheel-")
