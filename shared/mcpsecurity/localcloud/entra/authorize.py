"""The authorization endpoint."""

from aiohttp import web

from mcpsecurity.localcloud.entra.aadsts import Sts
from mcpsecurity.localcloud.entra.errors import EntraError
from mcpsecurity.localcloud.entra.interaction import silent_user, user_without_asking
from mcpsecurity.localcloud.entra.parameters import (
    AuthorizeRequest,
    form_values,
    read_reply_to,
    read_request,
    single_values,
)
from mcpsecurity.localcloud.entra.responses import reply_error
from mcpsecurity.localcloud.entra.sessions import BrowserSession
from mcpsecurity.localcloud.entra.signin import answer, ask_for_account, ask_for_consent, must_consent
from mcpsecurity.localcloud.entra.tenant import Tenant


async def authorize(tenant: Tenant, request: web.Request) -> web.StreamResponse:
    """Answer an authorization request: with a code at once, or with a page that asks the person."""
    values = await form_values(request) if request.method == "POST" else single_values(request.query)
    await tenant.documents.learn(tenant.directory, values.get("client_id", ""))
    reply_to = read_reply_to(tenant.directory, values)
    session = tenant.sessions.of(request)
    try:
        asked = read_request(tenant.directory, reply_to, values)
        if asked.prompt == "none":
            return _answer_silently(tenant, asked, session)
    except EntraError as error:
        return reply_error(reply_to, tenant.issuer, error)
    user = user_without_asking(asked, session)
    if user is None or session is None:
        return ask_for_account(tenant, request, session, asked)
    if must_consent(tenant, asked, user):
        return ask_for_consent(tenant, session, asked, user)
    return answer(tenant, asked, user, session)


def _answer_silently(
    tenant: Tenant, asked: AuthorizeRequest, session: BrowserSession | None
) -> web.StreamResponse:
    user = silent_user(tenant.directory, asked, session)
    if tenant.needs_consent(user, asked.client, asked.requested):
        raise EntraError(Sts.CONSENT_REQUIRED, client=asked.client.client_id, name=asked.client.name)
    return answer(tenant, asked, user, session or BrowserSession())
