"""The frame of every page: escaped text, inline style by nonce, and headers that keep a page to itself."""

import html
import secrets
from functools import cache
from importlib.resources import files
from urllib.parse import urlsplit

from aiohttp import web


class Html(str):
    """Markup that is safe to put into a page: text from outside has been escaped."""

    __slots__ = ()


def text(value: str) -> Html:
    """Return `value` as text of a page."""
    return Html(html.escape(value))


def element(tag: str, *content: str, **attributes: str) -> Html:
    """Return an element. Content that is not `Html` is escaped; `aria_label` means aria-label, `for_` for."""
    named = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{html.escape(value)}"' for name, value in attributes.items()
    )
    if tag == "input":
        return Html(f"<{tag}{named}>")
    inner = "".join(part if isinstance(part, Html) else text(part) for part in content)
    return Html(f"<{tag}{named}>{inner}</{tag}>")


def hidden(name: str, value: str) -> Html:
    """Return a hidden field."""
    return element("input", type="hidden", name=name, value=value)


def page(
    title: str, *content: Html, form_targets: tuple[str, ...] = (), script: str = "", status: int = 200
) -> web.Response:
    """Return a page.

    Args:
        form_targets: CSP sources that its forms may lead to besides this host. Browsers hold redirects that
            follow a form to them too, so the client's origin has to be among them.
        script: JavaScript to run when the page has loaded.
    """
    nonce = secrets.token_urlsafe(16)
    code = Html(f'<script nonce="{nonce}">{script}</script>') if script else Html()
    body = Html("".join(content))
    document = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{text(title)}</title><link rel="icon" href="data:,">'
        f'<style nonce="{nonce}">{_style()}</style></head>'
        '<body><main><p class="tenant">Contoso (local development tenant)</p>'
        f"{body}</main>{code}</body></html>"
    )
    headers = _headers(nonce, form_targets, scripted=bool(script))
    return web.Response(text=document, content_type="text/html", status=status, headers=headers)


def source_of(uri: str) -> str:
    """Return the CSP source that allows `uri`: its origin, or its scheme where CSP cannot name the host."""
    parts = urlsplit(uri)
    if parts.scheme not in {"http", "https"} or "[" in parts.netloc:
        return f"{parts.scheme}:"
    return f"{parts.scheme}://{parts.netloc}"


@cache
def _style() -> str:
    return files(__package__ or __name__).joinpath("style.css").read_text(encoding="utf-8")


def _headers(nonce: str, form_targets: tuple[str, ...], *, scripted: bool) -> dict[str, str]:
    policy = [
        "default-src 'none'",
        f"style-src 'nonce-{nonce}'",
        *([f"script-src 'nonce-{nonce}'"] if scripted else []),
        "img-src data:",
        " ".join(("form-action 'self'", *form_targets)),
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
    return {
        "Content-Security-Policy": "; ".join(policy),
        "Cache-Control": "no-store",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
