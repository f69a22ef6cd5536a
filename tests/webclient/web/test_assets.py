"""From where the page's files are served: from the bundle, if that was made of these modules."""

import logging
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

import mcpsecurity_webclient
from mcpsecurity_webclient.web.assets import BUNDLE, SOURCE_DIGEST, Assets, source_digest

STATIC = Path(mcpsecurity_webclient.__file__).parent / "static"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A static folder with a module, a style sheet, and the bundle of both."""
    files = {
        "icon.svg": "<svg/>",
        "js/main.js": "// main\n",
        "js/ui/far.js": "// far\n",
        "css/page.css": '/* all */\n@import "./base.css";\n@import "./far.css";\n',
        "css/base.css": "p {}\n",
        f"{BUNDLE}/main.js": "joined",
        f"{BUNDLE}/far.js": "on demand",
        f"{BUNDLE}/page.css": "p{}",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    (tmp_path / BUNDLE / SOURCE_DIGEST).write_text(source_digest(tmp_path) + "\n", "utf-8")
    return tmp_path


def test_the_committed_bundle_is_of_these_modules_and_style_sheets() -> None:
    made_of = (STATIC / BUNDLE / SOURCE_DIGEST).read_text("utf-8").strip()
    assert made_of == source_digest(STATIC), "run make bundle"


async def test_the_bundle_is_served_compressed_and_kept_by_its_digest(folder: Path) -> None:
    assets = Assets(folder, bundled=True)
    assert assets.modules == []
    assert assets.style_sheets("css/page.css") == [assets.url("css/page.css")]
    async with _client(assets) as client:
        url = assets.url("js/main.js")
        answer = await client.get(url)
        assert await answer.text() == "joined"
        assert answer.headers["Cache-Control"].endswith("immutable")
        on_demand = await client.get(url.replace("main.js", "far.js"))
        assert await on_demand.text() == "on demand"
        plain = await client.get(url, headers={"Accept-Encoding": "identity"})
        assert "Content-Encoding" not in plain.headers
        assert (await client.get(url.replace("main.js", "other.js"))).status == 404


async def test_a_page_of_another_release_gets_the_file_of_this_one_and_does_not_keep_it(
    folder: Path,
) -> None:
    async with _client(Assets(folder, bundled=True)) as client:
        answer = await client.get(f"/static/{'0' * 16}/main.js")
        assert await answer.text() == "joined"
        assert answer.headers["Cache-Control"] == "no-cache"


def test_the_digest_changes_with_the_bundle(folder: Path) -> None:
    before = Assets(folder, bundled=True).url("js/main.js")
    (folder / BUNDLE / "page.css").write_text("p{color:red}", "utf-8")
    assert Assets(folder, bundled=True).url("js/main.js") != before


@pytest.mark.parametrize("changed", ["js/ui/far.js", "js/ui/new.js", "css/base.css"])
def test_modules_that_are_newer_than_the_bundle_are_served_one_by_one_with_a_warning(
    folder: Path, caplog: pytest.LogCaptureFixture, changed: str
) -> None:
    (folder / changed).write_text("/* changed */", "utf-8")
    assets = Assets(folder, bundled=True)
    assert assets.url("js/main.js") == "/static/js/main.js"
    assert "ui/far.js" in assets.modules
    assert assets.style_sheets("css/page.css") == ["/static/css/base.css", "/static/css/far.css"]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "make bundle" in caplog.text


def test_without_a_bundle_the_modules_are_served_one_by_one(folder: Path) -> None:
    (folder / BUNDLE / SOURCE_DIGEST).unlink()
    assert Assets(folder, bundled=True).url("js/main.js") == "/static/js/main.js"


def test_who_works_on_the_modules_gets_them_one_by_one_without_a_warning(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert Assets(folder, bundled=False).url("js/main.js") == "/static/js/main.js"
    assert caplog.records == []


def test_line_ends_do_not_change_the_digest_of_the_sources(folder: Path) -> None:
    before = source_digest(folder)
    for path in folder.rglob("*.js"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert source_digest(folder) == before


def test_an_icon_is_served_with_the_bundle(folder: Path) -> None:
    assert Assets(folder, bundled=True).url("icon.svg").count("/") == 3


def _client(assets: Assets) -> TestClient[web.Request, web.Application]:
    app = web.Application()
    assets.add_routes(app.router)
    return TestClient(TestServer(app))
