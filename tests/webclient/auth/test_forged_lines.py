"""Nobody can write a line into the log that the service did not write."""

import pytest
from tests.support.lines import logged_lines
from tests.webclient.conftest import NewPerson
from yarl import URL

FORGED = "2026-01-01 00:00:00,000 INFO    forged: FORGED"
ENDINGS = ["%0a", "%0d", "%0d%0a", "%e2%80%a8", "%c2%85", "%0b", "%1b[2K%0a"]


@pytest.mark.parametrize("ending", ENDINGS)
async def test_an_address_cannot_hold_a_line(visitors: NewPerson, ending: str) -> None:
    visitor, line = visitors(), FORGED.replace(" ", "%20")
    state = URL(await visitor.begin(), encoded=True).query["state"]
    with logged_lines() as lines:
        for path in (
            f"/signin-oidc?state={state}&error=x{ending}{line}",
            f"/signin-oidc?state={state}&error=x&error_description=AADSTS1{ending}{line}",
            f"/signin-oidc?state=x{ending}{line}&error=x",
            f"/static/{'a' * 256}{ending}{line}",
            f"/static/{ending}{line}",
            f"/{ending}{line}",
            f"/signin?next=/{ending}{line}",
        ):
            assert 300 <= (await visitor.get(path)).status < 500
    assert not [line for line in lines.getvalue().splitlines() if line.startswith("2026-01-01")]
    assert "\x1b" not in lines.getvalue()
