"""Sentences of the library: English, and able to be said in other languages."""

import pytest

from mcpsecurity.client import ServerUnavailableError
from mcpsecurity.elicitation import InvalidContentError, argument_errors, parse_form
from mcpsecurity.sentences import Sentence
from mcpsecurity_webclient.languages import speaking, translated


def test_a_sentence_is_its_english_text() -> None:
    sentence = Sentence("Enter {minimum} or more.", minimum=3)
    assert sentence == "Enter 3 or more."
    assert (sentence.template, dict(sentence.values)) == ("Enter {minimum} or more.", {"minimum": 3})


def test_an_exception_gives_its_sentence_back() -> None:
    sentence = Sentence("The MCP server at {host} does not answer.", host="localhost:1")
    assert str(ServerUnavailableError(sentence)) is sentence
    assert (
        f"chat: {ServerUnavailableError(sentence)}" == "chat: The MCP server at localhost:1 does not answer."
    )


def test_braces_in_a_value_stay_as_they_are() -> None:
    assert (
        Sentence("{problem} It says: {reason}", problem=Sentence("No."), reason="{0}") == "No. It says: {0}"
    )


def test_a_sentence_in_a_sentence_is_translated_with_it_and_what_a_server_said_is_not() -> None:
    refused = Sentence("The MCP server at {host} refuses access.", host="localhost:1")
    whole = Sentence("{problem} It says: {reason}", problem=refused, reason="Cancel")
    with speaking("de"):
        assert (
            translated(whole) == "Der MCP-Server unter localhost:1 verweigert den Zugriff. Er meldet: Cancel"
        )
        assert translated("Cancel") == "Cancel"
    assert translated(whole) == "The MCP server at localhost:1 refuses access. It says: Cancel"


@pytest.mark.parametrize(
    ("schema", "value", "german"),
    [
        ({"type": "integer", "minimum": 3}, 1, "Geben Sie 3 oder mehr ein."),
        (
            {"type": "string", "format": "email"},
            "x",
            "Geben Sie eine E-Mail-Adresse ein, zum Beispiel name@example.com.",
        ),
        ({"type": "string", "minLength": 2}, "x", "Geben Sie mindestens 2 Zeichen ein."),
        ({"type": "boolean"}, "x", "Wählen Sie Ja oder Nein."),
    ],
)
def test_a_form_says_in_german_what_does_not_fit(
    schema: dict[str, object], value: object, german: str
) -> None:
    form = parse_form({"type": "object", "properties": {"field": schema}})
    with pytest.raises(InvalidContentError) as caught, speaking("de"):
        form.validate({"field": value})
    with speaking("de"):
        assert translated(caught.value.fields["field"]) == german


@pytest.mark.parametrize(
    ("rule", "value", "english"),
    [
        ({"type": ["integer", "null"]}, "x", "This has to be of the type integer / null."),
        ({"enum": ["a", "b"]}, "c", "Choose one of the options."),
        ({"maxLength": 2}, "abc", "Enter at most 2 characters."),
        ({"uniqueItems": True}, [1, 1], "This does not keep the rule uniqueItems of the tool's schema."),
    ],
)
def test_an_argument_that_does_not_fit_is_told_in_words(
    rule: dict[str, object], value: object, english: str
) -> None:
    assert argument_errors({"properties": {"value": rule}}, {"value": value}) == {"value": english}
