"""The official conformance suite's scenarios for clients, in both eras, with the bridge as the client."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.conformance import bridge_client
from tests.conformance.programs import run_program

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(120)]

REVISIONS = {
    "2025-11-25": bridge_client.CONVERSATIONS | bridge_client.STEP_UPS,
    "2026-07-28": bridge_client.STATELESS_CONVERSATIONS | bridge_client.STEP_UPS,
}
TRIED = {name for conversations in REVISIONS.values() for name in conversations}
_SCENARIO = re.compile(r"^  - (?P<name>\S+) \[(?P<revisions>[^\]]*)\]$", re.MULTILINE)
_OLD_SIGN_IN = "sign-in of revision 2025-03-26, where the server is its own authorization server"
_SIGN_IN = (
    "the suite's authorization server finds its clients by the server's metadata, and registers them. The"
    " bridge never asks where a server sends it: the scope is its operator's choice, and the token comes from"
    " a credential. With the SDK's OAuth client in front, test_sdk_sign_in.py goes this way"
)
_EXTENSION = "an extension that is not offered"

NOT_APPLICABLE = {
    "auth/2025-03-26-oauth-metadata-backcompat": _OLD_SIGN_IN,
    "auth/2025-03-26-oauth-endpoint-fallback": _OLD_SIGN_IN,
    "auth/metadata-default": _SIGN_IN,
    "auth/metadata-var1": _SIGN_IN,
    "auth/metadata-var2": _SIGN_IN,
    "auth/metadata-var3": _SIGN_IN,
    "auth/basic-cimd": _SIGN_IN,
    "auth/scope-from-www-authenticate": _SIGN_IN,
    "auth/scope-from-scopes-supported": _SIGN_IN,
    "auth/scope-omitted-when-undefined": _SIGN_IN,
    "auth/token-endpoint-auth-basic": _SIGN_IN,
    "auth/token-endpoint-auth-post": _SIGN_IN,
    "auth/token-endpoint-auth-none": _SIGN_IN,
    "auth/pre-registration": _SIGN_IN,
    "auth/resource-mismatch": _SIGN_IN,
    "auth/offline-access-scope": _SIGN_IN,
    "auth/offline-access-not-supported": _SIGN_IN,
    "auth/authorization-server-migration": _SIGN_IN,
    "auth/iss-supported": _SIGN_IN,
    "auth/iss-not-advertised": _SIGN_IN,
    "auth/iss-supported-missing": _SIGN_IN,
    "auth/iss-wrong-issuer": _SIGN_IN,
    "auth/iss-unexpected": _SIGN_IN,
    "auth/iss-normalized": _SIGN_IN,
    "auth/metadata-issuer-mismatch": _SIGN_IN,
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
    command = subprocess.list2cmdline([sys.executable, bridge_client.__file__])
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
