"""The authorization endpoint."""

from collections.abc import Mapping

from aiohttp import web

from mcpsecurity.localcloud.entra.directory import Directory, User
from mcpsecurity.localcloud.entra.errors import EntraError, Sts
from mcpsecurity.localcloud.entra.parameters import (
    AuthorizeRequest,
    form_values,
    read_reply_to,
    read_request,
    single_values,
)
from mcpsecurity.localcloud.entra.sessions import BrowserSession
from mcpsecurity.localcloud.entra.signin import (
    answer,
    ask_for_account,
    ask_for_consent,
    must_consent,
    reply_error,
)
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
    user = _user_without_asking(asked, session)
    if user is None or session is None:
        return ask_for_account(tenant, request, session, asked)
    if must_consent(tenant, asked, user):
        return ask_for_consent(tenant, session, asked, user)
    return answer(tenant, asked, user, session)


def _answer_silently(
    tenant: Tenant, asked: AuthorizeRequest, session: BrowserSession | None
) -> web.StreamResponse:
    user = _silent_user(tenant.directory, asked, session)
    if tenant.needs_consent(user, asked.client, asked.requested):
        raise EntraError(Sts.CONSENT_REQUIRED, client=asked.client.client_id, name=asked.client.name)
    return answer(tenant, asked, user, session or BrowserSession())


def _user_without_asking(asked: AuthorizeRequest, session: BrowserSession | None) -> User | None:
    """Return the account that a request is answered for without a page; None if the person has to choose.

    With a login hint that is the account of that name, without one the only account of the session.
    """
    if session is None or asked.prompt in {"login", "select_account"}:
        return None
    accounts = session.accounts
    if asked.login_hint is not None:
        return _named(accounts, asked.login_hint)
    return next(iter(accounts.values())) if len(accounts) == 1 else None


def _silent_user(directory: Directory, asked: AuthorizeRequest, session: BrowserSession | None) -> User:
    """Return the account of a `prompt=none` request.

    A login hint alone is enough: the local tenant takes every person for signed in already, so that programs
    without a browser can go through the code flow.

    Raises:
        EntraError: no account is signed in (AADSTS50058), several are (16000), the hint is unknown (50034).
    """
    if asked.login_hint is not None:
        user = directory.user(asked.login_hint)
        if user is None:
            raise EntraError(Sts.UNKNOWN_USER)
        return user
    accounts = list(session.accounts.values()) if session else []
    if not accounts:
        raise EntraError(Sts.LOGIN_REQUIRED)
    if len(accounts) > 1:
        raise EntraError(Sts.SEVERAL_SESSIONS)
    return accounts[0]


def _named(accounts: Mapping[str, User], hint: str) -> User | None:
    hint = hint.strip().lower()
    return next((user for user in accounts.values() if user.sign_in_name == hint), None)
