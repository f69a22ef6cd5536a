import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tests.support.installed import ROOT

HOST, REPOSITORY, REF = "https://github.com", "contoso/secure.mcp", "v0.2.0"
URL = f"{HOST}/{REPOSITORY}"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("README.md", ".env.example", "LICENSE", "pyproject.toml", "server.json"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    return tmp_path


def test_links_on_the_index_lead_to_what_is_in_the_tag(tree: Path) -> None:
    before = (tree / "README.md").read_text("utf-8")
    filled(tree)
    after = (tree / "README.md").read_text("utf-8")
    assert f"]({URL}/raw/{REF}/docs/images/chat.png)" in after
    assert f"]({URL}/tree/{REF}/docs/notebooks)" in after
    assert f"]({URL}/blob/{REF}/docs/operations.md#watching)" in after
    targets = re.findall(r"\]\(([^)\s]+)\)", after)
    assert [target for target in targets if not target.startswith("https://")] == []
    into = re.findall(rf"\]\({URL}/(?:blob|raw|tree)/{REF}/([^)#]+)", after)
    assert len(into) > 10
    assert [path for path in into if not (ROOT / path).exists()] == []
    assert after.count("\n") == before.count("\n") + 2, "nothing else has changed"


def test_the_registry_finds_its_name_in_the_readme_of_the_package(tree: Path) -> None:
    filled(tree)
    server = json.loads((tree / "server.json").read_text("utf-8"))
    assert server["name"] == "io.github.contoso/mcpsecurity"
    assert server["repository"] == {"url": URL, "source": "github"}
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "metadata"],
        cwd=tree,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    package = json.loads(done.stdout)
    assert f"mcp-name: {server['name']} -->" in package["readme"]["text"]
    assert package["urls"] == {
        "Repository": URL,
        "Documentation": f"{URL}/tree/{REF}/docs",
        "Changelog": f"{URL}/blob/{REF}/CHANGELOG.md",
        "Issues": f"{URL}/issues",
    }


def test_what_pyproject_says_otherwise_stays(tree: Path) -> None:
    before = tomllib.loads((tree / "pyproject.toml").read_text("utf-8"))
    filled(tree)
    after = tomllib.loads((tree / "pyproject.toml").read_text("utf-8"))
    assert after["project"].pop("urls")
    assert after == before


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("github.com", REPOSITORY, REF), "the host is like"),
        ((HOST, "contoso", REF), "the host is like"),
        ((HOST, REPOSITORY), "required: ref"),
    ],
)
def test_a_malformed_address_is_refused(tree: Path, arguments: tuple[str, ...], reason: str) -> None:
    done = write(tree, *arguments)
    assert done.returncode == 2
    assert reason in done.stderr
    assert "OWNER" in (tree / "server.json").read_text("utf-8")


def test_a_second_time_is_refused(tree: Path) -> None:
    filled(tree)
    before = (tree / "README.md").read_text("utf-8")
    assert "no placeholder OWNER" in write(tree, HOST, REPOSITORY, REF).stderr
    assert (tree / "README.md").read_text("utf-8") == before


def filled(tree: Path) -> None:
    done = write(tree, HOST, REPOSITORY, REF)
    assert done.returncode == 0, done.stderr


def write(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "deploy" / "repository_links.py"), *arguments, "--tree", str(tree)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - the tests' own
