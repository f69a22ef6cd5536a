"""The files by which forges, editors and container engines know the project are valid, and true."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.installed import ROOT

from mcpsecurity_server.settings import ServerSettings
from mcpsecurity_webclient.settings import WebSettings

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SCHEMAS = {
    "vendor.github-workflows": WORKFLOWS,
    "vendor.dependabot": [ROOT / ".github" / "dependabot.yml"],
    "vendor.compose-spec": sorted((ROOT / "deploy").glob("compose*.yaml")),
}


@pytest.mark.parametrize("schema", SCHEMAS)
def test_files_are_what_their_schemas_say(schema: str) -> None:
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        schema,
        *map(str, SCHEMAS[schema]),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - fixed above
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_run_what_is_here_and_may_only_read_by_default(path: Path) -> None:
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    text = path.read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"run: make ([a-z-]+)", text)) <= targets
    for script in re.findall(r"\b((?:tests|deploy)/[\w/]+\.(?:py|sh))", text):
        assert (ROOT / script).exists(), script


def test_tests_run_on_three_systems_and_every_python_that_is_declared() -> None:
    jobs = read(ROOT / ".github" / "workflows" / "tests.yml")["jobs"]
    systems = {jobs["test"]["runs-on"], *jobs["elsewhere"]["strategy"]["matrix"]["os"]}
    assert {name.partition("-")[0] for name in systems} == {"ubuntu", "macos", "windows"}
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["classifiers"]
    versions = re.findall(r"Python :: (3\.\d+)", " ".join(declared))
    assert jobs["test"]["strategy"]["matrix"]["python-version"] == versions
    assert versions[-1] == "3.14"


@pytest.mark.parametrize("name", [".devcontainer/devcontainer.json", ".vscode/mcp.json", "server.json"])
def test_json_files_are_json(name: str) -> None:
    assert json.loads((ROOT / name).read_text("utf-8"))


def test_the_registry_gets_the_version_that_is_released() -> None:
    server = json.loads((ROOT / "server.json").read_text("utf-8"))
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert server["version"] == version
    assert [package["version"] for package in server["packages"]] == [version]
    known = keys()
    for package in server["packages"]:
        assert {item["name"] for item in package["environmentVariables"]} <= known


def test_the_example_of_a_dotenv_names_settings_that_exist() -> None:
    text = (ROOT / ".env.example").read_text("utf-8")
    named = set(re.findall(r"^(?:# )?([A-Z][A-Z_0-9]+)=", text, re.MULTILINE))
    assert len(named) > 10
    assert named - keys() == {"POSTGRES_PASSWORD"}, "which is of compose.yaml"


def test_compose_sets_what_exists_and_images_it_builds_exist() -> None:
    compose = read(ROOT / "deploy" / "compose.yaml")
    targets = set(
        re.findall(
            r"^FROM \S+ AS (\S+)", (ROOT / "deploy" / "Containerfile").read_text("utf-8"), re.MULTILINE
        )
    )
    for name, service in compose["services"].items():
        if "build" in service:
            assert service["build"]["target"] in targets
            assert set(service["environment"]) <= keys(), name
            assert service["read_only"] is True


def test_what_enters_an_image_leaves_secrets_outside() -> None:
    ignored = (ROOT / ".containerignore").read_text("utf-8")
    assert ignored == (ROOT / ".dockerignore").read_text("utf-8")
    lines = [line for line in ignored.splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    copied = re.findall(
        r"^COPY (?!--from)(.+) \S+$", (ROOT / "deploy" / "Containerfile").read_text("utf-8"), re.MULTILINE
    )
    for name in " ".join(copied).split():
        assert f"!{name}" in lines, name


def keys() -> set[str]:
    """Return the environment variables that the services read."""
    return {
        str(key)
        for settings in (ServerSettings, WebSettings)
        for field in settings.model_fields.values()
        for key in getattr(field.validation_alias, "choices", [field.validation_alias])
    }


def read(path: Path) -> dict[str, Any]:
    found = yaml.safe_load(path.read_text("utf-8"))
    assert isinstance(found, dict)
    return found
