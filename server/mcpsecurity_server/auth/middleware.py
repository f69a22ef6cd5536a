"""Lets a request pass that carries a good access token, and answers every other one.

Nothing of the body is read before. What is public says so by being listed.
"""

from collections.abc import Callable, Collection

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from mcpsecurity_server.audit import audit_denial, audit_refusal, begin_request, note_caller
from mcpsecurity_server.auth.access_tokens import AccessTokenVerifier
from mcpsecurity_server.auth.challenge import Challenger
from mcpsecurity_server.auth.credentials import bearer_token, check_form
from mcpsecurity_server.auth.policy import AccessPolicy
from mcpsecurity_server.auth.refusals import Refusal
from mcpsecurity_server.transport.identity import TOKEN_KEY

__all__ = ["VERIFIER", "access_token_middleware", "tool_guard"]

VERIFIER = web.AppKey("access_token_verifier", AccessTokenVerifier)
"""The verifier, set when the application starts."""


def access_token_middleware(challenger: Challenger, public_paths: Collection[str]) -> Middleware:
    """Return the middleware. `public_paths` need no token, nor does a CORS preflight: it cannot have one."""
    public = frozenset(public_paths)

    @web.middleware
    async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
        begin_request()
        if request.path in public or request.method == hdrs.METH_OPTIONS:
            return await handler(request)
        try:
            raw = bearer_token(request)
            verifier = request.app[VERIFIER]
            caller = verifier.recall(raw)
            if caller is None:
                check_form(raw)
                caller = await verifier.verify(raw)
            note_caller(caller)
            request[TOKEN_KEY] = caller
            response = await handler(request)
        except Refusal as refusal:
            audit_refusal(request, refusal)
            return challenger.response(refusal)
        audit_denial(request, response.status)
        return response

    return authenticate


def tool_guard(policy: AccessPolicy) -> Callable[[str, web.Request], None]:
    """Return what is asked before a tool runs: it raises `InsufficientScope` for the middleware to answer."""

    def check(tool: str, request: web.Request) -> None:
        caller = request[TOKEN_KEY]
        policy.check_tool(tool, caller.scopes if caller is not None else [])

    return check
