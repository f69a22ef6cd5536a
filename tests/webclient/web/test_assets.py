"""Where templates find the page's files."""

import json
from pathlib import Path

import pytest

from mcpsecurity_webclient.web.assets import Assets, digest_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A static folder with two modules and a style sheet, and a bundle of them."""
    for name in ("js/main.js", "js/ui/dom.js", "css/page.css", "icon.svg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"content of {name}")
    (tmp_path / "bundle").mkdir()
    files = {"js/main.js": "bundle/main-1.js"}
    manifest = json.dumps({"digest": digest_of(tmp_path), "files": files})
    (tmp_path / "bundle" / "manifest.json").write_text(manifest)
    return tmp_path


def test_a_bundle_of_the_present_files_is_used(folder: Path) -> None:
    assets = Assets(folder, bundled=True)
    assert assets.url("js/main.js") == "/static/bundle/main-1.js"
    assert assets.modules == []


def test_without_a_bundle_of_the_present_files_they_are_served_one_by_one(folder: Path) -> None:
    (folder / "js" / "ui" / "dom.js").write_text("something else")
    assets = Assets(folder, bundled=True)
    assert assets.url("js/main.js") == "/static/js/main.js"
    assert assets.modules == ["ui/dom.js"]


def test_the_bundle_can_be_turned_off(folder: Path) -> None:
    assert Assets(folder, bundled=False).url("js/main.js") == "/static/js/main.js"
