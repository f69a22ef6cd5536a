"""The images are built, without a daemon and a registry, on a base that debootstrap makes; each does its job.

That takes minutes, so it is no part of `make test`: `make image` does it, as root, with a network.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from semantic_kernel import Kernel
from tests.deploy.composed import Service, Started, composed, does_its_job
from tests.support.eventually import eventually
from tests.support.installed import ROOT
from tests.support.ports import free_port

from mcpsecurity import McpClient
from mcpsecurity.testing import LocalStack

BUILDAH = ("buildah", "--storage-driver", "vfs")
SUITE = os.environ.get("IMAGE_SUITE", "trixie")
"""Debian 13 has Python 3.13, as the Containerfile's own base does."""
MIB = 1024 * 1024
USER = 10001
_OF_PIP = ("cert", "extra-index-url", "find-links", "index-url")

pytestmark = [
    pytest.mark.image,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        not (
            shutil.which("buildah")
            and shutil.which("debootstrap")
            and hasattr(os, "geteuid")
            and os.geteuid() == 0
        ),
        reason="images are built as root, by buildah and debootstrap",
    ),
]


def run(*command: str, timeout: float = 1200) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, cwd=ROOT)  # noqa: S603 - the tests' own
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout.strip()


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ...]]:
    """buildah with a storage of its own, which goes again."""
    folder = tmp_path_factory.mktemp("storage")
    yield (*BUILDAH, "--root", str(folder / "root"), "--runroot", str(folder / "run"))
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def base(storage: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> str:
    """A minimal Debian with Python, as an image."""
    folder = tmp_path_factory.mktemp("base")
    include = "--include=python3,python3-venv,ca-certificates"
    run("debootstrap", "--variant=minbase", include, SUITE, str(folder / "root"))
    container = run(*storage, "from", "scratch")
    run(*storage, "copy", container, str(folder / "root"), "/")
    run(*storage, "commit", container, "localhost/base:latest")
    run(*storage, "rm", container)
    shutil.rmtree(folder)
    return "localhost/base:latest"


@pytest.fixture(scope="module")
def images(storage: tuple[str, ...], base: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Both images, by their targets."""
    options = ["--isolation", "chroot", "--format", "docker", "--build-arg", f"BASE={base}", "--pull-never"]
    options += ["--file", "deploy/Containerfile", *_index(tmp_path_factory.mktemp("pip"))]
    for target in ("server", "webclient"):
        run(*storage, "build", *options, "--target", target, "--tag", f"localhost/{target}", ".")
    return {target: f"localhost/{target}" for target in ("server", "webclient")}


def _index(folder: Path) -> list[str]:
    """Return the options by which pip in a build finds the packages that pip finds here."""
    configured = run(sys.executable, "-m", "pip", "config", "list")
    found = dict(re.findall(r"^(?:global|:env:)\.([\w-]+)='(.*)'$", configured, re.MULTILINE))
    kept = {key: value.replace("\\n", " ") for key, value in found.items() if key in _OF_PIP}
    lines = "".join(f"{key} = {value}\n" for key, value in kept.items())
    mounted = set[Path]()
    for place in re.findall(r"(?:^|\s|=|file://)(/\S+)", lines):
        if Path(place).exists() and not place.startswith("/etc/"):
            mounted.add(Path(*Path(place).parts[:3]))
    volumes = [f"--volume={place}:{place}:ro" for place in sorted(mounted)]
    if "cert" in kept:
        lines = lines.replace(kept["cert"], "/etc/pip-authority.pem")
        volumes.append(f"--volume={kept['cert']}:/etc/pip-authority.pem:ro")
    file = folder / "pip.conf"
    file.write_text(f"[global]\n{lines}")
    return [f"--volume={file}:/etc/pip.conf:ro", *volumes]


@asynccontextmanager
async def started(
    storage: tuple[str, ...], image: str, ca_file: Path, environment: dict[str, str]
) -> AsyncIterator[Path]:
    """Run an image's command as its user; yield the root of its files."""
    container = run(*storage, "from", "--pull-never", image)
    root = Path(run(*storage, "mount", container))
    shutil.copy(ca_file, root / "ca.pem")
    options = [
        f"--env={key}={value}" for key, value in {**environment, "MCPSECURITY_CA_FILE": "/ca.pem"}.items()
    ]
    command = re.findall(
        r'^CMD \["mcpsecurity", "(\w+)"\]', (ROOT / "deploy/Containerfile").read_text("utf-8"), re.MULTILINE
    )
    name = image.rpartition("/")[2]
    assert name in command
    process = subprocess.Popen(  # noqa: S603, ASYNC220 - the tests' own; it is waited for with a bound
        [*storage, "run", "--isolation", "chroot", *options, container, "mcpsecurity", name]
    )
    try:
        yield root
    finally:
        process.terminate()
        process.wait(20)
        run(*storage, "umount", container)
        run(*storage, "rm", container)


async def answers(url: str) -> None:
    async def healthy() -> bool:
        try:
            async with aiohttp.ClientSession() as http, http.get(url) as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False

    await eventually(healthy, seconds=120)


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack() as stack:
        yield stack


def server_settings(stack: LocalStack, port: int) -> dict[str, str]:
    return {
        **stack.environment,
        "MCP_SERVER_URL": f"http://localhost:{port}/mcp",
        "MCP_SERVER_PORT": str(port),
        "MCP_SERVER_HOST": "127.0.0.1",
    }


async def test_the_server_answers_people_and_nobody_else(
    storage: tuple[str, ...], images: dict[str, str], stack: LocalStack
) -> None:
    port = free_port()
    settings, ca_file = server_settings(stack, port), stack.cloud.ca_file
    url, scope = settings["MCP_SERVER_URL"], stack.cloud.scope
    async with started(storage, images["server"], ca_file, settings) as root:
        await answers(f"http://localhost:{port}/health")
        who = stack.credential("alice")
        async with McpClient(Kernel(), url, who, scope, ask=None, ca_file=ca_file) as client:
            assert "alice@" in str(await client.call_tool("who_am_i"))
        async with aiohttp.ClientSession() as http, http.post(url, json={}) as refused:
            assert refused.status == 401
        installed = (root / "opt/mcpsecurity/lib").glob("*/site-packages/*.dist-info")
        packages = {path.name.partition("-")[0] for path in installed}
        assert "mcpsecurity" in packages
        assert {"semantic_kernel", "openai", "pip", "hatchling"} & packages == set()
        assert size(root / "opt/mcpsecurity") < 250 * MIB


async def test_the_web_chat_signs_people_in_and_has_its_database(
    storage: tuple[str, ...], images: dict[str, str], stack: LocalStack
) -> None:
    port = free_port()
    settings = {
        **server_settings(stack, free_port()),
        "WEBCLIENT_URL": f"http://localhost:{port}",
        "WEBCLIENT_PORT": str(port),
        "WEBCLIENT_HOST": "127.0.0.1",
        "WEBCLIENT_CLIENT_ID": stack.cloud.web_client_id,
        "WEBCLIENT_CLIENT_SECRET": stack.cloud.web_client_secret,
    }
    async with started(storage, images["webclient"], stack.cloud.ca_file, settings):
        await answers(f"http://localhost:{port}/health")
        signin = f"http://localhost:{port}/signin"
        async with aiohttp.ClientSession() as http, http.get(signin, allow_redirects=False) as page:
            assert page.status == 302
            assert stack.cloud.tenant_id in page.headers["Location"]
        async with aiohttp.ClientSession() as http, http.get(f"http://localhost:{port}/ready") as ready:
            assert await ready.json() == {"ready": True, "missing": []}, "the database in /data can be used"


async def test_the_demo_in_containers_does_its_job(
    storage: tuple[str, ...], images: dict[str, str], tmp_path: Path
) -> None:
    cloud, containers = tmp_path / "cloud", list[str]()
    cloud.mkdir(mode=0o700)
    os.chown(cloud, USER, USER)  # as an engine does with a new volume, as the image's folder is

    def own(_: str, service: Service) -> Started:
        target = service["build"]["target"]
        containers.append(run(*storage, "from", "--pull-never", images[target]))
        # buildah mounts a volume of its own over ours where the image names one; engines do not.
        run(*storage, "config", "--volume", "/data-", containers[-1])
        (volume,) = service["volumes"]
        options = [f"--env={key}={value}" for key, value in service["environment"].items()]
        options.append(f"--volume={volume.replace('cloud:', f'{cloud}:')}")
        command = service.get("command", ["mcpsecurity", target])
        return [*storage, "run", "--isolation", "chroot", *options, containers[-1], *command], None

    try:
        async with composed(own) as ports:
            await does_its_job(ports, cloud / "ca.pem")
    finally:
        run(*storage, "rm", *containers)


@pytest.mark.parametrize("target", ["server", "webclient"])
def test_an_image_runs_without_rights_and_writes_to_two_folders(
    storage: tuple[str, ...], images: dict[str, str], target: str
) -> None:
    inspected = run(*storage, "inspect", "--type", "image", images[target])
    assert '"User": "10001"' in inspected
    assert "Healthcheck" in inspected or "healthcheck" in inspected.lower()
    container = run(*storage, "from", "--pull-never", images[target])
    places = "-not -path '/proc/*' -not -path '/sys/*' -not -path '/dev/*' -not -type l"
    find = f"find / -xdev -writable {places} 2>/dev/null | sort"
    writable = run(
        *storage, "run", "--isolation", "chroot", container, "sh", "-c", f"id -u; {find}; true"
    ).splitlines()
    run(*storage, "rm", container)
    assert writable[0] == "10001"
    expected = ("/tmp", "/var/tmp", "/run/lock", "/data")  # noqa: S108 - of the image
    assert [path for path in writable[1:] if not path.startswith(expected)] == []


def size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
