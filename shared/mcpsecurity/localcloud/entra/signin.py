"""The steps that a person takes: choosing an account, consenting, and the client's answer."""

from collections.abc import Iterable

from aiohttp import web

from mcpsecurity.localcloud.entra.aadsts import Sts
from mcpsecurity.localcloud.entra.devices import DeviceFlow
from mcpsecurity.localcloud.entra.directory import User
from mcpsecurity.localcloud.entra.errors import EntraError
from mcpsecurity.localcloud.entra.grants import CodeGrant, Family
from mcpsecurity.localcloud.entra.interaction import Pending, Purpose, target_of
from mcpsecurity.localcloud.entra.pages import consent_page, login_page, message_page
from mcpsecurity.localcloud.entra.parameters import AuthorizeRequest, form_values
from mcpsecurity.localcloud.entra.responses import reply, reply_error
from mcpsecurity.localcloud.entra.sessions import BrowserSession
from mcpsecurity.localcloud.entra.tenant import CODE_LIFETIME, Tenant


def ask_for_account(
    tenant: Tenant, request: web.Request, session: BrowserSession | None, purpose: Purpose
) -> web.StreamResponse:
    """Return the page that lists the accounts; a browser that has no session yet gets one."""
    kept = session or BrowserSession()
    flow = tenant.pending.add(Pending(kept, purpose))
    users = _hinted_first(tenant.directory.users.values(), purpose)
    response = login_page(flow, purpose.client, purpose.requested, users, target_of(purpose))
    if session is None:
        tenant.sessions.keep(request, response, kept)
    return response


def ask_for_consent(
    tenant: Tenant, session: BrowserSession, purpose: Purpose, user: User
) -> web.StreamResponse:
    """Return the page that asks `user` for consent."""
    flow = tenant.pending.add(Pending(session, purpose, user))
    return consent_page(flow, purpose.client, purpose.requested, user, target_of(purpose))


async def login(tenant: Tenant, request: web.Request) -> web.StreamResponse:
    """Take the account that was chosen, sign it in, and go on."""
    values = await form_values(request)
    pending = _take(tenant, request, values.get("flow", ""))
    user = tenant.directory.user(values.get("user", ""))
    if user is None:
        raise EntraError(Sts.UNKNOWN_USER)
    pending.session.accounts[user.oid] = user
    if must_consent(tenant, pending.purpose, user):
        response = ask_for_consent(tenant, pending.session, pending.purpose, user)
    else:
        response = answer(tenant, pending.purpose, user, pending.session)
    tenant.sessions.keep(request, response, pending.session)
    return response


async def consent(tenant: Tenant, request: web.Request) -> web.StreamResponse:
    """Take the decision about consent, and answer the client."""
    values = await form_values(request)
    pending = _take(tenant, request, values.get("flow", ""))
    if pending.user is None:
        raise EntraError(Sts.STALE_PAGE)
    if values.get("decision") != "accept":
        return _decline(tenant, pending.purpose)
    tenant.consents.give(pending.user, pending.purpose.client, pending.purpose.requested)
    return answer(tenant, pending.purpose, pending.user, pending.session)


def answer(tenant: Tenant, purpose: Purpose, user: User, session: BrowserSession) -> web.StreamResponse:
    """Give the client what `user` approved: a code by redirect, or the tokens for which its device waits."""
    family = Family(user, session.session_id)
    if isinstance(purpose, DeviceFlow):
        purpose.family = family
        text = f"You have signed in to {purpose.client.name} on your device. You may now close this window."
        return message_page("You are signed in", text)
    family.acrs, family.capabilities = purpose.claims.acrs, purpose.claims.capabilities
    grant = CodeGrant(
        client_id=purpose.client.client_id,
        requested=purpose.requested,
        redirect_uri=purpose.reply_to.redirect_uri,
        challenge=purpose.challenge,
        nonce=purpose.nonce,
        expires_at=tenant.now() + CODE_LIFETIME,
        family=family,
    )
    values = {"code": tenant.codes.add(grant), "session_state": session.session_id}
    return reply(purpose.reply_to, tenant.issuer, values)


def _decline(tenant: Tenant, purpose: Purpose) -> web.StreamResponse:
    if isinstance(purpose, DeviceFlow):
        purpose.declined = True
        return message_page("You declined", f"{purpose.client.name} was told. You may now close this window.")
    return reply_error(purpose.reply_to, tenant.issuer, EntraError(Sts.CONSENT_DECLINED))


def must_consent(tenant: Tenant, purpose: Purpose, user: User) -> bool:
    """Return whether `user` has to see the consent page.

    A device is always confirmed: another person may have sent its code (RFC 8628 5.4).
    """
    if isinstance(purpose, DeviceFlow) or purpose.prompt == "consent":
        return True
    return tenant.needs_consent(user, purpose.client, purpose.requested)


def _take(tenant: Tenant, request: web.Request, flow: str) -> Pending:
    """Return the page that `flow` stands for, if this browser was shown it. A page is answered once."""
    pending = tenant.pending.get(flow)
    if pending is None or pending.session is not tenant.sessions.of(request):
        raise EntraError(Sts.STALE_PAGE)
    tenant.pending.remove(flow)
    return pending


def _hinted_first(users: Iterable[User], purpose: Purpose) -> list[User]:
    hint = (purpose.login_hint or "").strip().lower() if isinstance(purpose, AuthorizeRequest) else ""
    return sorted(users, key=lambda user: user.sign_in_name != hint)
