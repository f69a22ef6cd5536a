"""What a model reads of a result, and what a person sees."""

import base64
import json
from typing import Any

import pytest
from mcp import types

from mcpsecurity.client import ToolText, result_text
from mcpsecurity.client.results import pictures


def result(
    *content: Any, structured: dict[str, Any] | None = None, failed: bool = False
) -> types.CallToolResult:
    """Return a result; strings are parts of text."""
    parts = [types.TextContent(type="text", text=part) if isinstance(part, str) else part for part in content]
    return types.CallToolResult(content=parts, structuredContent=structured, isError=failed)


def image(data: str) -> types.ImageContent:
    """Return a part with an image."""
    return types.ImageContent(type="image", data=data, mimeType="image/png")


LINK = types.ResourceLink.model_validate({"type": "resource_link", "uri": "file:///a", "name": "a"})


@pytest.mark.parametrize(
    ("made", "read"),
    [
        (result("the answer", structured={}), "the answer"),
        (result("the answer", structured={"count": 3}), "the answer"),
        (result(structured={"total": 36}), '{"total": 36}'),
        (result(" ", structured={"total": 36}), '{"total": 36}'),
        (result('{ "total":36}', structured={"total": 36}), '{"total": 36}'),
        (result("a", "b", structured={"result": ["a", "b"]}), '{"result": ["a", "b"]}'),
        (result("# One\ntwo", structured={"result": "# One\ntwo"}), "# One\ntwo"),
        (result("one", "two", structured={"result": "one\ntwo"}), "one\ntwo"),
        (result("red", structured={"colour": "red"}), '{"colour": "red"}'),
        (result("no such order", structured={"code": 7}, failed=True), "no such order"),
        (result(structured={"code": 7}, failed=True), '{"code": 7}'),
        (result(failed=True), "[The tool failed and gave no reason.]"),
        (
            result(json.dumps({"image": "A" * 400, "n": 1})),
            '{"image": "[binary data of 400 characters, left out]", "n": 1}',
        ),
        (result(LINK, structured={"total": 36}), '{"total": 36}\n[link to file:///a: a]'),
        (
            result(f"![a](data:image/png;base64,{'A' * 100})"),
            "![a]([binary data of 122 characters, left out])",
        ),
        (result(""), ""),
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
    assert "[image of type image/png, which the model cannot see]" in text


def test_an_image_is_said_to_be_shown_only_if_the_person_sees_it() -> None:
    made = result(image("data:image/png;base64,AAAA"), image("AAAA"), image("AAAA"))
    text = ToolText.of(made, made.content[:2])
    assert [found.data for found in text.images] == [b"\0\0\0"] * 2
    assert text.splitlines() == [
        "[image of type image/png, which cannot be read]",
        "[image of type image/png, shown to the person]",
        "[image of type image/png, which the model cannot see]",
    ]


def test_a_notebook_shows_images_of_the_usual_types() -> None:
    vector = types.ImageContent(type="image", data="AAAA", mimeType="image/svg+xml")
    made = result("a", image("?"), image("AAAA"), vector)
    assert pictures(made) == [made.content[2]]


def test_what_a_model_cannot_see_is_named() -> None:
    sound = types.AudioContent(type="audio", data="AAAA", mimeType="audio/wav")
    blob = types.BlobResourceContents.model_validate({"uri": "file:///a", "blob": "AAAA"})
    assert result_text(result(sound, types.EmbeddedResource(type="resource", resource=blob))).split("\n") == [
        "[audio of type audio/wav, which the model cannot see]",
        "[resource file:///a]",
        "[resource of type unknown, which the model cannot see]",
    ]


def test_a_long_result_keeps_its_beginning_and_end() -> None:
    text = result_text(result("begin" + "x" * 200 + "end"), limit=40)
    assert text.startswith("begin")
    assert text.endswith("end")
    assert "168 of 208 characters left out" in text
    assert len(result_text(result("x" * 1_500_000))) < 100_100
