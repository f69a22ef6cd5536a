"""The documentation site is built without a warning, and says what the program says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.installed import ROOT

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(  # noqa: S603 - fixed above
        command,
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


def page(site: Path, name: str) -> str:
    return re.sub(r"<[^>]+>", "", (site / name / "index.html").read_text("utf-8"))


def test_the_reference_in_the_files_is_up_to_date() -> None:
    # In a process of its own: click remembers options of a command that another test has run.
    command = [sys.executable, "-m", "tests.docs.reference", "--check"]
    assert subprocess.run(command, cwd=ROOT, timeout=100, check=False).returncode == 0  # noqa: S603 - as above


def test_every_setting_is_in_the_reference(site: Path) -> None:
    text = page(site, "configuration")
    keys = set()
    for file in (*ROOT.glob("s*/**/settings.py"), *ROOT.glob("webclient/**/settings.py")):
        keys |= set(re.findall(r'validation_alias=\(?\s*"([A-Z_]+)"', file.read_text("utf-8")))
    assert len(keys) > 40
    assert {key for key in keys if key not in text} == {"DOCTOR_TIMEOUT"} & keys


def test_every_command_is_in_the_reference(site: Path) -> None:
    text = page(site, "cli")
    for command in ("chat", "demo", "doctor", "localcloud", "server", "token", "webclient"):
        assert f"Usage: mcpsecurity {command}" in text
    assert "--device-code" in text


def test_every_tool_prompt_and_resource_is_in_the_reference(site: Path) -> None:
    text = page(site, "tools")
    for name in ("get_random_number", "plan_trip", "get_my_profile", "nested_random_numbers"):
        assert name in text
    assert "max" in text


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.stem)
def test_a_page_reads_rightly_without_the_site_too(path: Path) -> None:
    source = path.read_text("utf-8")
    assert not re.search(r"8 ?< ?-", source), "a mark that only the site replaces"
    assert not re.search(r"^```.*\n\s*^```$", source, re.MULTILINE), "a block without code"


def test_every_notebook_is_a_page_with_its_output(site: Path) -> None:
    for path in (ROOT / "docs" / "notebooks").glob("*.ipynb"):
        assert (site / "notebooks" / path.stem / "index.html").exists()
    assert "3 pieces of carrot cake, wrapped" in page(site, "notebooks/3-elicitation")


def test_the_public_interface_is_rendered(site: Path) -> None:
    text = page(site, "api")
    for name in ("McpClient", "import_mcp_tools", "InsufficientScopeError", "LocalStack", "mount_mcp"):
        assert name in text
    assert "never the server's" in text.replace("\n", " ").replace("’", "'")


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    found = re.findall(
        r'<(?:script|link)[^>]+(?:src|href)="(https?://[^"]+)"', (site / "index.html").read_text()
    )
    assert found == []


def test_every_test_that_the_security_model_names_exists() -> None:
    text = (ROOT / "docs" / "security.md").read_text("utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", text)
    assert len(named) > 20
    missing = [f"{file}::{test}" for file, test in named if not _has(ROOT / file, test)]
    assert missing == []


def _has(file: Path, test: str) -> bool:
    return file.exists() and re.search(rf"def {test}\b", file.read_text("utf-8")) is not None


def test_every_file_that_the_guide_for_contributors_names_exists() -> None:
    text = (ROOT / "docs" / "contributing.md").read_text("utf-8")
    named = re.findall(r"`((?:server|webclient|shared|tests)/[\w/.]+)`", text)
    assert len(named) > 40
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("number", range(3))
def test_the_walks_are_as_long_as_their_titles_say(number: int) -> None:
    text = (
        (ROOT / "docs" / "contributing.md")
        .read_text("utf-8")
        .split("## The way of a prompt, a token and a question")[1]
        .split("## Run")[0]
    )
    title, *walk = text.split("### ")[number + 1].splitlines()
    counted = len(re.findall(r"^\d+\. ", "\n".join(walk), re.MULTILINE))
    assert counted in map(int, re.findall(r"\d+", title))
