"""Sign-out (OIDC RP-Initiated Logout 1.0)."""

from collections.abc import Mapping
from urllib.parse import urlencode

from aiohttp import web

from mcpsecurity.localcloud.entra.directory import Directory, User
from mcpsecurity.localcloud.entra.pages import message_page, sign_out_page
from mcpsecurity.localcloud.entra.parameters import form_values, single_values
from mcpsecurity.localcloud.entra.tenant import Tenant

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
