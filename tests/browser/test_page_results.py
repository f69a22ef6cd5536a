"""A result on the page: what the server wrote, once, with what is left out named."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

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
        (
            '[{"type": "text", "text": "{\\"a\\": 1}"}]',
            '{"result": [{"a": 1}]}',
            ["Result of lista11 rowDownload as CSV"],
        ),
        ('[{"type": "text", "text": "# One\\ntwo"}]', '{"result": "# One\\ntwo"}', ["# One\ntwo"]),
        (
            '[{"type": "text", "text": "a"}, {"type": "text", "text": "2"}]',
            '{"result": ["a", 2]}',
            ["a, 2"],
        ),
        ('[{"type": "text", "text": "red"}]', '{"colour": "red"}', ["colourred"]),
        ('[{"type": "text", "text": "red"}]', '{"colour": "blue"}', ["red", "colourblue"]),
        (
            '[{"type": "text", "text": "{\\"id\\": 725653563933458433}"}]',
            '{"id": 725653563933458432}',
            ['{"id": 725653563933458433}', "id725653563933458432"],
        ),
        (
            "[]",
            '{"price": 1.10, "heat": 21.0, "rate": 0.12345678901234567890}',
            ["price1.10heat21rate0.12345678901234567890"],
        ),
        (
            '[{"type": "unsupported", "mime_type": "audio/wav"}]',
            "null",
            ["Content that cannot be shown here (audio/wav)."],
        ),
        (
            '[{"type": "resource", "uri": "a://b", "mime_type": "video/mp4", "size": 4500000}]',
            "null",
            ["a://b · video/mp4 Too large to be shown here (video/mp4, 4.5 MB)."],
        ),
        ('[{"type": "text", "text": "It is over."}]', '{"result": "It is over."}', ["It is over."]),
        ("[]", "null", []),
    ],
)
async def test_text_is_hidden_only_where_the_structure_says_the_same(
    modules: Page, content: str, structured: str, shown: list[str]
) -> None:
    made: Any = await modules.evaluate(
        SHOW, f'{{"tool": "list", "content": {content}, "structured": {structured}}}'
    )
    assert made == shown


RECORDS = """
async (count) => {
  const {Records} = await import("/static/js/tools/records.js");
  const {toCsv} = await import("/static/js/tools/csv.js");
  const record = (_, index) => ({number: (index * 7) % count, name: `n${index}`});
  const records = Array.from({length: count}, record);
  records[0].name = "=cmd()";
  const shown = new Records(records, "Numbers", (value) => document.createTextNode(String(value)));
  document.body.replaceChildren(shown.element);
  return toCsv(["number", "name"], [...records.slice(0, 2), {number: null, name: 'a "b", c'}]);
}
"""


async def test_every_row_is_in_reach_and_any_column_sorts(modules: Page) -> None:
    await modules.evaluate(RECORDS, 100)
    table = modules.get_by_role("table", name="Numbers")
    await expect(table.locator("tbody tr")).to_have_count(20)
    await modules.get_by_role("button", name="Show 80 more rows").click()
    await expect(table.locator("tbody tr")).to_have_count(100)
    await modules.get_by_role("button", name="number").click()
    await expect(table.get_by_role("columnheader").first).to_have_attribute("aria-sort", "ascending")
    assert await table.locator("tbody td:first-child").all_inner_texts() == [str(n) for n in range(100)]
    await modules.get_by_role("button", name="number").click()
    await expect(table.locator("tbody td").first).to_have_text("99")


async def test_a_table_is_kept_as_csv_without_formulas(modules: Page) -> None:
    written = await modules.evaluate(RECORDS, 100)
    assert written == 'number,name\r\n0,\'=cmd()\r\n7,n1\r\n,"a ""b"", c"\r\n'
    async with modules.expect_download() as kept:
        await modules.get_by_role("button", name="Download as CSV").click()
    assert (await kept.value).suggested_filename == "Numbers.csv"


async def test_a_result_that_was_cut_says_so(modules: Page) -> None:
    made: Any = await modules.evaluate(
        SHOW, '{"content": [{"type": "text", "text": "x"}], "truncated": true}'
    )
    assert made == ["x", "The result was too long and is cut here."]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('[{"type": "text", "text": "{\\"a\\": 1}"}]', []),
        ('[{"type": "text", "text": "{\\"a\\":"}]', ["cut"]),
    ],
)
async def test_a_result_whose_data_are_whole_is_not_called_cut(
    modules: Page, content: str, said: list[str]
) -> None:
    call = (
        '{"tool": "list", "truncated": true, "content": %s, "structured": {"result": [{"a": 1}, {"a": 2}]}}'
    )
    shown: list[str] = await modules.evaluate(SHOW, call % content)
    assert [word for word in ("cut",) if any(word in part for part in shown)] == said


async def test_a_picture_that_is_too_large_is_named_in_its_place_without_unfolding(modules: Page) -> None:
    found = await modules.evaluate("""
    async () => {
      const {imagesView, resultView} = await import("/static/js/tools/result.js");
      const huge = {type: "unsupported", mime_type: "image/png", size: 8_401_234};
      const call = {tool: "paint", content: [huge, {type: "image", mime_type: "image/png", data: "eA=="}]};
      return [imagesView(call).map((element) => element.textContent || element.alt), resultView(call)];
    }
    """)
    assert found == [["Too large to be shown here (image/png, 8.4 MB).", "Image 2 from paint"], None]
