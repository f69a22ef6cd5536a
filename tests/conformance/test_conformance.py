"""The official conformance suite, revision by revision: every scenario that a revision requires passes."""

import re

import pytest
from tests.conformance.everything import create_app
from tests.conformance.programs import install, run_program

from mcpsecurity.service import started_runner

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


@pytest.mark.parametrize("revision", ["2025-11-25"])
async def test_every_required_scenario_passes(revision: str) -> None:
    runner = await started_runner(create_app(), host="localhost")
    try:
        url = f"http://localhost:{runner.addresses[0][1]}/mcp"
        ended = await run_program(
            "conformance", "server", "--url", url, "--requirements", revision, seconds=100
        )
    finally:
        await runner.cleanup()
    lines = [match for line in ended.output.splitlines() if (match := _LINE.match(line))]
    results = {match["scenario"]: (int(match["passed"]), int(match["failed"])) for match in lines}
    assert ended.code == 0, ended.output[-4000:]
    assert len(required(revision)) == 30
    assert required(revision) <= results.keys()
    # Those that are not scored pass, too.
    assert all(passed and not failed for passed, failed in results.values()), results
