"""The installation says how far it is, and is left alone where it is there already."""

import json
import os
import sys
from pathlib import Path

import pytest

from install import PipError, _count, _held, _pip, _shown
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
