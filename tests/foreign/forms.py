"""A browser for sign-in pages of others: it follows redirects, fills in forms as alice, and agrees."""

import re
from html.parser import HTMLParser

import httpx

__all__ = ["agree"]

_MOST_PAGES = 30
_AGREE = re.compile(r"allow|approve|accept|yes", re.IGNORECASE)


class _Form(HTMLParser):
    """The first form of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.method = "get"
        self.fields: dict[str, str] = {}
        self._buttons: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None:
            self.action, self.method = found.get("action", ""), found.get("method", "get")
        elif tag == "input" and found.get("name"):
            self.fields[found["name"]] = found.get("value") or "alice"
        elif tag == "button" and found.get("name"):
            self._buttons.append((found["name"], found.get("value", "")))

    @property
    def filled_in(self) -> dict[str, str]:
        """The values to send, with the button that agrees."""
        agreeing = [button for button in self._buttons if _AGREE.search(" ".join(button))]
        return self.fields | dict((agreeing or self._buttons)[:1])


def agree(url: str) -> bool:
    """Go to `url`, and on until a page has no form, which is the program's own."""
    with httpx.Client(trust_env=False, timeout=30, follow_redirects=True) as client:
        answer = client.get(url)
        for _ in range(_MOST_PAGES):
            form = _Form(answer.text)
            if form.action is None:
                return answer.is_success
            target = answer.url.join(form.action)
            answer = client.request(form.method.upper(), target, data=form.filled_in)
    return False
