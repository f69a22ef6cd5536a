"""The texts that people see, extracted from templates, modules and Python code of the web client,
and from the sentences of the library.

Run as `python -m tests.webclient.catalogs` to bring the catalogues up to date: new texts are added without a
translation, and those that are gone are removed.
"""

import io
from functools import cache
from itertools import chain
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

import mcpsecurity.sentences
import mcpsecurity_webclient
from mcpsecurity_webclient.languages import DEFAULT, LANGUAGES, LOCALE

ROOT = Path(mcpsecurity_webclient.__file__).parent
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2"), ("static/js/**.js", "javascript")]
LIBRARY = Path(mcpsecurity.sentences.__file__).parent
"""The library, whose `Sentence`s the web client translates."""
OPTIONS = {
    "templates/**.html": {"trimmed": "true"},
    "static/js/**.js": {"parse_template_string": "true"},
}
KEYWORDS = {
    "_": None,
    "gettext": None,
    "marked": None,
    "Sentence": None,
    "ngettext": (1, 2),
    "t": None,
    "tn": (1, 2),
}
TRANSLATED = [code for code in LANGUAGES if code != DEFAULT]


@cache
def extracted() -> Catalog:
    """Return a catalogue with every text and the files that have it."""
    catalog = Catalog()
    found = chain.from_iterable(
        extract_from_dir(
            root, METHODS, OPTIONS, KEYWORDS, comment_tags=("Translators:",), strip_comment_tags=True
        )
        for root in (ROOT, LIBRARY)
    )
    for file, _, message, comments, context in found:
        catalog.add(message, locations=[(file, 0)], auto_comments=comments, context=context)
    return catalog


def read(language: str) -> Catalog:
    """Return the catalogue of a language, as it is in the repository."""
    with (LOCALE / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def written(catalog: Catalog) -> bytes:
    """Return the text of a catalogue's file: without dates and line numbers, which would change with every
    edit."""
    file = io.BytesIO()
    write_po(
        file,
        catalog,
        width=100,
        omit_header=False,
        sort_output=True,
        include_lineno=False,
        ignore_obsolete=True,
    )
    lines = file.getvalue().decode().splitlines(keepends=True)
    head = ("# ", "#\n", '"Project', '"Report', '"POT-', '"PO-', '"Last-', '"Language-Team', '"Generated')
    return "".join(line for line in lines if not line.startswith(head)).encode()


def update() -> None:
    """Rewrite the catalogues, from the texts and the translations so far."""
    template = extracted()
    for language in TRANSLATED:
        path = LOCALE / f"{language}.po"
        catalog = read(language) if path.exists() else Catalog(locale=language)
        catalog.update(template, no_fuzzy_matching=True)
        path.write_bytes(written(catalog))


if __name__ == "__main__":
    update()
