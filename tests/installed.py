"""The wheel, built from this tree and installed into a fresh virtual environment.

Of what it depends on nothing is installed anew: a `.pth` file lends the packages of the environment that runs
the tests. The project itself comes from the wheel: the lender's editable installation is not in force there.
"""

import os
import subprocess
import sys
import sysconfig
import tempfile
import venv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


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
    lender = sysconfig.get_path("purelib")
    packages = sysconfig.get_path("purelib", "venv", {"base": str(made.folder), "platbase": str(made.folder)})
    Path(packages, "lent.pth").write_text(f"{lender}\n", "utf-8")
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
    return made


@cache
def _kept() -> tempfile.TemporaryDirectory[str]:
    """A folder that lives as long as this process."""
    return tempfile.TemporaryDirectory(prefix="mcpsecurity-wheel-")
