"""The authorization endpoint."""

from aiohttp import web

from mcpsecurity.localcloud.entra.aadsts import Sts
from mcpsecurity.localcloud.entra.directory import User
from mcpsecurity.localcloud.entra.errors import EntraError
from mcpsecurity.localcloud.entra.grants import CodeGrant, Family
from mcpsecurity.localcloud.entra.replies import reply, reply_error
from mcpsecurity.localcloud.entra.requests import (
    AuthorizeRequest,
    read_reply_to,
    read_request,
    single_values,
)
from mcpsecurity.localcloud.entra.tenant import CODE_LIFETIME, Tenant

__all__ = ["authorize"]


async def authorize(tenant: Tenant, request: web.Request) -> web.Response:
    """Answer an authorization request: with a code at once, or with a page that asks the person."""
    values = single_values(request.query)
    reply_to = read_reply_to(tenant.directory, values)
    try:
        asked = read_request(tenant.directory, reply_to, values)
        return approve(tenant, asked, _hinted(tenant, asked), session_id="")
    except EntraError as error:
        return reply_error(reply_to, tenant.issuer, error)


def _hinted(tenant: Tenant, asked: AuthorizeRequest) -> User:
    if asked.login_hint is None:
        raise EntraError(Sts.LOGIN_REQUIRED)
    user = tenant.directory.user(asked.login_hint)
    if user is None:
        raise EntraError(Sts.UNKNOWN_USER)
    return user


def approve(tenant: Tenant, asked: AuthorizeRequest, user: User, *, session_id: str) -> web.Response:
    """Send the client a code for what `user` has approved."""
    grant = CodeGrant(
        client_id=asked.client.client_id,
        requested=asked.requested,
        redirect_uri=asked.reply_to.redirect_uri,
        challenge=asked.challenge,
        nonce=asked.nonce,
        expires_at=tenant.now() + CODE_LIFETIME,
        family=Family(user, session_id),
    )
    return reply(
        asked.reply_to, tenant.issuer, {"code": tenant.codes.add(grant), "session_state": session_id}
    )
