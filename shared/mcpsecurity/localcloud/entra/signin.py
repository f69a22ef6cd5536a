"""Signing in and out: choosing an account, consenting, the client's answer, and the end of a session."""

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from mcpsecurity.localcloud.entra.directory import Directory, User
from mcpsecurity.localcloud.entra.errors import EntraError, Sts, wire_description
from mcpsecurity.localcloud.entra.grants import CodeGrant, DeviceFlow, Family
from mcpsecurity.localcloud.entra.pages import (
    consent_page,
    form_post_page,
    login_page,
    message_page,
    sign_out_page,
)
from mcpsecurity.localcloud.entra.parameters import AuthorizeRequest, ReplyTo, form_values, single_values
from mcpsecurity.localcloud.entra.sessions import BrowserSession, Pending, Purpose, target_of
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


def reply(reply_to: ReplyTo, issuer: str, values: Mapping[str, str]) -> web.Response:
    """Send `values`, the state and the issuer (RFC 9207) to the client's redirect URI."""
    parameters = dict(values)
    if reply_to.state is not None:
        parameters["state"] = reply_to.state
    parameters["iss"] = issuer
    if reply_to.response_mode == "form_post":
        return form_post_page(reply_to.redirect_uri, parameters)
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return web.Response(
        status=302, headers={**headers, "Location": _location(reply_to, urlencode(parameters))}
    )


def reply_error(reply_to: ReplyTo, issuer: str, error: EntraError) -> web.Response:
    """Send a refusal to the client (RFC 6749 4.1.2.1)."""
    name = _AT_AUTHORIZE.get(error.code.error, error.code.error)
    values = {"error": name, "error_description": wire_description(error)}
    if error.code.suberror:
        values["error_subcode"] = error.code.suberror
    return reply(reply_to, issuer, values)


# consent that is missing is an invalid grant at the token endpoint, and a reason to interact here
_AT_AUTHORIZE = {"invalid_grant": "consent_required"}


def _location(reply_to: ReplyTo, query: str) -> str:
    parts = urlsplit(reply_to.redirect_uri)
    if reply_to.response_mode == "fragment":
        return parts._replace(fragment=query).geturl()
    return parts._replace(query=f"{parts.query}&{query}" if parts.query else query).geturl()


_FORWARDED = ("post_logout_redirect_uri", "state")


async def logout(tenant: Tenant, request: web.Request) -> web.StreamResponse:
    """End the browser's session, or one account of it, and send the browser back to the client.

    With several accounts signed in and no `logout_hint` or `id_token_hint` the person is asked which one, as
    in Entra. The browser is sent only to a URI that a client has registered; otherwise a page says that it is
    done.
    """
    values = await form_values(request) if request.method == "POST" else single_values(request.query)
    session = tenant.sessions.of(request)
    target = _registered(tenant.directory, values.get("post_logout_redirect_uri", ""))
    user = _hinted(tenant, values)
    if session is not None and len(session.accounts) > 1 and user is None:
        fields = {name: values[name] for name in _FORWARDED if name in values}
        return sign_out_page(session.accounts.values(), fields, target)
    response = _goodbye(target, values.get("state"))
    if session is not None:
        session.accounts.pop(user.oid if user else "", None)
        if user is None or not session.accounts:
            tenant.sessions.end(request, response)
    return response


def _hinted(tenant: Tenant, values: Mapping[str, str]) -> User | None:
    """Return the account that `logout_hint` or `id_token_hint` means."""
    if "logout_hint" in values:
        return tenant.directory.user(values["logout_hint"])
    claims = tenant.tokens.read(values.get("id_token_hint", ""))
    return tenant.directory.user_by_oid(claims["oid"]) if claims else None


def _registered(directory: Directory, uri: str) -> str:
    """Return `uri` if a client has registered it for this, otherwise nothing."""
    return uri if any(uri in client.logout_uris for client in directory.clients.values()) else ""


def _goodbye(target: str, state: str | None) -> web.StreamResponse:
    if not target:
        return message_page(
            "You signed out of your account", "It’s a good idea to close all browser windows."
        )
    if state is not None:
        target += ("&" if "?" in target else "?") + urlencode({"state": state})
    headers = {"Location": target, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return web.Response(status=302, headers=headers)
