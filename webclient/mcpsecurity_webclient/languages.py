"""The languages of the page: a catalogue for each, in `locale/`, and the language of the request at hand.

English sentences are the keys of the catalogues (GNU gettext, `.po`). A text without a translation is
shown in English. Templates and Python code use the catalogues here; the page's modules get them from
`/texts/{language}.{hash}.js` (`static/js/ui/texts.js`).
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

from mcpsecurity.sentences import Sentence

LANGUAGES: Mapping[str, str] = {"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español"}
"""The languages that people can choose, by their code (ISO 639-1), each with its own name."""

DEFAULT = "en"
LOCALE = Path(__file__).parent / "locale"
"""The folder with the catalogues: `de.po`, and so on. English has none."""

_current: ContextVar[str] = ContextVar("language", default=DEFAULT)
_RANGE = re.compile(r"\s*([a-zA-Z]{1,8})(?:-[a-zA-Z0-9-]*)?\s*(?:;\s*q=([01](?:\.\d{0,3})?)\s*)?")
_MOST_RANGES = 20
_NO_BREAK = "\u00a0"
_UNBROKEN = {"fr": re.compile(r" (?=[;:!?»])|(?<=«) ")}
"""The spaces of a language at which no line may break: a French semicolon would begin the next one."""


def negotiate(accept_language: str) -> str:
    """Return the language that suits an `Accept-Language` header best (RFC 9110, 12.5.4); English if none
    does."""
    best, weight = DEFAULT, 0.0
    for part in accept_language.split(",")[:_MOST_RANGES]:
        match = _RANGE.fullmatch(part)
        if match is None:
            continue
        code, quality = match[1].lower(), float(match[2] or 1)
        if code in LANGUAGES and quality > weight:
            best, weight = code, quality
    return best


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Make `language` the one of this task, and of the tasks that it starts."""
    token = _current.set(language)
    try:
        yield
    finally:
        _current.reset(token)


def current_language() -> str:
    """Return the code of the language of the request that this task belongs to."""
    return _current.get()


def gettext(text: str) -> str:
    """Return `text` in the language of the request."""
    return _translations(_current.get()).gettext(text) if text else ""


def ngettext(one: str, many: str, number: int) -> str:
    """Return the form for `number` in the language of the request."""
    return _translations(_current.get()).ngettext(one, many, number)


def translated(text: str) -> str:
    """Return a `Sentence` of the library in the language of the request; other texts, such as what a server
    said, as they are."""
    if not isinstance(text, Sentence):
        return text
    values = {name: translated(v) if isinstance(v, str) else v for name, v in text.values.items()}
    return gettext(text.template).format(**values) if values else gettext(text.template)


def marked(text: str) -> str:
    """Return `text` as it is: a sentence of a table, to be translated by `gettext` when it is shown."""
    return text


def page_texts(language: str) -> tuple[str, str]:
    """Return the name of a language's script for the page, with a hash of it, and the script itself, which
    has the texts of the page's modules; a name of "" for English."""
    return _page_texts(language) if language != DEFAULT else ("", "")


@cache
def _page_texts(language: str) -> tuple[str, str]:
    texts: dict[str, str | list[str]] = {}
    for message in _catalog(language):
        forms = _strings(message.string)
        of_page = any(path.startswith("static/") for path, _ in message.locations)
        if of_page and all(forms) and not message.fuzzy:
            texts[_strings(message.id)[0]] = forms[0] if len(forms) == 1 else forms
    script = f"globalThis.pageTexts = {json.dumps(texts, ensure_ascii=False, sort_keys=True)};\n"
    digest = hashlib.sha256(script.encode()).hexdigest()[:12]
    return f"{language}.{digest}.js", script


def _strings(one_or_many: str | Iterable[str] | None) -> list[str]:
    """Return the forms of a message as a list, whether it has a plural or not."""
    return [one_or_many or ""] if isinstance(one_or_many, str | None) else list(one_or_many)


@cache
def _catalog(language: str) -> Catalog:
    with (LOCALE / f"{language}.po").open("rb") as file:
        catalog = read_po(file, locale=language)
    if (unbroken := _UNBROKEN.get(language)) is not None:
        for message in catalog:
            forms = [unbroken.sub(_NO_BREAK, form) for form in _strings(message.string)]
            message.string = forms[0] if len(forms) == 1 else tuple(forms)
    return catalog


@cache
def _translations(language: str) -> Translations:
    if language == DEFAULT:
        return Translations()
    compiled = BytesIO()
    write_mo(compiled, _catalog(language))
    compiled.seek(0)
    return Translations(compiled)
