"""Formulas in brackets, tasks, and addresses."""

import time

import pytest

from mcpsecurity_webclient.chat.markdown import to_html

SQUARE = "<msup><mi>x</mi><mn>2</mn></msup>"


def test_words_around_a_formula_stay() -> None:
    html = to_html(r"\[x^2\] is a square, \[x^2\] and \(x^2\) too.")
    assert html.count(SQUARE) == 3
    assert "is a square," in html
    assert html.rstrip().endswith("too.</p>")


def test_a_formula_under_its_sentence_is_a_block() -> None:
    html = to_html("So:\n\\[\nx^2\n\\]\nThat is all.")
    assert html.startswith("<p>So:</p>\n<math")
    assert SQUARE in html
    assert "<p>That is all.</p>" in html


@pytest.mark.parametrize(
    "text", [r"\(x^2", r"\[x^2", r"\[]", r"\()", "\\[\n\nx", "    \\[x^2\\]", "`\\(x^2\\)`"]
)
def test_what_is_no_formula_stays_text(text: str) -> None:
    assert "<math" not in to_html(text)


def test_a_formula_ends_with_its_quotation_or_list() -> None:
    assert "<math" not in to_html("> \\[x\n\n\\]")
    assert "<math" in to_html("> \\[\n> x^2\n> \\]")
    assert "<math" in to_html("- \\[\n  x^2\n  \\]\n- b")


@pytest.mark.parametrize("text", ["- [] a", "- [y] a", "- a [x] b", "[x] a", "- [x]a"])
def test_what_is_no_task_has_no_box(text: str) -> None:
    assert "task" not in to_html(text)


def test_a_task_may_have_marks_and_be_inside_another() -> None:
    html = to_html("1. [X] **a**\n   - [ ] `b`")
    assert '<span class="task">☑</span> <strong>a</strong>' in html
    assert '<span class="task">☐</span> <code>b</code>' in html


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    ["- [ ] a\n" * 16_000, r"\(a" * 60_000, "\\[a\n" * 30_000 + "\\] x", "> \\[a\n" * 30_000],
    ids=["tasks", "open formulas", "blocks", "quoted"],
)
def test_a_long_text_is_not_rendered_for_minutes(text: str) -> None:
    begun = time.process_time()
    to_html(text)
    assert time.process_time() - begun < 15


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("See https://example.com/a_b_c?x=1&y=2.", "https://example.com/a_b_c?x=1&y=2"),
        ("(https://example.com/a_(b))", "https://example.com/a_(b)"),
        ("**https://example.com**", "https://example.com"),
        ("| a |\n|---|\n| HTTP://example.com/x, |", "HTTP://example.com/x"),
        ("- « https://example.com/é »", "https://example.com/é"),
    ],
)
def test_an_address_that_is_written_as_it_is_is_a_link_without_what_follows_it(
    text: str, address: str
) -> None:
    html = to_html(text)
    assert f'">{address.replace("&", "&amp;")}</a>' in html
    assert html.count("<a ") == 1


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("`https://example.com`", 0),
        ("```\nhttps://example.com\n```", 0),
        ("[https://one.example](https://two.example)", 1),
        ("<https://example.com>", 1),
        ("https://. and javascript://x and xhttps://y", 0),
        ("https://one.example, https://two.example", 2),
    ],
)
def test_addresses_in_code_and_in_links_are_left_as_they_are(text: str, links: int) -> None:
    assert to_html(text).count("<a ") == links


def test_a_long_text_of_addresses_takes_no_time() -> None:
    begun = time.process_time()
    to_html(("https://example.com/" + ")" * 1900 + " ") * 50)
    assert time.process_time() - begun < 2
