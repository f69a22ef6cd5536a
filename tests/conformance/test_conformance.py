"""The official conformance suite, revision by revision: every scenario that a revision requires passes."""

import re
from collections.abc import AsyncIterator

import pytest
from tests.conformance.everything import create_app
from tests.conformance.programs import install, run_program

from mcpsecurity.runtime.service import started_runner

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(120)]

_LINE = re.compile(
    r"^\s*(?P<mark>\S) (?P<scenario>[a-z0-9-]+): (?P<passed>\d+) passed, (?P<failed>\d+) failed"
)


def required(revision: str) -> set[str]:
    """Return the scenarios that the suite requires of a server of a revision."""
    file = install() / "@modelcontextprotocol" / "conformance" / "requirements" / f"{revision}.yaml"
    section = re.search(r"^server:\n((?:  - .+\n)+)", file.read_text(), re.MULTILINE)
    assert section is not None
    return {line.removeprefix("  - ").strip() for line in section[1].splitlines()}


@pytest.fixture(scope="module")
async def everything_url() -> AsyncIterator[str]:
    """One process serves all revisions."""
    runner = await started_runner(create_app(), host="localhost")
    yield f"http://localhost:{runner.addresses[0][1]}/mcp"
    await runner.cleanup()


@pytest.mark.parametrize(("revision", "scenarios"), [("2025-11-25", 30), ("2026-07-28", 37)])
async def test_every_required_scenario_passes(everything_url: str, revision: str, scenarios: int) -> None:
    ended = await run_program(
        "conformance", "server", "--url", everything_url, "--requirements", revision, seconds=100
    )
    lines = [match for line in ended.output.splitlines() if (match := _LINE.match(line))]
    results = {match["scenario"]: (int(match["passed"]), int(match["failed"])) for match in lines}
    assert ended.code == 0, ended.output[-4000:]
    assert len(required(revision)) == scenarios
    assert required(revision) <= results.keys()
    # Those that are not scored pass, too, but for the extension for tasks, which this server does not offer.
    core = {name: result for name, result in results.items() if not name.startswith("tasks-")}
    assert all(passed and not failed for passed, failed in core.values()), core
