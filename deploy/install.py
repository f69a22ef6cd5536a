"""Make `.venv` and install what is needed of requirements.lock and this project, saying how far it is.

    python deploy/install.py webclient console    what `make demo` needs
    python deploy/install.py --all                every extra, and the developers' tools: `make setup`

It needs Python 3.11 to 3.14 and nothing else, and works where `make` does not. What is there already is left
alone.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterable, Iterator
from pathlib import Path

from locked import ROOT, part

NEWEST = (3, 14)
"""The newest Python for which every locked package has a wheel: Semantic Kernel wants a Pydantic before 2.14,
which has none for 3.15. The Makefile names the same."""
PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input")
SECONDS_BETWEEN_LINES = 10.0
"""How often it says how far it is where a line cannot be written over."""


class PipError(Exception):
    """pip failed; the message says what may help."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("extras", nargs="*", help="optional dependencies of pyproject.toml")
    parser.add_argument("--all", action="store_true", help="everything")
    parser.add_argument("--into", type=Path, default=ROOT / ".venv", help="the environment; default: .venv")
    given = parser.parse_args()
    if refused := _refused(sys.version_info[:2]):
        sys.exit(refused)
    started = time.monotonic()
    try:
        if install(given.into, frozenset({"*"} if given.all else given.extras)):
            print(f"Installed into {given.into} in {time.monotonic() - started:.0f} s.", flush=True)
    except (LookupError, OSError, PipError, subprocess.CalledProcessError) as error:
        sys.exit(f"install.py: {error}")


def _refused(version: tuple[int, int]) -> str:
    """Return why this Python cannot be used, and what to do."""
    if (3, 11) <= version <= NEWEST:
        return ""
    this, newest = (".".join(map(str, pair)) for pair in (version, NEWEST))
    return (
        f"mcpsecurity needs Python 3.11 to {newest}; this is {this}.\n"
        f"Begin with another, for example: python{newest} deploy/install.py"
    )


def install(folder: Path, extras: frozenset[str]) -> bool:
    """Install the part of the lock that these extras need (`*`: all of it); False: it was there.

    Raises:
        LookupError: there is no such extra.
        PipError: pip failed; what it said is printed.
        subprocess.CalledProcessError: venv failed.
    """
    lock, project = (
        ROOT.joinpath("requirements.lock").read_text("utf-8"),
        ROOT.joinpath("pyproject.toml").read_text("utf-8"),
    )
    stamp, digest = folder / "installed.json", hashlib.sha256((lock + project).encode()).hexdigest()
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    held = _held(stamp, digest) if _runs(python) else frozenset[str]()
    if extras <= held or "*" in held:
        return False
    if not _runs(python):
        print(f"Making {folder} with Python {sys.version.split()[0]}.", flush=True)
        venv.create(folder, with_pip=True, clear=folder.exists(), symlinks=os.name != "nt")
    extras |= held
    needed = lock if "*" in extras else part(lock, project, extras)
    with tempfile.TemporaryDirectory() as scratch:
        chosen = Path(scratch, "requirements.txt")
        chosen.write_text(needed, "utf-8")
        # Every package is named, so pip has nothing to resolve. What the demo imports is compiled then.
        options = (
            "--no-compile",
            "--no-deps",
            "--require-hashes",
            "--progress-bar",
            "off",
            "-r",
            str(chosen),
        )
        _pip(python, *options, packages=_count(needed))
    if "*" in extras:
        _compile(python, folder)
    _pip(python, "--no-deps", "--no-build-isolation", "-e", str(ROOT), packages=0)
    stamp.write_text(json.dumps({"digest": digest, "extras": sorted(extras)}), "utf-8")
    return True


def _compile(python: Path, folder: Path) -> None:
    """Compile all modules, on every processor: hundreds of tests start programs, and where
    PYTHONDONTWRITEBYTECODE is set each would compile its imports again."""
    subprocess.run(  # noqa: S603 - the environment's own Python
        [python, "-W", "ignore", "-m", "compileall", "-q", "-q", "-j", "0", folder],
        check=False,  # some packages ship templates that are no modules
        timeout=1800,
    )


def _count(needed: str) -> int:
    return len({line.partition("==")[0] for line in needed.splitlines() if line[:1].isalnum()})


def _held(stamp: Path, digest: str) -> frozenset[str]:
    """Return the extras that are installed as this lock says."""
    try:
        found = json.loads(stamp.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return frozenset()
    return frozenset(found["extras"]) if found.get("digest") == digest else frozenset()


def _runs(python: Path) -> bool:
    """Say whether the environment is whole: an attempt that was interrupted leaves half of one."""
    try:
        done = subprocess.run(  # noqa: S603 - the environment's own Python
            [python, "-m", "pip", "--version"], capture_output=True, timeout=60, check=False
        )
    except OSError:
        return False
    return done.returncode == 0


def _pip(python: Path, *options: str, packages: int) -> None:
    """Install, and say how many of `packages` are fetched; 0: say nothing."""
    command = [str(python), *PIP, "install", *options]
    said = list[str]()
    with subprocess.Popen(  # noqa: S603 - the environment's own pip
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as pip:
        said.extend(_shown(pip.stdout or (), packages))
    if pip.returncode:
        told = [line for line in said if not line.startswith("Ignoring ")]  # a package of other systems
        print("\n" + "".join(told[-20:]), flush=True)
        raise PipError(f"pip could not install the packages; its messages are above.{_advice(told)}")


def _advice(lines: Iterable[str]) -> str:
    """Return what a person may do where pip found no package index."""
    if not any("(from versions: none)" in line or "connection broken" in line for line in lines):
        return ""
    return (
        "\nIt finds no package there: is the package index reachable? pip reads HTTPS_PROXY for a proxy and"
        " PIP_INDEX_URL\nfor another index. Then run the same again."
    )


def _shown(lines: Iterable[str], packages: int) -> Iterator[str]:
    fetched, last = 0, -SECONDS_BETWEEN_LINES
    in_place = sys.stdout.isatty()
    unpacking = False
    for line in lines:
        yield line
        begins = line.startswith("Installing collected packages")
        fetched += line.startswith(("Collecting ", "Processing ", "Requirement already satisfied"))
        due = in_place or time.monotonic() - last >= SECONDS_BETWEEN_LINES
        if not packages or unpacking or not (begins or due):
            continue
        unpacking = begins
        last = time.monotonic()
        words = "unpacking, which takes a while" if unpacking else f"fetching {fetched} of about {packages}"
        print(
            f"\rPackages: {words} …\x1b[K" if in_place else f"Packages: {words} …",
            end="" if in_place else "\n",
            flush=True,
        )
    if packages and in_place:
        print()


if __name__ == "__main__":
    main()
