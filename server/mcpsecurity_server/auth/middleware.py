"""Lets a request pass that carries a good access token, and answers every other one.

Nothing of the body is read before. What is public says so by being listed.
"""

from collections.abc import Collection, Sequence

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from mcpsecurity.correlation import begin_request
from mcpsecurity_server.auth.bearer import bearer_token, check_form, credentials
from mcpsecurity_server.auth.challenge import Challenger
from mcpsecurity_server.auth.errors import AuthError
from mcpsecurity_server.auth.policy import AccessPolicy
from mcpsecurity_server.auth.verifier import AccessTokenVerifier
from mcpsecurity_server.observability.audit import audit_denial, audit_refusal
from mcpsecurity_server.transport.dispatch.dispatcher import BeforeCall
from mcpsecurity_server.transport.http.responses import was_refused
from mcpsecurity_server.transport.identity import TOKEN_KEY

__all__ = ["Authentication", "tool_guard"]


class Authentication:
    """The middleware `authenticate`. `public_paths` need no token, nor does a CORS preflight: it cannot have
    one.

    `verifier` is there once the application has started. A known caller is in `request[TOKEN_KEY]` without
    the text of the token; whoever asks for it in a handler gets it, see `Principal.of_request`.
    """

    verifier: AccessTokenVerifier

    def __init__(self, challenger: Challenger, public_paths: Collection[str]) -> None:
        self._challenger = challenger
        self._public = frozenset(public_paths)

    @web.middleware
    async def authenticate(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a request, or let it be answered."""
        handled = begin_request()
        try:
            values: Sequence[str] = request.headers.getall(hdrs.AUTHORIZATION, ())
            # A token that was found good before needs no other look if it is the only one there can be.
            single = len(values) == 1 and "?" not in request.raw_path
            caller = self.verifier.memory.recall(values[0]) if single else None
            if caller is None:
                if request.path in self._public or request.method == hdrs.METH_OPTIONS:
                    return await handler(request)
                token = check_form(bearer_token(request))
                verifier = self.verifier
                caller = verifier.memory.recall(credentials(token)) or await verifier.verify(token)
            handled.caller = request[TOKEN_KEY] = caller
            response = await handler(request)
        except AuthError as refusal:
            audit_refusal(request, refusal)
            return self._challenger.response(refusal)
        if was_refused(response):
            audit_denial(request, response.status)
        return response

    async def check_keys(self) -> None:
        """Return if tokens can be verified. Raises `ProviderError`."""
        await self.verifier.check_keys()


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
