"""A result on the page: what the server wrote, once, with what is left out named."""

from typing import Any

import pytest
from playwright.async_api import Page

SHOW = """
async (text) => {
  const {resultView} = await import("/static/js/tools/result.js");
  const {readExact} = await import("/static/js/protocol/exact.js");
  const shown = resultView(readExact(text, new Set(["structured"])));
  return shown === null ? [] : [...shown.children].map((child) => child.textContent);
}
"""


@pytest.mark.parametrize(
    ("content", "structured", "shown"),
    [
        ('[{"type": "text", "text": "hello"}]', '{"count": 3}', ["hello", "count3"]),
        ('[{"type": "text", "text": "{\\"error\\": 7}"}]', '{"count": 3}', ['{"error": 7}', "count3"]),
        ('[{"type": "text", "text": "{\\"b\\": 2, \\"a\\": 1}"}]', '{"a": 1, "b": 2}', ["a1b2"]),
        ('[{"type": "text", "text": "{\\"a\\": 1}"}]', '{"result": [{"a": 1}]}', ["resulta1"]),
        (
            '[{"type": "text", "text": "{\\"id\\": 725653563933458433}"}]',
            '{"id": 725653563933458432}',
            ['{"id": 725653563933458433}', "id725653563933458432"],
        ),
        (
            '[{"type": "unsupported", "mime_type": "audio/wav"}]',
            "null",
            ["Content that cannot be shown here (audio/wav)."],
        ),
        ("[]", "null", []),
    ],
)
async def test_text_is_hidden_only_where_the_structure_says_the_same(
    modules: Page, content: str, structured: str, shown: list[str]
) -> None:
    made: Any = await modules.evaluate(SHOW, f'{{"content": {content}, "structured": {structured}}}')
    assert made == shown


async def test_a_result_that_was_cut_says_so(modules: Page) -> None:
    made: Any = await modules.evaluate(
        SHOW, '{"content": [{"type": "text", "text": "x"}], "truncated": true}'
    )
    assert made == ["x", "The result was too long and is cut here."]
