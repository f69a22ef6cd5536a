"""Finds English sentences of ours in a page that is in another language."""

import re
from functools import cache

from playwright.async_api import Page
from tests.webclient import catalogs

__all__ = ["left_in"]

_PLACE = re.compile(r"\{\w+\}|%\(\w+\)s")
_TEXTS = """
() => {
  // what servers call their tools is theirs, and what chats are called is their persons'
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const { parentElement: parent, textContent: text } = walker.currentNode;
    const isTheirs = parent.closest("script, pre, code, .offer .chip, .tools, #chat-list");
    if (parent.checkVisibility() && !isTheirs) found.push(text.trim());
  }
  for (const element of document.querySelectorAll("[aria-label], [title], [placeholder]")) {
    if (element.closest("#chat-list")) continue;
    for (const name of ["aria-label", "title", "placeholder"]) found.push(element.getAttribute(name) ?? "");
  }
  return found.filter((text) => /[a-z]{3}/.test(text));
}
"""


async def left_in(page: Page, language: str) -> list[str]:
    """Return the texts of the page that are English sentences of ours, which `language` says otherwise."""
    return [text for text in await page.evaluate(_TEXTS) if _english(language).fullmatch(text)]


@cache
def _english(language: str) -> re.Pattern[str]:
    """Return what matches the English of every text that the language says otherwise."""
    texts = []
    for message in catalogs.read(language):
        forms = [message.id] if isinstance(message.id, str) else list(message.id)
        said = message.string if isinstance(message.string, str) else (message.string or ("",))[0]
        parts = [_PLACE.split(form) for form in forms]
        if message.id and said != forms[0] and len("".join(parts[0])) >= 8:
            texts += [".+".join(map(re.escape, part)) for part in parts]
    return re.compile("|".join(texts))
