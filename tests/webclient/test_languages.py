"""Languages: which one a request has, and that every text has a translation."""

import re

import pytest
from babel.messages.catalog import Message
from tests.webclient import catalogs

from mcpsecurity_webclient.languages import gettext, negotiate, ngettext, page_texts, speaking

PLACEHOLDER = re.compile(r"\{\w+\}|%\(\w+\)[sd]")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de-CH, en;q=0.8", "de"),
        ("it, fr;q=0.5, es;q=0.9", "es"),
        ("it-IT", "en"),
        ("de;q=0, fr;q=0.1", "fr"),
        ("en-GB, de;q=0.9", "en"),
        ("*;q=1, nonsense;;, de;q=x", "en"),
        ("FR", "fr"),
        (",".join(["xx"] * 30 + ["de"]), "en"),
    ],
)
def test_a_browser_gets_the_language_that_it_asks_for_most(header: str, language: str) -> None:
    assert negotiate(header) == language


def test_a_text_is_in_the_language_that_is_spoken() -> None:
    with speaking("de"):
        assert gettext("New chat") == "Neuer Chat"
    assert gettext("New chat") == "New chat"


def test_no_line_of_a_french_text_begins_with_a_sign_of_the_one_before() -> None:
    with speaking("fr"):
        said = gettext("This call was not made: its server needs you to sign in.")
    assert said == "Cet appel n'a pas été fait\u00a0: vous devez vous connecter pour son serveur."
    assert re.findall(r" [;:!?»]|« ", page_texts("fr")[1].replace('": "', "")) == []
    assert "\u00a0" not in page_texts("de")[1]


def test_a_text_without_a_translation_is_english() -> None:
    with speaking("fr"):
        assert gettext("No catalogue has this.") == "No catalogue has this."
        assert ngettext("{count} thing of none", "{count} things of none", 2) == "{count} things of none"


def test_the_script_for_the_page_is_named_by_its_content_and_english_needs_none() -> None:
    name, script = page_texts("de")
    assert re.fullmatch(r"de\.[0-9a-f]{12}\.js", name)
    assert '"New chat": "Neuer Chat"' in script
    assert page_texts("en") == ("", "")


def test_no_text_tells_a_person_to_begin_another_conversation() -> None:
    told = re.compile(
        r"\b(begin|start|open|try|use)\b.{0,20}\b(new|another|fresh)\b.{0,12}\b(chat|conver)", re.IGNORECASE
    )
    texts = [str(message.id) for message in catalogs.extracted()]
    assert len(texts) > 300
    assert told.search("Please begin a new conversation.")
    assert [text for text in texts if told.search(text)] == []


def test_texts_are_found_in_templates_modules_and_python_code() -> None:
    files = {location[0].split("/")[0] for message in catalogs.extracted() for location in message.locations}
    assert {"templates", "static", "web"} <= files


@pytest.mark.parametrize("language", catalogs.TRANSLATED)
def test_a_translation_keeps_the_places_of_the_values(language: str) -> None:
    wrong = [message.id for message in catalogs.read(language) if message.id and not _same_places(message)]
    assert wrong == []


def _same_places(message: Message) -> bool:
    """Tell whether a translation has the placeholders of the English text; a singular may do without."""
    keys = [message.id] if isinstance(message.id, str) else list(message.id)
    forms = [message.string] if isinstance(message.string, str) else list(message.string or ())
    wanted = set(PLACEHOLDER.findall(keys[-1]))
    found = [set(PLACEHOLDER.findall(form)) for form in forms if form]
    return all(places == wanted for places in found[-1:]) and all(places <= wanted for places in found)


def _all_texts() -> set[str]:
    return {_key(message) for message in catalogs.extracted() if message.id}


def _key(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def _is_translated(message: Message) -> bool:
    forms = [message.string] if isinstance(message.string, str) else list(message.string or ())
    return bool(forms) and all(forms) and not message.fuzzy


@pytest.mark.parametrize("language", catalogs.TRANSLATED)
def test_every_text_is_translated_and_no_translation_is_stale(language: str) -> None:
    texts = _all_texts()
    known = {_key(message): _is_translated(message) for message in catalogs.read(language) if message.id}
    assert sorted(texts - known.keys()) == [], "run `make texts`, and translate them"
    assert sorted(known.keys() - texts) == [], "run `make texts`"
    assert sorted(key for key, translated in known.items() if not translated) == [], "translate them"
