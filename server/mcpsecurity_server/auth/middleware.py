"""Answers a request only if it carries a good access token or asks for a public path.

The token is checked before anything of the body is read.
"""

import logging
from collections.abc import Collection

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from mcpsecurity.runtime.request_context import begin_request
from mcpsecurity_server.auth.bearer import Challenger, bearer_token
from mcpsecurity_server.auth.errors import AuthError, MissingToken
from mcpsecurity_server.auth.principal import Principal
from mcpsecurity_server.auth.rights import RightsObserver
from mcpsecurity_server.auth.verifier import AccessTokenVerifier
from mcpsecurity_server.observability.audit import AuditLog
from mcpsecurity_server.transport import TOKEN_KEY, was_refused


class Authentication:
    """The middleware `authenticate`. It stores the caller's `Principal` in `request[TOKEN_KEY]`.

    `public_paths` need no token, and neither does a CORS preflight, which cannot carry one. `verifier` is set
    when the application starts.
    """

    verifier: AccessTokenVerifier
    rights: RightsObserver | None = None
    """Notices changes of rights, if the lists of tools depend on them."""

    def __init__(self, challenger: Challenger, public_paths: Collection[str], audit: AuditLog) -> None:
        self._challenger = challenger
        self._public = frozenset(public_paths)
        self._audit = audit

    @web.middleware
    async def authenticate(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Pass a request on, or answer it with the challenge of RFC 6750."""
        current = begin_request()
        if request.path in self._public or request.method == hdrs.METH_OPTIONS:
            return await handler(request)
        try:
            token = bearer_token(request)
            principal = self.verifier.cached(token) or await self._verified(token)
            request[TOKEN_KEY] = principal
            current.caller = principal.caller
            response = await handler(request)
        except AuthError as refusal:
            level = logging.INFO if isinstance(refusal, MissingToken) else logging.WARNING
            self._audit.request_refused(request, refusal.status, refusal.reason, refusal.caller, level=level)
            return self._challenger.response(refusal)
        if was_refused(response):
            self._audit.response_sent(request, response.status)
        return response

    async def _verified(self, token: str) -> Principal:
        """Verify a token that is not in the cache. Raises `AuthError`."""
        principal = await self.verifier.verify(token)
        if self.rights is not None:
            await self.rights.token_verified(principal)
        return principal

    async def check_keys(self) -> None:
        """Return if tokens can be verified. Raises `ProviderError`."""
        await self.verifier.check_keys()
