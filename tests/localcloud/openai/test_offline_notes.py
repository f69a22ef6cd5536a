"""The offline model writes notes of conversations in as many words as it may."""

from typing import Any

from mcpsecurity.localcloud.openai.offline.reply import note_of


def _asked(told: str, words: int = 60) -> list[dict[str, Any]]:
    task = f"Write a note of a conversation between a person and an assistant. At most {words} words. Go."
    parts = [{"type": "text", "text": told}]
    return [{"role": "system", "content": task}, {"role": "user", "content": parts}]


def test_a_note_has_what_was_said_and_replaces_the_one_before() -> None:
    first = note_of(
        _asked("The note so far:\n(none)\n\nWhat followed:\nThe person said: Hello\nA tool answered: 4")
    )
    assert first == "Asked: Hello"
    second = note_of(_asked(f"The note so far:\n{first}\n\nWhat followed:\nThe assistant said: Good day."))
    assert second == "Asked: Hello\nAnswered: Good day."


def test_when_it_may_not_be_longer_the_first_and_the_latest_stay() -> None:
    lines = "\n".join(f"The person said: number {number}" for number in range(30))
    note = str(note_of(_asked(lines, words=9)))
    assert note.splitlines() == ["Asked: number 0", "Asked: number 28", "Asked: number 29"]


def test_a_person_who_asks_for_a_note_gets_an_answer_as_before() -> None:
    assert note_of([{"role": "user", "content": "Write a note of a conversation. At most 9 words"}]) is None
    assert (
        note_of([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "A note"}]) is None
    )
    assert note_of([]) is None
