"""The official conformance suite's scenarios for clients, in both eras, with the bridge as the client."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.conformance import bridge_client, sign_in_client
from tests.conformance.programs import run_program

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(120)]

REVISIONS = {
    "2025-11-25": bridge_client.CONVERSATIONS | bridge_client.STEP_UPS,
    "2026-07-28": bridge_client.STATELESS_CONVERSATIONS | bridge_client.STEP_UPS,
}
SIGN_INS = [(revision, name) for revision, names in sign_in_client.SCENARIOS.items() for name in names]
TRIED = {name for conversations in REVISIONS.values() for name in conversations} | {n for _, n in SIGN_INS}
_SCENARIO = re.compile(r"^  - (?P<name>\S+) \[(?P<revisions>[^\]]*)\]$", re.MULTILINE)
_NO_PKCE = (
    "an authorization server without metadata, which does not say that it protects sign-ins by PKCE: since"
    " 2025-11-25 a client has to refuse it"
)
_EXTENSION = "an extension that is not offered"

NOT_APPLICABLE = {
    "auth/2025-03-26-oauth-endpoint-fallback": _NO_PKCE,
    "auth/client-credentials-jwt": _EXTENSION,
    "auth/client-credentials-basic": _EXTENSION,
    "auth/enterprise-managed-authorization": _EXTENSION,
    "auth/dpop": _EXTENSION,
    "auth/dpop-nonce": _EXTENSION,
    "auth/wif-jwt-bearer": _EXTENSION,
    "sep-2640-client-no-prefetch": _EXTENSION,
    "sep-2640-client-verify-digest": _EXTENSION,
    "sep-2640-client-verify-size": _EXTENSION,
    "sep-2640-client-verify-frontmatter": _EXTENSION,
}
"""The suite's other scenarios for clients, and why the bridge is not tried with them."""


async def test_every_scenario_of_the_suite_is_run_or_does_not_apply_for_a_reason() -> None:
    listed = {match["name"]: match["revisions"].split(",") for match in _SCENARIO.finditer(await _listing())}
    assert listed.keys() == TRIED | NOT_APPLICABLE.keys()
    assert not TRIED & NOT_APPLICABLE.keys()
    for revision, conversations in REVISIONS.items():
        ours = {name for name, revisions in listed.items() if revision in revisions and "/" not in name}
        assert ours | bridge_client.STEP_UPS.keys() == conversations.keys()


@pytest.mark.parametrize(
    ("revision", "scenario"), [(revision, name) for revision, names in REVISIONS.items() for name in names]
)
async def test_the_bridge_passes_a_scenario(revision: str, scenario: str, tmp_path: Path) -> None:
    await _pass(bridge_client.__file__, revision, scenario, tmp_path)


@pytest.mark.parametrize(("revision", "scenario"), SIGN_INS)
async def test_a_sign_in_passes_a_scenario(revision: str, scenario: str, tmp_path: Path) -> None:
    await _pass(sign_in_client.__file__, revision, scenario, tmp_path)


async def _pass(program: str, revision: str, scenario: str, tmp_path: Path) -> None:
    command = subprocess.list2cmdline([sys.executable, program])
    ended = await run_program(
        *("conformance", "client", "--command", command, "--scenario", scenario),
        *("--spec-version", revision, "--output-dir", str(tmp_path)),
        seconds=60,
    )
    assert ended.code == 0, ended.errors[-4000:]
    checks = _checks(tmp_path)
    assert any(check["status"] == "SUCCESS" for check in checks)
    assert not [check for check in checks if check["status"] in ("FAILURE", "WARNING")]


async def _listing() -> str:
    return (await run_program("conformance", "list", "--client", seconds=60)).output


def _checks(folder: Path) -> list[dict[str, Any]]:
    (file,) = folder.rglob("checks.json")
    checks: list[dict[str, Any]] = json.loads(file.read_text())
    return checks
