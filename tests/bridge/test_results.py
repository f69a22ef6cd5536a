"""What a model reads of a result, and what a person sees."""

import base64
from typing import Any

import pytest
from mcp import types

from mcpsecurity.bridge import ToolText, result_text


def result(
    *content: Any, structured: dict[str, Any] | None = None, failed: bool = False
) -> types.CallToolResult:
    """Return a result; strings are parts of text."""
    parts = [types.TextContent(type="text", text=part) if isinstance(part, str) else part for part in content]
    return types.CallToolResult(content=parts, structuredContent=structured, isError=failed)


def image(data: str) -> types.ImageContent:
    """Return a part with an image."""
    return types.ImageContent(type="image", data=data, mimeType="image/png")


@pytest.mark.parametrize(
    ("made", "read"),
    [
        (result("the answer", structured={}), "the answer"),
        (result("the answer", structured={"count": 3}), "the answer"),
        (result(structured={"total": 36}), '{"total": 36}'),
        (result(" ", structured={"total": 36}), '{"total": 36}'),
        (result('{ "total":36}', structured={"total": 36}), '{"total": 36}'),
        (result("a", "b", structured={"result": ["a", "b"]}), '{"result": ["a", "b"]}'),
        (result("no such order", structured={"code": 7}, failed=True), "no such order"),
        (result(structured={"code": 7}, failed=True), '{"code": 7}'),
    ],
)
def test_the_text_comes_before_the_structured_content(made: types.CallToolResult, read: str) -> None:
    assert result_text(made) == read


def test_base64_is_not_for_a_model() -> None:
    data = base64.b64encode(bytes(range(256)) * 20).decode()
    text = result_text(
        result(image(data), structured={"image": data, "list": [f"data:image/png;base64,{data}"]})
    )
    assert data[:40] not in text
    assert "binary data of" in text
    assert "shown to the person" in text


def test_an_image_that_cannot_be_read_is_skipped_and_not_claimed_to_be_shown() -> None:
    text = ToolText.of(result(image("data:image/png;base64,AAAA"), image("AAAA")))
    assert [found.data for found in text.images] == [b"\0\0\0"]
    assert text.splitlines() == [
        "[image of type image/png, which cannot be read]",
        "[image of type image/png, shown to the person]",
    ]


def test_a_long_result_keeps_its_beginning_and_end() -> None:
    text = result_text(result("begin" + "x" * 200 + "end"), limit=40)
    assert text.startswith("begin")
    assert text.endswith("end")
    assert "168 of 208 characters left out" in text
    assert len(result_text(result("x" * 1_500_000))) < 100_100
