"""The wheel asks for what it imports: in an environment with nothing else, each part can be imported."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.support.installed import installed

pytestmark = pytest.mark.timeout(300)

IMPORT_ALL = """
import importlib, pkgutil, sys
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(getattr(package, "__path__", ()), name + ".", onerror=lambda _: None):
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            print(module.name, error.name)
"""
CORE = ("bridge", "client", "testing", "localcloud", "elicitation", "oidc", "runtime")
NEED_AN_EXTRA = {
    "mcpsecurity.testing.credential": "azure",
    "mcpsecurity.elicitation.widgets": "IPython",
    "mcpsecurity_server.doctor.model_identity": "azure",
    "mcpsecurity_server.transport.redis": "redis",
}


@pytest.mark.parametrize("name", ["semantic_kernel", "openai", "azure.core", "rich", "ipywidgets", "pytest"])
def test_the_environment_has_nothing_that_nobody_asks_for(tmp_path: Path, name: str) -> None:
    assert find_spec(name) is not None, "it could be lent"
    assert "ModuleNotFoundError" in installed().run("-c", f"import {name}", cwd=tmp_path).stdout


def test_the_wheel_alone_brings_bridge_testing_local_cloud_and_server(tmp_path: Path) -> None:
    packages = (*(f"mcpsecurity.{name}" for name in CORE), "mcpsecurity_server")
    done = installed().run("-c", IMPORT_ALL, *packages, cwd=tmp_path)
    assert dict(line.split() for line in done.stdout.splitlines()) == NEED_AN_EXTRA


@pytest.mark.parametrize(
    ("extra", "packages"),
    [
        ("notebook", ("mcpsecurity.bridge", "mcpsecurity.kernel", "mcpsecurity.elicitation")),
        ("console", ("mcpsecurity.kernel", "mcpsecurity.console", "mcpsecurity.cli")),
        ("webclient", ("mcpsecurity_webclient.app", "mcpsecurity_webclient.cli", "mcpsecurity.bridge")),
        ("telemetry", ("mcpsecurity.telemetry",)),
        ("scale", ("mcpsecurity.redis", "mcpsecurity_server.transport")),
    ],
)
def test_an_extra_brings_what_its_part_imports(tmp_path: Path, extra: str, packages: tuple[str, ...]) -> None:
    done = installed(extra).run("-c", IMPORT_ALL, *packages, cwd=tmp_path)
    assert done.stdout == ""


@pytest.mark.parametrize("package", ["mcpsecurity_webclient.app", "mcpsecurity.kernel.model"])
def test_semantic_kernels_package_for_openai_is_not_imported_with_its_webrtc(
    tmp_path: Path, package: str
) -> None:
    code = f"import sys, {package}; print({{'aiortc', 'semantic_kernel'}} & set(sys.modules))"
    assert installed("webclient").run("-c", code, cwd=tmp_path).stdout.strip() == "{'semantic_kernel'}"


@pytest.mark.parametrize(("extra", "command"), [("webclient", "webclient"), ("console", "chat")])
def test_a_command_works_with_its_extra_and_names_it_otherwise(
    tmp_path: Path, extra: str, command: str
) -> None:
    with_it = installed(extra).run("-m", "mcpsecurity", command, "--help", cwd=tmp_path)
    assert f"Usage: mcpsecurity {command}" in with_it.stdout
    without = installed().run("-m", "mcpsecurity", command, cwd=tmp_path)
    assert f"pip install 'mcpsecurity[{extra}]'" in without.stdout
