"""The folders of tests/ mirror the rooms of the packages, and names are standard words."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTS = ROOT / "tests"
PACKAGES = {
    "": ROOT / "shared" / "mcpsecurity",
    "server": ROOT / "server" / "mcpsecurity_server",
    "webclient": ROOT / "webclient" / "mcpsecurity_webclient",
}
"""Where the rooms of a package are mirrored, relative to tests/."""

SPECIAL = {
    "benchmarks": "how fast it is: `make bench`",
    "browser": "the page, in a browser",
    "conformance": "the official conformance suite and other people's clients",
    "deploy": "how it is installed, and how it runs elsewhere",
    "docs": "what the documentation says",
    "foreign": "other people's MCP servers, which our client uses",
    "integration": "the whole product, and several people at once",
    "notebooks": "the notebooks of docs/notebooks",
    "page_bundle": "what joins the page's modules",
    "page_types": "the types of the page's modules",
    "scaling": "several processes and replicas",
    "realmodel": "a real server of models, from a package, with a model that is made here",
    "sdk2": "clients of the MCP SDK 2.x",
    "support": "what tests share",
}
NOT_STANDARD = re.compile(
    r"(^|_)(asking|asker|caller|carrying|desk|era|framing|further|handshake|hearing|keeper|keeping|places|rates|"
    r"refusals|replies|seal|shared|sharing|takeover|watching|watch|wire|envelope|journal|catching)(_|$)"
)
"""Words with a standard word in their place, which names of modules avoid."""


def test_each_folder_of_tests_mirrors_a_room_or_is_special() -> None:
    folders = {_folder(path) for path in _python_files(TESTS)} - set(_rooms())
    assert {folder for folder in folders if folder.split("/")[0] not in SPECIAL} == set()


def test_each_special_folder_exists() -> None:
    assert [name for name in SPECIAL if not (TESTS / name).is_dir()] == []


def test_a_test_module_named_for_a_module_lies_in_its_room() -> None:
    rooms = _rooms()
    misplaced = dict[str, list[str]]()
    for path in _mirrored_test_modules():
        folder, name = _folder(path), path.stem.removeprefix("test_")
        homes = [room for room in rooms if _package(room) == _package(folder) and name in rooms[room]]
        if homes and folder not in homes:
            misplaced[f"{folder}/{path.name}"] = homes
    assert misplaced == {}


def test_modules_are_named_with_standard_words() -> None:
    names = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES.values()
        for path in _python_files(package)
        if any(NOT_STANDARD.search(part) for part in path.relative_to(package).with_suffix("").parts)
    }
    assert sorted(names) == [], "there is a standard word"


def _rooms() -> dict[str, set[str]]:
    """Return the rooms by the folder of tests/ that mirrors each, with the names of their modules."""
    rooms = dict[str, set[str]]()
    for mirror, package in PACKAGES.items():
        for path in _python_files(package):
            parts = (mirror, *path.relative_to(package).parent.parts)
            rooms.setdefault("/".join(filter(None, parts)), set()).add(path.stem)
    return rooms


def _mirrored_test_modules() -> Iterator[Path]:
    for path in _python_files(TESTS):
        if path.stem.startswith("test_") and _folder(path).split("/")[0] not in SPECIAL:
            yield path


def _folder(path: Path) -> str:
    return "/".join(path.relative_to(TESTS).parent.parts)


def _package(folder: str) -> str:
    first = folder.split("/", maxsplit=1)[0]
    return first if first in PACKAGES else ""


def _python_files(folder: Path) -> list[Path]:
    return [
        path for path in sorted(folder.rglob("*.py")) if not {"node_modules", ".venv"} & set(path.parts[:-1])
    ]
