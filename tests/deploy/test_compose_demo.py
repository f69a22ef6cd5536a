"""The demo in containers, as compose.demo.yaml says it, without containers."""

import os
import re
import sys
from pathlib import Path

import yaml
from tests.deploy.composed import PORTS, Service, Started, composed, does_its_job, read_demo
from tests.deploy.test_project_files import keys
from tests.support.installed import ROOT

from mcpsecurity.cli.demo_ports import demo_environment
from mcpsecurity.localcloud import LocalCloudSettings

TEXT = (ROOT / "deploy" / "compose.demo.yaml").read_text("utf-8")
SERVICES = read_demo()
OWN = {name: service for name, service in SERVICES.items() if "build" in service}


def test_its_services_share_the_network_of_the_proxy_whose_ports_are_this_machines() -> None:
    proxy = SERVICES["proxy"]
    for name, service in SERVICES.items():
        if service is not proxy:
            assert service["network_mode"] == "service:proxy", name
            assert "ports" not in service, name
    published = [port.split(":") for port in proxy["ports"]]
    assert {address for address, _, _ in published} == {"127.0.0.1"}
    nginx = (ROOT / "deploy" / "nginx.demo.conf").read_text("utf-8")
    assert sorted(inside for _, _, inside in published) == sorted(re.findall(r"listen (\d+);", nginx))


def test_nothing_but_the_proxy_listens_beyond_loopback() -> None:
    hosts = {
        key: value
        for service in OWN.values()
        for key, value in service["environment"].items()
        if key.endswith("_HOST")
    }
    assert hosts == {"MCP_SERVER_HOST": "127.0.0.1", "WEBCLIENT_HOST": "127.0.0.1"}
    assert LocalCloudSettings.model_fields["host"].default == "127.0.0.1"
    assert SERVICES["redis"]["command"][1:3] == ["--bind", "127.0.0.1"]
    assert "listen_addresses=127.0.0.1" in SERVICES["postgres"]["command"]


def test_its_addresses_are_those_of_the_proxy_and_its_ids_those_of_the_tenant() -> None:
    known = demo_environment() | {
        "MCPSECURITY_CA_FILE": "/data/ca.pem",
        "WEBCLIENT_URL": "http://localhost:8080",
        "MCP_SERVER_URL": "http://localhost:8081/mcp",
        "LOCALCLOUD_WEBCLIENT_URL": "http://localhost:8080",
        "LOCALCLOUD_MCP_URL": "http://localhost:8081/mcp",
    }
    for name, service in OWN.items():
        environment = service["environment"]
        assert (
            environment.items() >= {key: known[key] for key in environment.keys() & known.keys()}.items()
        ), name
    for guide in ("deploy/compose.demo.yaml", "docs/deployment.md", "README.md"):
        assert "http://localhost:8080" in (ROOT / guide).read_text("utf-8"), guide


def test_what_it_sets_mounts_and_builds_exists() -> None:
    volumes = set(yaml.safe_load(TEXT)["volumes"])
    local = {str(field.validation_alias) for field in LocalCloudSettings.model_fields.values()}
    targets = set(
        re.findall(
            r"^FROM \S+ AS (\S+)", (ROOT / "deploy" / "Containerfile").read_text("utf-8"), re.MULTILINE
        )
    )
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in volumes or (ROOT / "deploy" / source).is_file(), volume
    for name, service in OWN.items():
        assert service["build"]["target"] in targets
        assert service["image"] == f"mcpsecurity-{service['build']['target']}"
        assert set(service["environment"]) <= keys() | local, name
        assert service["read_only"] is True
    assert {int(port) for port in re.findall(r"(?<![\w-])\d{4}(?![\w-])", TEXT)} == set(PORTS)


async def test_a_person_signs_in_at_its_proxy_and_has_a_tool_called(tmp_path: Path) -> None:
    cloud = tmp_path / "cloud"
    cloud.mkdir()

    def own(_: str, service: Service) -> Started:
        command = service.get("command", ["mcpsecurity", service["build"]["target"]])
        environment = {
            key: value.replace("/data", str(cloud)) for key, value in service["environment"].items()
        }
        inherited = {key: os.environ[key] for key in ("PATH", "PYTHONPATH") if key in os.environ}
        return [sys.executable, "-m", *command], inherited | environment

    async with composed(own) as ports:
        await does_its_job(ports, cloud / "ca.pem")
