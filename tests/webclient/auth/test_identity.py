"""No secret at all: the web client proves who it is by the identity that Azure gives it."""

import aiohttp
import pytest
from tests.browser.stack import Stack
from tests.support.company import machine_identity
from tests.support.programs import postgresql, redis_for_an_identity
from tests.webclient.conftest import NewPerson, ServeWeb

from mcpsecurity.localcloud.entra.ids import MANAGED_IDENTITY_ID, WEB_CLIENT_ID
from mcpsecurity.settings import SettingsError, settings_of
from mcpsecurity_webclient.settings import WebSettings

BY_IDENTITY = {"client_secret": None, "client_identity": "managed"}


@pytest.fixture
def machine(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine has a managed identity."""
    for name, value in stack.cloud.identity_environment.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("machine")
async def test_a_person_signs_in_and_calls_a_tool_and_no_secret_was_needed(
    stack: Stack, visitors: NewPerson, serve_web: ServeWeb
) -> None:
    stack.cloud.tenant.directory.add_federated_credential(WEB_CLIENT_ID, MANAGED_IDENTITY_ID)
    async with serve_web(**BY_IDENTITY) as url:
        visitor = await visitors(url=url).sign_in()
        await visitor.command("mode", {"mode": "elicitation"})
        async with visitor.stream() as stream:
            await visitor.ask("Who am I?")
            asked = (await stream.until("elicitation.requested"))["elicitation"]["elicitation_id"]
            answer = {"action": "accept", "content": {"approve": True}}
            await visitor.command(f"elicitations/{asked}", answer)
            assert (await stream.until("tool.done"))["status"] == "done"


async def test_without_an_identity_nobody_can_sign_in_and_the_page_says_so(
    stack: Stack, visitors: NewPerson, serve_web: ServeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:9/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "x")
    async with serve_web(**BY_IDENTITY) as url:
        visitor = visitors(url=url)
        answer = await visitor.get(await visitor.consent(await visitor.begin()))
    assert answer.status == 503
    assert "cannot be reached" in answer.body


async def test_redis_and_postgresql_are_signed_in_to_by_the_identity_of_the_machine(
    serve_web: ServeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = "a-token-of-the-machine"
    async with (
        redis_for_an_identity(token) as redis,
        postgresql(token) as (_, database),
        machine_identity(monkeypatch, token) as asked,
        serve_web(**BY_IDENTITY, **redis, database_url=database) as url,
        aiohttp.ClientSession() as http,
        http.get(f"{url}/ready") as answer,
    ):
        assert answer.status == 200, await answer.text()
    assert set(asked) == {"https://redis.azure.com", "https://ossrdbms-aad.database.windows.net"}


def test_a_web_client_needs_one_credential() -> None:
    common = {
        "tenant_id": WEB_CLIENT_ID,
        "client_id": WEB_CLIENT_ID,
        "openai_base_url": "http://localhost:1/v1",
    }
    common |= {"openai_model": "x"}
    with pytest.raises(SettingsError, match="ENTRA_CLIENT_IDENTITY"):
        settings_of(WebSettings, **common)
