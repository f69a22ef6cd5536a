"""The authorization response: the answer to the client, by its response mode (OAuth)."""

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from mcpsecurity.localcloud.entra.errors import EntraError, wire_description
from mcpsecurity.localcloud.entra.pages import form_post_page
from mcpsecurity.localcloud.entra.parameters import ReplyTo


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
