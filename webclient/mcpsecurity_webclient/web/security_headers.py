"""Security headers of every answer (facts: OWASP secure headers, CSP level 3)."""

from collections.abc import Awaitable, Callable

from aiohttp import web

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src data:; "
    "connect-src 'self'; "
    "manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)


def set_headers(app: web.Application, *, secure: bool, form_targets: Callable[[], Awaitable[str]]) -> None:
    """Add security headers to all responses of `app`.

    `form_targets` gives further origins that a form may end up at, separated by spaces: signing out posts a
    form and is redirected to Entra ID, and browsers hold the whole way to `form-action`.
    """

    async def prepare(request: web.Request, response: web.StreamResponse) -> None:
        headers = response.headers
        targets = await form_targets() if response.content_type == "text/html" else ""
        headers["Content-Security-Policy"] = f"{_POLICY}; form-action 'self' {targets}".rstrip()
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "same-origin"
        headers["X-Frame-Options"] = "DENY"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
        if secure:
            headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        fallback = "no-cache" if request.path.startswith("/static/") else "no-store"
        headers.setdefault("Cache-Control", fallback)

    app.on_response_prepare.append(prepare)
