"""Signing in by the browser as an application that proves who it is, for which MSAL has no call of its own.

The browser returns to a free port of this machine (RFC 8252, 7.3), with the answer in a form.
"""

import asyncio
import webbrowser
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msal  # type: ignore[import-untyped] # ships no types
from aiohttp import web

from mcpsecurity.runtime.service import started_runner
from mcpsecurity.runtime.threads import in_daemon_thread

_SECONDS = 300
_DONE = "Close this page and go back to the terminal."


async def sign_in_by_browser(
    app: msal.ConfidentialClientApplication,
    scopes: list[str],
    claims: str | None,
    login_hint: str | None,
    open_page: Callable[[str], bool] = webbrowser.open,
) -> dict[str, Any]:
    """Open the sign-in page in the browser, and return the tenant's answer as MSAL does.

    Of all requests to the port, only the answer to this sign-in counts.

    Raises:
        requests.RequestException, ValueError, RuntimeError: what MSAL raises.
    """
    flow: dict[str, Any] = {}
    async with _answer_to(flow) as (redirect, answered):
        flow |= await in_daemon_thread(
            lambda: app.initiate_auth_code_flow(
                scopes,
                redirect_uri=redirect,
                response_mode="form_post",
                login_hint=login_hint,
                claims_challenge=claims,
            )
        )
        if not await in_daemon_thread(lambda: open_page(flow["auth_uri"])):
            return {"error_description": "There is no browser on this machine."}
        try:
            async with asyncio.timeout(_SECONDS):
                answer = await answered
        except TimeoutError:
            return {"error_description": "Nobody has signed in within five minutes."}
    return dict(
        await in_daemon_thread(lambda: app.acquire_token_by_auth_code_flow(flow, answer, scopes=scopes))
    )


@asynccontextmanager
async def _answer_to(flow: dict[str, Any]) -> AsyncIterator[tuple[str, asyncio.Future[dict[str, Any]]]]:
    """Listen on a free port; yield the redirect URI, and the answer that has the state of `flow`."""
    answered: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    async def receive(request: web.Request) -> web.Response:
        form = await request.post()
        if "state" not in flow or form.get("state") != flow["state"]:
            raise web.HTTPBadRequest
        if not answered.done():
            answered.set_result(dict(form))
        return web.Response(text=_DONE)

    server = web.Application()
    server.router.add_post("/", receive)
    runner = await started_runner(server)
    try:
        yield f"http://localhost:{runner.addresses[0][1]}", answered
    finally:
        await runner.cleanup()
