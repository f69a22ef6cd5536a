"""The real product for all tests here: one in this process whose every part can be made to fail, each test
with people of its own; and a local cloud with web chats that a test starts as it needs them."""

import itertools
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr
from tests.browser.stack import Service, Stack, running_stack
from tests.support.ports import free_port
from tests.webclient.person import WebPerson
from tests.webclient.visitor import Visitor

from mcpsecurity.localcloud.entra.directory import User
from mcpsecurity.runtime.service import started_runner
from mcpsecurity.testing import LocalStack
from mcpsecurity_webclient.app import create_app
from mcpsecurity_webclient.settings import WebSettings

_numbers = itertools.count(1)

RunChat = Callable[..., AbstractAsyncContextManager[str]]
ServeWeb = Callable[..., AbstractAsyncContextManager[str]]
NewPerson = Callable[..., Visitor]


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
    async def run(
        database: str = "sqlite://", *, url: str | None = None, port: int | None = None, **more: Any
    ) -> AsyncIterator[str]:
        cloud, port = local.cloud, port or free_port()
        url = url or f"http://localhost:{port}"
        cloud.register_webclient_url(url)
        options = {key: more.pop(key) for key in ("clock", "sweep_every") if key in more}
        usual: dict[str, Any] = {
            "authority": cloud.authority,
            "tenant_id": cloud.tenant_id,
            "ca_file": cloud.ca_file,
            "url": url,
            "client_id": cloud.web_client_id,
            "client_secret": SecretStr(cloud.web_client_secret),
            "mcp_server_url": mcp_url,
            "mcp_server_scope": cloud.scope,
            "azure_openai_endpoint": cloud.openai_endpoint,
            "deployment": cloud.openai_deployment,
            "azure_openai_api_key": SecretStr(cloud.openai_api_key),
            "database_url": SecretStr(database),
        }
        settings = WebSettings(**usual | more)
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


@pytest.fixture(scope="session")
async def whole_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with running_stack(tmp_path_factory.mktemp("localcloud")) as stack:
        yield stack


@pytest.fixture
async def stack(whole_stack: Stack) -> AsyncIterator[Stack]:
    """The running product, with nothing wrong before and after the test."""
    whole_stack.playground.reset()
    whole_stack.model.pace = 0.0
    yield whole_stack
    whole_stack.playground.proceed.set()
    faults = whole_stack.model.faults
    faults.upcoming.clear()
    faults.down, faults.silent, faults.drop_after = False, False, None
    whole_stack.cloud.tenant.faults.clear()


@pytest.fixture
async def visitors(stack: Stack) -> AsyncIterator[NewPerson]:
    """Makes browsers: `visitors()` of somebody new, `visitors(user=…)` of somebody known, not signed in."""
    async with AsyncExitStack() as opened:
        made: list[Visitor] = []

        def visitor(user: str | None = None, url: str | None = None) -> Visitor:
            made.append(Visitor(url or stack.url, user or new_user(stack)))
            return made[-1]

        yield visitor
        for one in made:
            await opened.enter_async_context(one)


@pytest.fixture
async def visitor(visitors: NewPerson) -> Visitor:
    """Somebody who never was here before, signed in."""
    return await visitors().sign_in()


@pytest.fixture
def serve_web(stack: Stack) -> ServeWeb:
    """Starts one more web chat with changed settings: `async with serve_web(max_streams=2) as url`.

    `app` are further arguments of `create_app`.
    """

    @asynccontextmanager
    async def serve(app: dict[str, Any] | None = None, **changes: Any) -> AsyncIterator[str]:
        url = ""
        service = Service(lambda: create_app(stack.web_settings(**{"url": url} | changes), **app or {}))
        url = f"http://localhost:{service.port}"
        stack.cloud.register_webclient_url(url)
        await service.start()
        try:
            yield url
        finally:
            await service.stop()

    return serve


def new_user(stack: Stack) -> str:
    """Register somebody new in the tenant and return the sign-in name."""
    number = next(_numbers)
    name = f"person{number}@contoso.example"
    oid = f"10ca1c10-0d00-4000-8000-{secrets.token_hex(6)}"
    stack.cloud.tenant.directory.users[name] = User(f"Person {number}", name, oid, home_oid=oid)
    return name
