"""Estimates of tokens, excerpts, and what a model finds when it looks back."""

import base64

import pytest
from semantic_kernel.contents import (
    AuthorRole,
    ChatMessageContent,
    FunctionCallContent,
    FunctionResultContent,
)

from mcpsecurity.kernel.context.excerpts import LONGEST, excerpt
from mcpsecurity.kernel.context.fitting import exchanges, fitted
from mcpsecurity.kernel.context.look_back import LOOK_BACK, look_back
from mcpsecurity.kernel.context.tokens import tokens_of, tokens_of_turns
from mcpsecurity.kernel.context.turns import leave_out
from mcpsecurity.kernel.model import REASONING, THOUGHT

PROSE = "The harbour master keeps a careful list of ships, and of what each of them carries. " * 50
NOTE = "{left_out} of {whole}, {head}"


def said(role: AuthorRole, text: str) -> ChatMessageContent:
    return ChatMessageContent(role=role, content=text)


def called(call_id: str, result: str) -> list[ChatMessageContent]:
    call = FunctionCallContent(id=call_id, name="odd-fetch", arguments="{}")
    answer = FunctionResultContent(id=call_id, name="odd-fetch", result=result)
    return [
        ChatMessageContent(role=AuthorRole.ASSISTANT, items=[call]),
        ChatMessageContent(role=AuthorRole.TOOL, items=[answer]),
    ]


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("", 0, 0),
        (PROSE, 850, 1_400),  # o200k_base counts 851
        (base64.b64encode(PROSE.encode()).decode(), 3_300, 6_000),
        ("漢字仮名交じり文" * 100, 700, 1_700),
        ('{"id": 123456, "values": [1.25, 2.5]}\n' * 100, 1_700, 3_500),
    ],
    ids=["nothing", "prose", "base64", "CJK", "JSON"],
)
def test_estimates_lie_above_what_tokenizers_count_but_not_far(text: str, least: int, most: int) -> None:
    assert least <= tokens_of(text) <= most


@pytest.mark.parametrize("tokens", [0, 100, 500])
def test_an_excerpt_has_head_and_tail_and_tells_how_much_is_missing(tokens: int) -> None:
    text = f"BEGIN {PROSE} END"
    cut = excerpt(text, tokens, NOTE)
    assert cut.startswith("BEGIN")
    assert cut.endswith("END")
    assert f"of {len(text)}, " in cut
    assert tokens_of(cut) <= max(tokens, 160)


def test_a_short_text_stays_as_it_is_and_no_excerpt_is_longer_than_azure_takes() -> None:
    assert excerpt(PROSE, 2_000, NOTE) is PROSE
    assert len(excerpt(" " * 2 * LONGEST, 10**9, NOTE)) < LONGEST + 100


def test_older_results_are_shortened_first_and_the_question_stays_whole() -> None:
    turns = [
        said(AuthorRole.USER, "Fetch."),
        *called("old", PROSE * 3),
        said(AuthorRole.USER, "And " + PROSE),
        *called("new", PROSE),
    ]
    found = fitted(turns, range(len(turns)), 3, tokens_of_turns(turns) - 900, hard=False)
    assert found is not None
    old, new = found.turns[2].items[0], found.turns[5].items[0]
    assert isinstance(old, FunctionResultContent)
    assert f"call {LOOK_BACK} with the part old" in str(old.result)
    assert new is turns[5].items[0]
    assert found.turns[3] is turns[3]
    assert fitted(turns, range(len(turns)), 3, 900, hard=True) is None, "the question alone is longer"


def test_thoughts_that_are_sent_count_and_older_ones_are_left_out_first() -> None:
    turns = [said(AuthorRole.USER, "Fetch."), *called("old", PROSE), said(AuthorRole.USER, "Again.")]
    turns += called("new", PROSE)
    plain = tokens_of_turns(turns)
    for turn in (turns[1], turns[4]):
        turn.metadata[THOUGHT] = PROSE
    assert tokens_of_turns(turns) == plain + 2 * tokens_of(PROSE)
    found = fitted(turns, range(len(turns)), 3, plain + tokens_of(PROSE), hard=False)
    assert found is not None
    assert [THOUGHT in turn.metadata for turn in found.turns] == [False, False, False, False, True, False]
    assert (found.tokens, found.shortened) == (plain + tokens_of(PROSE), 0)
    assert turns[1].metadata[THOUGHT] == PROSE, "the conversation keeps it"


