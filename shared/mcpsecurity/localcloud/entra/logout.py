"""Sign-out (OIDC RP-Initiated Logout 1.0)."""

from collections.abc import Mapping
from urllib.parse import urlencode

from aiohttp import web

from mcpsecurity.localcloud.entra.directory import Directory
from mcpsecurity.localcloud.entra.pages import message_page, sign_out_page
from mcpsecurity.localcloud.entra.parameters import form_values, single_values
from mcpsecurity.localcloud.entra.sessions import BrowserSession
from mcpsecurity.localcloud.entra.tenant import Tenant

__all__ = ["logout"]

_FORWARDED = ("post_logout_redirect_uri", "state")


async def logout(tenant: Tenant, request: web.Request) -> web.StreamResponse:
    """End the browser's session, or one account of it, and send the browser back to the client.

    With several accounts signed in and no `logout_hint` the person is asked which one, as in Entra. The
    browser is sent only to a URI that a client has registered; otherwise a page says that it is done.
    """
    values = await form_values(request) if request.method == "POST" else single_values(request.query)
    session = tenant.sessions.of(request)
    if session is not None and len(session.accounts) > 1 and "logout_hint" not in values:
        fields = {name: values[name] for name in _FORWARDED if name in values}
        return sign_out_page(session.accounts.values(), fields)
    response = _goodbye(tenant.directory, values)
    if session is not None and not _sign_out_one(tenant.directory, session, values):
        tenant.sessions.end(request, response)
    return response


def _sign_out_one(directory: Directory, session: BrowserSession, values: Mapping[str, str]) -> bool:
    """Sign out the account that is hinted at, and return whether others remain."""
    user = directory.user(values.get("logout_hint", ""))
    if user is None:
        return False
    session.accounts.pop(user.oid, None)
    return bool(session.accounts)


def _goodbye(directory: Directory, values: Mapping[str, str]) -> web.StreamResponse:
    target = values.get("post_logout_redirect_uri", "")
    if not any(target in client.logout_uris for client in directory.clients.values()):
        return message_page(
            "You signed out of your account", "It’s a good idea to close all browser windows."
        )
    if "state" in values:
        target += ("&" if "?" in target else "?") + urlencode({"state": values["state"]})
    headers = {"Location": target, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return web.Response(status=302, headers=headers)
