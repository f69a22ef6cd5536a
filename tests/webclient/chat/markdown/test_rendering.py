"""What models write in Markdown, as HTML that people can read."""

import pytest

from mcpsecurity_webclient.chat.markdown import MarkdownStream, to_html
from mcpsecurity_webclient.languages import speaking

TABLE = "Before.\n\n| date | max |\n|:---|---:|\n| 1 May | 21 |\n\nAfter."

LONG = f"```python\n{'x = 1 ' * 1000}\n```"


def test_code_is_coloured_by_classes_and_names_its_language() -> None:
    html = to_html("```python\nx = 1\n```")
    assert 'class="language-python"' in html
    assert '<span class="hl-n">x</span>' in html
    assert "style" not in html


@pytest.mark.parametrize("text", ["```nonsense\nx = 1\n```", "```\nx = 1\n```", LONG])
def test_code_of_no_known_language_or_too_long_stays_plain(text: str) -> None:
    assert "hl-" not in to_html(text)
    assert "x = 1" in to_html(text)


def test_a_task_says_whether_it_is_done() -> None:
    html = to_html("- [ ] open\n- [x] done")
    assert '<span class="task">☐</span> open' in html
    assert '<span class="task">☑</span> done' in html


def test_columns_keep_their_alignment_without_a_style() -> None:
    html = to_html(TABLE)
    assert '<th class="align-left">date</th>' in html
    assert '<td class="align-right">21</td>' in html
    assert "style" not in html


@pytest.mark.parametrize("text", [r"$\frac{a}{b}$", r"\(\frac{a}{b}\)"])
def test_a_formula_is_mathml_in_its_line(text: str) -> None:
    assert to_html(f"so {text} is") == "<p>so <math><mfrac><mi>a</mi><mi>b</mi></mfrac></math> is</p>\n"


@pytest.mark.parametrize("text", ["$$\nx^2\n$$", "\\[\nx^2\n\\]"])
def test_a_formula_of_its_own_is_a_block(text: str) -> None:
    assert '<math display="block"><msup>' in to_html(text)


def test_prices_are_no_formulas() -> None:
    assert to_html("It costs $5 and then $10.") == "<p>It costs $5 and then $10.</p>\n"


@pytest.mark.parametrize("source", [r"\unknown{x}", r"\frac{a", "x" * 2001, r"\href{javascript:x}{y}"])
def test_a_formula_that_cannot_be_drawn_is_shown_as_written(source: str) -> None:
    assert to_html(f"${source}$") == f"<p><code>{source}</code></p>\n"


def test_a_footnote_leads_to_its_note_and_back() -> None:
    html = to_html("Text[^a].\n\n[^a]: The note.")
    assert '<a href="#note-1"' in html
    assert '<li class="note-1"><p>The note. <a href="#ref-1"' in html


def test_an_image_is_a_link_that_says_what_it_is_in_the_persons_language() -> None:
    text = "![a cat](https://x.example/cat.png)"
    assert '<a href="https://x.example/cat.png"' in to_html(text)
    assert ">Image: a cat</a>" in to_html(text)
    with speaking("de"):
        assert ">Bild: a cat</a>" in to_html(text)


@pytest.mark.parametrize("size", [1, 3, 7])
def test_a_table_that_arrives_in_pieces_never_shows_its_bars(size: int) -> None:
    stream = MarkdownStream()
    for start in range(0, len(TABLE), size):
        piece = stream.add(TABLE[start : start + size])
        assert "|" not in piece.html + piece.stable
    assert "<td" in stream.stable_html
    assert "After." in piece.html


def test_a_line_that_turns_out_to_be_no_table_is_shown() -> None:
    stream = MarkdownStream()
    stream.add("| is a bar\n")
    assert "| is a bar" in stream.add("and text").html
