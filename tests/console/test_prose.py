"""A model's Markdown is shown as it is meant, in whole words, block by block."""

import io

import pytest
from rich.console import Console

from mcpsecurity.console.terminal import Prose, rendered

ANSWER = """The weather in **Zurich** is fine, and stays so for the whole of the coming week.

| Day | High |
|---|---|
| Monday | 20 |

```python
first = 1

second = 2
```

Ask [the service](https://example.com/forecast) for `<your city>`.
"""


def shown(text: str, width: int = 40) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(rendered(text))
    output = console.file.getvalue()  # type: ignore[attr-defined] # a StringIO
    return str(output)


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_pieces_of_any_size_give_the_same_blocks(size: int) -> None:
    prose, blocks = Prose(), list[str]()
    for at in range(0, len(ANSWER), size):
        blocks += prose.add(ANSWER[at : at + size])
    blocks.append(prose.rest())
    assert "".join(blocks) == ANSWER
    assert not any(block.count("```") % 2 for block in blocks), "code is one block"
    assert prose.rest() == ""


def test_a_block_is_shown_when_it_is_complete() -> None:
    prose = Prose()
    assert list(prose.add("One\ntwo\n")) == []
    assert list(prose.add("\nThree")) == ["One\ntwo\n\n"]
    assert prose.rest() == "Three"


def test_words_are_kept_whole_in_a_narrow_terminal() -> None:
    text = shown(ANSWER)
    assert all(len(line) <= 40 for line in text.splitlines())
    assert {"coming", "whole", "weather"} <= set(text.split())


def test_marks_become_what_they_mean_and_placeholders_stay() -> None:
    text = shown(ANSWER, 100)
    assert "**" not in text
    assert "```" not in text
    assert "second = 2" in text
    assert "https://example.com/forecast" in text
    assert "<your city>" in text
    assert "Monday" in text


def test_what_moves_the_cursor_is_replaced() -> None:
    assert "\x1b" not in shown("a\x1b[2Jb")
    assert "<b>" in shown("<b>bold</b> <script>x</script>")


@pytest.mark.parametrize(
    "text", ["a &#x202e;b", "[a&#x202e;](https://x.example)", "| a&#x202e; |\n|-|\n| b |", "# &rlm;a"]
)
def test_what_turns_the_reading_direction_is_replaced_when_it_is_written_as_a_number_too(text: str) -> None:
    output = shown(text)
    assert "\ufffd" in output
    assert not {"\u202e", "\u200f"} & set(output)
