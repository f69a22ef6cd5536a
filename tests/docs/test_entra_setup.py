"""The guide to Entra ID says something about everything that can come up, and names only what exists."""

import ast
import re
from pathlib import Path

import pytest

import mcpsecurity_server
from mcpsecurity.localcloud.entra.errors import Sts, StsCode
from mcpsecurity.oidc import Reason
from mcpsecurity_server.doctor.settings import DoctorSettings
from mcpsecurity_server.observability.audit import DENIED
from mcpsecurity_server.settings import ServerSettings
from mcpsecurity_webclient.settings import WebSettings

GUIDE = (Path(__file__).parents[2] / "docs" / "entra-setup.md").read_text(encoding="utf-8")


def _table(heading: str) -> str:
    """Return the text below a heading, up to the next one."""
    return GUIDE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def _refusals() -> set[str]:
    """Return the reasons in the code: the first argument of each refusal that is raised."""
    kinds = {"MissingToken", "InvalidRequest", "InsufficientClaims", "InsufficientScope", "NotPermitted"}
    kinds |= {"Unavailable", "_lacks"}
    found: set[str] = set()
    for file in Path(mcpsecurity_server.__file__ or "").parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name in kinds:
                    found.add(str(node.args[0].value))
    return found


@pytest.mark.parametrize(
    "code", sorted({code.number for code in vars(Sts).values() if isinstance(code, StsCode)})
)
def test_every_code_of_the_local_tenant_is_explained(code: int) -> None:
    first_cells = [
        row.split("|")[1] for row in _table("Errors of Entra and their cures").splitlines() if "|" in row
    ]
    assert any(str(code) in re.findall(r"\d+", cell) for cell in first_cells)


def test_every_reason_for_a_refusal_is_explained_and_no_other() -> None:
    table = _table("Refusals of the server and their cures")
    explained = {
        name
        for row in table.splitlines()
        if row.count("|") > 3
        for name in re.findall(r"`([a-z_]+)`", row.split("|")[2])
    }
    reasons = {reason.value for reason in Reason} - {Reason.NONCE.value}
    assert explained - {"reason"} == reasons | _refusals() | set(DENIED.values())


def test_every_setting_that_is_named_exists() -> None:
    keys = {
        str(field.validation_alias)
        for settings in (ServerSettings, WebSettings, DoctorSettings)
        for field in settings.model_fields.values()
    }
    named = set(re.findall(r"\b(?:MCP_SERVER|WEBCLIENT|ENTRA|MICROSOFT|MCPSECURITY)_[A-Z0-9_]+\b", GUIDE))
    assert len(named) > 15
    assert named <= keys
