"""What the model reads before the result of a call whose arguments the person changed."""

from mcpsecurity.approval import edited_note, without_edited_note


def test_the_note_names_the_arguments_and_can_be_taken_off_again() -> None:
    arguments = '{"text":"it was made with {}.","n":1}'
    assert without_edited_note(edited_note(arguments) + "41\n42") == (arguments, "41\n42")
    assert without_edited_note("41\nThe person changed the arguments of this call") == (
        None,
        "41\nThe person changed the arguments of this call",
    )


def test_very_long_arguments_are_not_repeated() -> None:
    note = edited_note('{"text":"' + "x" * 5000 + '"}')
    assert len(note) < 200
    assert "too long to repeat" in note
    assert without_edited_note(note + "41") == (None, note + "41")
