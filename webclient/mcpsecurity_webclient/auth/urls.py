"""Addresses of this site that a sign-in starts from and leads to."""

from yarl import URL


def safe_next(target: str | None) -> str:
    """Return `target` if it is a path of this site, the start page otherwise."""
    if target is None or not target.startswith("/") or target.startswith("//"):
        return "/"
    return target if all(33 <= ord(c) < 127 and c != "\\" for c in target) else "/"


def sign_in_url(target: str, claims: str | None, scope: str | None) -> str:
    """Return the address of a sign-in that satisfies `claims`, asks for `scope`, and then shows `target`."""
    query = {"next": target, "claims": claims, "scope": scope}
    return str(URL("/signin").with_query({name: value for name, value in query.items() if value}))