def test_sealed_thoughts_and_signatures_count() -> None:
    (turn, _), seal = called("a", ""), "c2lnbmVk" * 1_000
    plain = tokens_of_turns([turn])
    turn.metadata[REASONING] = [
        (0, {"type": "reasoning", "encrypted_content": seal}),
        (0, {"reasoning_details": [{"text": PROSE, "signature": seal, "index": 0}]}),
        (1, {"extra_content": {"google": {"thought_signature": seal}}}),
    ]
    counted = tokens_of_turns([turn]) - plain - tokens_of(PROSE)
    assert 3 * len(seal) // 4 <= counted <= 3 * len(seal) // 4 + 20


def test_what_a_person_attached_is_shortened_like_a_result() -> None:
    turns = [said(AuthorRole.USER, PROSE * 9), said(AuthorRole.USER, "What is this about?")]
    found = fitted(turns, (7, 8), 7, 1_500, hard=True)
    assert found is not None
    assert "with the part user-7" in found.turns[0].content
    assert found.turns[1] is turns[1]


def test_messages_of_the_person_begin_exchanges_with_all_that_was_attached() -> None:
    user, assistant = AuthorRole.USER, AuthorRole.ASSISTANT
    turns = [said(role, "x") for role in (AuthorRole.SYSTEM, user, user, assistant, user, user)]
    leave_out(turns[4:5])
    assert exchanges(turns) == [1, 4, 5]


def test_a_model_finds_words_anywhere_and_reads_on_from_a_place() -> None:
    turns = [
        said(AuthorRole.SYSTEM, "The secret is QX71."),
        said(AuthorRole.USER, "My boat is the Albatros."),
        *called("c1", PROSE + "The depth marker is 4419. " + PROSE),
        said(AuthorRole.ASSISTANT, "Noted."),
    ]
    found = look_back(turns, {"find": "depth marker"}, 3_000)
    assert found.startswith("c1, from character")
    assert "4419" in found
    assert "Albatros" in look_back(turns, {"find": "ALBATROS boat"}, 3_000)
    assert look_back(turns, {"find": "QX71"}, 3_000) == "Nothing has these words.", "not the system message"
    page = look_back(turns, {"part": "c1", "offset": 4_200}, 100)
    assert page.startswith(f"c1, characters 4200 to 4300 of {2 * len(PROSE) + 26}:")
    assert page.endswith((PROSE + "The depth marker is 4419. " + PROSE)[4_200:4_300])


def test_a_model_that_looks_for_far_too_much_gets_what_its_first_words_find() -> None:
    turns = called("c1", PROSE + "The Straße marker is 4419. " + PROSE)
    many = " ".join(f"word{number}" for number in range(100_000))
    assert look_back(turns, {"find": f"{many} marker"}, 3_000) == "Nothing has these words."
    assert "4419" in look_back(turns, {"find": f"Straße {many}"}, 3_000)
    assert "4419" in look_back(turns, {"find": "MARKER " * 100_000}, 3_000)
    whole = len(PROSE) * 2 + 27
    told = look_back(turns, {"part": "c1", "offset": 10**5000}, 100)
    assert told == f"c1, characters {whole} to {whole} of {whole}:\n"


@pytest.mark.parametrize(
    "arguments", [{}, {"find": 3}, {"part": "nowhere"}, {"part": ["c1"]}, {"find": " ", "offset": -1}]
)
def test_what_makes_no_sense_is_told_so(arguments: dict[str, object]) -> None:
    assert len(look_back(called("c1", PROSE), arguments, 500)) < 120
