"""The pages that a person sees: choosing an account, consent, a device's code, and the results."""

from collections.abc import Iterable, Mapping

from aiohttp import web

from mcpsecurity.localcloud.entra.directory import Client, User
from mcpsecurity.localcloud.entra.errors import EntraError
from mcpsecurity.localcloud.entra.pages.html import Html, element, hidden, page, source_of
from mcpsecurity.localcloud.entra.scopes import Requested

__all__ = [
    "consent_page",
    "device_code_page",
    "error_page",
    "form_post_page",
    "login_page",
    "message_page",
    "sign_out_page",
]

_OIDC_TEXTS = {
    "openid": "Sign you in",
    "profile": "View your basic profile",
    "email": "View your email address",
    "offline_access": "Keep this access while you are away",
}


def login_page(
    flow: str, client: Client, requested: Requested, users: Iterable[User], target: str
) -> web.Response:
    """Return the page on which a person chooses an account. `target` is where the client is answered."""
    accounts = [element("li", _account(user)) for user in users]
    return page(
        f"Sign in to {client.name}",
        element("h1", "Choose a demo user"),
        element(
            "p",
            f"to sign in to {client.name}. This page stands in for Microsoft’s, without passwords.",
            class_="muted",
        ),
        element("h2", f"{client.name} will be able to:"),
        _permissions(requested),
        _form("login", hidden("flow", flow), element("ul", *accounts, class_="accounts")),
        form_targets=_targets(target),
    )


def consent_page(flow: str, client: Client, requested: Requested, user: User, target: str) -> web.Response:
    """Return the page on which a person accepts or declines what the client asks for."""
    return page(
        f"Permissions requested by {client.name}",
        element("p", user.sign_in_name, class_="muted"),
        element("h1", "Permissions requested"),
        element("p", element("strong", client.name), " would like to:"),
        _permissions(requested),
        element("p", "Accept only if you trust this application.", class_="notice"),
        _form(
            "consent",
            hidden("flow", flow),
            element(
                "div",
                element("button", "Cancel", name="decision", value="cancel"),
                element("button", "Accept", name="decision", value="accept", class_="primary"),
                class_="actions",
            ),
        ),
        form_targets=_targets(target),
    )


def device_code_page(*, user_code: str = "", problem: str = "") -> web.Response:
    """Return the page on which a person enters the code that a device shows."""
    described = {"aria_invalid": "true", "aria_describedby": "problem"} if problem else {}
    alert = element("p", problem, id="problem", class_="problem", role="alert") if problem else Html()
    field = element(
        "input", id="code", name="user_code", value=user_code, autocomplete="off", required="", **described
    )
    return page(
        "Enter code",
        element("h1", "Enter code"),
        element("p", "Enter the code displayed on your app or device.", class_="muted"),
        _form(
            "deviceauth",
            element("label", "Code", for_="code"),
            field,
            alert,
            element("div", element("button", "Next", class_="primary"), class_="actions"),
        ),
        status=400 if problem else 200,
    )


def sign_out_page(users: Iterable[User], fields: Mapping[str, str], target: str) -> web.Response:
    """Return the page on which a person chooses an account to sign out of, on her way to `target`."""
    accounts = [element("li", _account(user, name="logout_hint")) for user in users]
    return page(
        "Pick an account to sign out of",
        element("h1", "Which account do you want to sign out of?"),
        _form(
            "logout",
            *(hidden(name, value) for name, value in fields.items()),
            element("ul", *accounts, class_="accounts"),
        ),
        form_targets=_targets(target),
    )


def message_page(title: str, detail: str) -> web.Response:
    """Return a page that says how a flow ended."""
    return page(title, element("h1", title), element("p", detail))


def error_page(error: EntraError) -> web.Response:
    """Return the page that tells a person why a request cannot be answered."""
    return page(
        "Sign-in error",
        element("h1", "Sorry, but we’re having trouble signing you in."),
        element("p", str(error)),
        status=error.code.status,
    )


def form_post_page(redirect_uri: str, values: Mapping[str, str]) -> web.Response:
    """Return the page that posts an authorization response to the client (Form Post Response Mode)."""
    fields = [hidden(name, value) for name, value in values.items()]
    button = element("button", "Continue", class_="primary")
    return page(
        "Working…",
        element("h1", "Working…"),
        element("p", "If nothing happens, choose Continue.", class_="muted"),
        element("form", *fields, button, method="post", action=redirect_uri),
        form_targets=(source_of(redirect_uri),),
        script="document.forms[0].submit()",
    )


def _form(action: str, *content: Html) -> Html:
    return element("form", *content, method="post", action=action)


def _account(user: User, name: str = "user") -> Html:
    kind = "guest" if user.is_guest else "member"
    local, _, domain = user.sign_in_name.partition("@")
    return element(
        "button",
        element("span", user.name[0], class_="mark", aria_hidden="true"),
        element("span", f"{local}@", Html("<wbr>"), domain, class_="name"),
        " ",
        element("span", f"{user.name}, {kind}", class_="detail"),
        name=name,
        value=user.sign_in_name,
        class_="account",
    )


def _permissions(requested: Requested) -> Html:
    texts = [_OIDC_TEXTS[name] for name in _OIDC_TEXTS if name in requested.oidc]
    for scopes in requested.apis:
        texts += [scopes.api.scopes[name] for name in scopes.names]
    return element("ul", *(element("li", line) for line in texts))


def _targets(uri: str) -> tuple[str, ...]:
    return (source_of(uri),) if uri else ()
