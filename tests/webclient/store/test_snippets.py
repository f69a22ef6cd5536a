"""The text around what a search found."""

import json

from mcpsecurity_webclient.store.sql import snippet_of


def body(text: str) -> str:
    return json.dumps({"text": text})


def test_the_words_around_the_place_are_shown_on_one_line() -> None:
    text = f"{'before ' * 20}the NEEDLE\nis here {'after ' * 30}"
    snippet = snippet_of(body(text), "needle")
    assert snippet.startswith("…")
    assert snippet.endswith("…")
    assert "the NEEDLE is here" in snippet
    assert len(snippet) <= 122


def test_a_short_message_is_shown_whole() -> None:
    assert snippet_of(body("a needle"), "NEEDLE") == "a needle"


def test_without_a_message_there_is_nothing() -> None:
    assert snippet_of(None, "needle") == ""
