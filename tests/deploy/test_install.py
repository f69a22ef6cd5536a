"""The installation says how far it is, and is left alone where it is there already."""

import json
import os
import re
import sys
import tomllib
from pathlib import Path

import pytest

from install import NEWEST, PipError, _count, _held, _pip, _refused, _shown
from locked import ROOT, part

LINES = [
    *("Collecting a==1\n", "Processing /wheels/b-1.whl\n") * 3,
    "Installing collected packages: a, b\n",
    "Successfully installed a-1\n",
]


def test_it_says_how_many_packages_are_fetched_and_then_that_they_are_unpacked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert list(_shown(LINES, 6)) == LINES
    assert capsys.readouterr().out.splitlines() == [
        "Packages: fetching 1 of about 6 …",
        "Packages: unpacking, which takes a while …",
    ]
    assert list(_shown(LINES, 0)) == LINES
    assert capsys.readouterr().out == ""


def test_what_is_installed_counts_for_this_lock_only(tmp_path: Path) -> None:
    stamp = tmp_path / "installed.json"
    assert _held(stamp, "digest") == frozenset()
    stamp.write_text(json.dumps({"digest": "digest", "extras": ["console", "webclient"]}))
    assert _held(stamp, "digest") == {"console", "webclient"}
    assert _held(stamp, "another") == frozenset()


def test_a_package_with_several_versions_is_counted_once() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    needed = part(lock, (ROOT / "pyproject.toml").read_text("utf-8"), ("webclient",))
    assert needed.count("\nnumpy==") > 1
    assert _count("numpy==1\nnumpy==2\nav==1\n") == 2


def test_where_no_package_index_is_reached_the_person_reads_what_may_help(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for key in list(os.environ):
        if key.startswith("PIP_"):
            monkeypatch.delenv(key)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    other = "another-system==1; sys_platform == 'none'"
    with pytest.raises(PipError, match="is the package index reachable"):
        _pip(Path(sys.executable), "--target", str(tmp_path), "nothing-of-this-name==1", other, packages=0)
    said = capsys.readouterr().out
    assert "No matching distribution found for nothing-of-this-name==1" in said
    assert "Ignoring" not in said


@pytest.mark.parametrize("version", [(3, 10), (3, 15)])
def test_a_python_that_the_packages_do_not_fit_is_refused_before_anything_is_fetched(
    version: tuple[int, int],
) -> None:
    assert "needs Python 3.11 to 3.14; this is 3.1" in _refused(version)
    assert "python3.14 deploy/install.py" in _refused(version)


def test_the_makefile_takes_the_same_pythons_as_the_installation() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["classifiers"]
    versions = re.findall(r"Python :: 3\.(\d+)", " ".join(declared))
    assert (3, int(versions[-1])) == NEWEST
    assert all(_refused((3, int(minor))) == "" for minor in versions)
    fits = f"(3, {versions[0]}) <= sys.version_info[:2] <= (3, {versions[-1]})"
    assert fits in (ROOT / "Makefile").read_text("utf-8")
