"""Lets a request pass that carries a good access token, and answers every other one.

Nothing of the body is read before. What is public says so by being listed.
"""

from collections.abc import Callable, Collection

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from mcpsecurity.correlation import begin_request
from mcpsecurity_server.audit import DENIED, audit_denial, audit_refusal, note_caller
from mcpsecurity_server.auth.access_tokens import AccessTokenVerifier
from mcpsecurity_server.auth.caller import Caller
from mcpsecurity_server.auth.challenge import Challenger
from mcpsecurity_server.auth.credentials import bearer_token, check_form
from mcpsecurity_server.auth.policy import AccessPolicy
from mcpsecurity_server.auth.refusals import Refusal
from mcpsecurity_server.transport.dispatch import BeforeCall
from mcpsecurity_server.transport.identity import TOKEN_KEY

__all__ = ["VERIFIER", "access_token_middleware", "tool_guard"]

VERIFIER = web.AppKey("access_token_verifier", AccessTokenVerifier)
"""The verifier, set when the application starts."""


def access_token_middleware(
    challenger: Challenger, public_paths: Collection[str], verifier: Callable[[], AccessTokenVerifier]
) -> Middleware:
    """Return the middleware. `public_paths` need no token, nor does a CORS preflight: it cannot have one."""
    public = frozenset(public_paths)

    @web.middleware
    async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
        begin_request()
        caller = _known_caller(request, verifier())
        if caller is None and (request.path in public or request.method == hdrs.METH_OPTIONS):
            return await handler(request)
        try:
            if caller is None:
                caller = await verifier().verify(check_form(bearer_token(request)))
            note_caller(caller)
            request[TOKEN_KEY] = caller
            response = await handler(request)
        except Refusal as refusal:
            audit_refusal(request, refusal)
            return challenger.response(refusal)
        if response.status in DENIED:
            audit_denial(request, response.status)
        return response

    return authenticate


def _known_caller(request: web.Request, verifier: AccessTokenVerifier) -> Caller | None:
    """Return whose token this is if it was found good before; None if anything has to be looked at."""
    try:
        return verifier.recall(bearer_token(request))
    except Refusal:
        return None


def tool_guard(policy: AccessPolicy) -> BeforeCall | None:
    """Return what is asked before a tool runs: it raises `InsufficientScope` for the middleware to answer.

    None: no tool needs more than every request does.
    """
    if not policy.tool_scopes:
        return None

    async def check(tool: str, request: web.Request) -> None:
        caller = request[TOKEN_KEY]
        policy.check_tool(tool, caller.scopes if caller is not None else [])

    return check
