"""A local cloud with the MCP server, and web chats that a test starts as it needs them."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr
from tests.programs import free_port
from tests.webclient.person import WebPerson

from mcpsecurity.service import started_runner
from mcpsecurity.testing import LocalStack
from mcpsecurity_webclient.app import create_app
from mcpsecurity_webclient.settings import WebSettings

RunChat = Callable[..., AbstractAsyncContextManager[str]]


@pytest.fixture(scope="session")
def local() -> Iterator[LocalStack]:
    with LocalStack() as stack:
        yield stack


@pytest.fixture(scope="session")
def mcp_url(local: LocalStack) -> str:
    return local.serve().url


@pytest.fixture(scope="session")
def run_chat(local: LocalStack, mcp_url: str) -> RunChat:
    """Runs a web chat: `async with run_chat(database) as url`; further arguments are settings."""

    @asynccontextmanager
    async def run(database: str = "sqlite://", **more: Any) -> AsyncIterator[str]:
        cloud, port = local.cloud, free_port()
        url = f"http://localhost:{port}"
        cloud.register_webclient_url(url)
        options = {key: more.pop(key) for key in ("clock", "sweep_every") if key in more}
        settings = WebSettings(
            authority=cloud.authority,
            tenant_id=cloud.tenant_id,
            ca_file=cloud.ca_file,
            url=url,
            client_id=cloud.web_client_id,
            client_secret=SecretStr(cloud.web_client_secret),
            mcp_server_url=mcp_url,
            mcp_server_scope=cloud.scope,
            azure_openai_endpoint=cloud.openai_endpoint,
            deployment=cloud.openai_deployment,
            azure_openai_api_key=SecretStr(cloud.openai_api_key),
            database_url=SecretStr(database),
            **more,
        )
        runner = await started_runner(create_app(settings, **options), port=port)
        try:
            yield url
        finally:
            await runner.cleanup()

    return run


@pytest.fixture
async def person(local: LocalStack) -> AsyncIterator[Callable[[str], WebPerson]]:
    """Makes people at a chat: `await person(url).sign_in("bob@contoso.example")`."""
    made: list[WebPerson] = []

    def make(url: str) -> WebPerson:
        made.append(WebPerson(url, local.cloud.ca_file))
        return made[-1]

    yield make
    for one in made:
        await one.http.close()
