"""Print the part of requirements.lock that some extras need, for `pip install --no-deps --require-hashes -r`.

    python deploy/locked.py                      what the MCP server needs
    python deploy/locked.py webclient console    and these extras
    python deploy/locked.py --all                the whole lock: every extra, and the developers' tools

There is one lock, so that the demo, the images and the tests run the same versions. Nothing has to be
installed for this, and nothing is resolved: the lock says by its `# via` lines which package brings which.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_VIA = re.compile(r"^    #(?: via)? +([A-Za-z0-9][A-Za-z0-9._-]*)$", re.MULTILINE)


def part(lock: str, project: str, extras: Iterable[str]) -> str:
    """Return the entries of a lock that a project's dependencies, these extras, and its build need.

    Args:
        lock: text of requirements.lock, as `uv pip compile` writes it.
        project: text of pyproject.toml.
        extras: names of optional dependencies.

    Raises:
        KeyError: there is no such extra.
        LookupError: the lock lacks a package that is asked for.
    """
    entries = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)[1:]
    brought_by: dict[str, set[str]] = {}
    for entry in entries:  # a package has several where platforms or Pythons need other versions
        brought_by.setdefault(_normal(entry), set()).update(map(_normal, _VIA.findall(entry)))
    wanted = {_normal(need) for need in _asked_for(tomllib.loads(project), extras)}
    if missing := wanted - brought_by.keys():
        raise LookupError(f"requirements.lock lacks {', '.join(sorted(missing))}; run `make lock`")
    while more := {name for name, parents in brought_by.items() if parents & wanted} - wanted:
        wanted |= more
    return "".join(entry for entry in entries if _normal(entry) in wanted)


def _asked_for(project: dict[str, dict[str, object]], extras: Iterable[str]) -> list[str]:
    optional = project["project"]["optional-dependencies"]
    asked = [project["project"]["dependencies"], project["build-system"]["requires"]]
    asked += [optional[extra] for extra in extras]  # type: ignore[index] # a table
    return [need for needs in asked for need in needs]  # type: ignore[attr-defined] # lists of strings


def _normal(requirement: str) -> str:
    """Return the name of a requirement as PEP 503 compares it."""
    found = _NAME.match(requirement)
    return re.sub(r"[-_.]+", "-", found[0]).lower() if found else ""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("extras", nargs="*", help="optional dependencies of pyproject.toml")
    parser.add_argument("--all", action="store_true", help="everything")
    given = parser.parse_args()
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    if given.all:
        sys.stdout.write(lock)
        return
    try:
        sys.stdout.write(part(lock, (ROOT / "pyproject.toml").read_text("utf-8"), given.extras))
    except LookupError as error:
        sys.exit(f"locked.py: {error}")


if __name__ == "__main__":
    main()
