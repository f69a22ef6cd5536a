"""What comes from models, tools and servers, made safe and small: Markdown, results, JSON."""

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp import types

from mcpsecurity_webclient.chat.markdown import MarkdownStream, to_html
from mcpsecurity_webclient.chat.strict_json import read_json, to_json
from mcpsecurity_webclient.chat.tools.results import content_json, shown_parts, structured_json

MATH = {
    "math", "menclose", "merror", "mfrac", "mi", "mmultiscripts", "mn", "mo", "mover", "mpadded", "mphantom",
    "mprescripts", "mroot", "mrow", "ms", "mspace", "msqrt", "mstyle", "msub", "msubsup", "msup", "mtable",
    "mtd", "mtext", "mtr", "munder", "munderover",
}  # fmt: skip
CLASSES = re.compile(
    r"language-[\w+#.-]+|align-(left|center|right)|task|hl-\w{1,3}|notes|note-\d+|note-mark ref-\d+"
)
ALLOWED = MATH | {
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p",
    "pre", "s", "section", "span", "strong", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
BITS = [
    "<script>", "</script>", "<img src=x onerror=y>", "[a](javascript:x)", "[a](https://a.example)", "```",
    "<svg/onload=x>", "`", "**", "- ", "1. ", "\n", "\n\n", "|", "---", "<a href='data:x'>", "&lt;", "> ",
    "text", "![i](http://x.example)", "$", "$$", "\\(", "\\)", "\\frac{a}{b}",
    "\\text{<img>}", "[^1]", "[^1]: x",
    "\\href{javascript:x}{y}", "- [x] ", "```python\n", "|:-:|",
    "<!--", "[x]: javascript:y", "\x00", "\u202e",
]  # fmt: skip


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def _check(html: str) -> None:
    tags = _Tags()
    tags.feed(html)
    for tag, attributes in tags.seen:
        assert tag in ALLOWED
        assert tag in MATH or attributes.keys() <= {"href", "title", "rel", "class", "start"}
        assert not attributes.keys() & {"style", "id", "onclick", "onload", "href" if tag in MATH else ""}
        href = attributes.get("href")
        assert href is None or href.startswith(("http:", "https:", "mailto:", "#note-", "#ref-"))
        assert tag != "a" or "noopener" in str(attributes.get("rel"))
        assert CLASSES.fullmatch(attributes.get("class") or "task")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(BITS), st.text(max_size=20)), max_size=30))
def test_no_text_becomes_html_beyond_the_allowed(pieces: list[str]) -> None:
    stream = MarkdownStream()
    for piece in pieces:
        rendered = stream.add(piece)
        _check(rendered.stable)
        _check(rendered.html)
    _check(to_html("".join(pieces)))


@pytest.mark.parametrize("language", ["python", 'x" onclick="y', "a b", "c++"])
def test_only_plain_names_of_languages_are_kept(language: str) -> None:
    _check(to_html(f"```{language}\nx\n```"))
    assert ("language-python" in to_html(f"```{language}\nx\n```")) == (language == "python")


def _result(*blocks: Any, structured: Any = None) -> types.CallToolResult:
    return types.CallToolResult(content=list(blocks), structuredContent=structured)


def _text(text: str) -> types.TextContent:
    return types.TextContent(type="text", text=text)


def test_a_long_result_is_cut_and_says_so() -> None:
    parts, truncated = content_json(_result(_text("x" * 90_000), _text("y" * 90_000)))
    assert truncated
    assert [len(part["text"]) for part in parts] == [90_000, 10_000]
    parts, truncated = content_json(_result(*(_text("x") for _ in range(51))))
    assert (len(parts), truncated) == (50, True)
    assert content_json(_result(_text("x"))) == ([{"type": "text", "text": "x"}], False)


def test_structured_results_too_large_to_show_are_left_out() -> None:
    assert structured_json(_result(structured={"a": "x" * 300_000})) is None
    assert structured_json(_result(structured={"a": 1})) == {"a": 1}
    assert structured_json(_result()) is None


def test_structured_results_too_large_to_show_begin_as_text() -> None:
    parts, truncated = content_json(_result(structured={"a": "x" * 300_000}))
    assert (len(parts[0]["text"]), parts[0]["text"][:8], truncated) == (100_000, '{"a": "x', True)
    parts, truncated = content_json(_result(_text("three rows"), structured={"a": "x" * 300_000}))
    assert (parts, truncated) == ([{"type": "text", "text": "three rows"}], True)
    assert content_json(_result(structured={"a": 1})) == ([], False)


def test_only_what_the_page_shows_counts_as_shown() -> None:
    def image(data: str = "eA==", kind: str = "image/png") -> types.ImageContent:
        return types.ImageContent(type="image", data=data, mimeType=kind)

    sound = types.AudioContent(type="audio", data="eA==", mimeType="audio/wav")
    made = _result(image(), image(kind="image/svg+xml"), image("?"), sound, image("A" * 5_000_000))
    assert shown_parts(made) == made.content[:1]
    made = _result(*(_text("x") for _ in range(50)), image())
    assert shown_parts(made) == []


def test_every_kind_of_part_is_shown_or_named() -> None:
    text = types.TextResourceContents.model_validate({"uri": "a://b", "text": "t"})
    blob = types.BlobResourceContents.model_validate({"uri": "a://c", "blob": "eA==", "mimeType": "x/y"})
    link = types.ResourceLink.model_validate({"type": "resource_link", "uri": "a://d", "name": "d"})
    parts, _ = content_json(
        _result(
            types.ImageContent(type="image", data="eA==", mimeType="image/png"),
            types.ImageContent(type="image", data="eA==", mimeType="image/svg+xml"),
            types.AudioContent(type="audio", data="eA==", mimeType="audio/wav"),
            types.EmbeddedResource(type="resource", resource=text),
            types.EmbeddedResource(type="resource", resource=blob),
            link,
        )
    )
    assert [part["type"] for part in parts] == [
        "image", "unsupported", "audio", "resource", "resource", "link",
    ]  # fmt: skip
    assert (parts[3]["mime_type"], parts[3]["text"]) == ("text/plain", "t")
    assert ("text" in parts[4], parts[4]["data"]) == (False, "eA==")


def test_of_what_is_too_large_to_be_shown_the_size_is_told() -> None:
    data = "A" * 6_000_000
    blob = types.BlobResourceContents.model_validate({"uri": "a://b", "blob": data})
    parts, _ = content_json(
        _result(
            types.ImageContent(type="image", data=data, mimeType="image/png"),
            types.AudioContent(type="audio", data=data, mimeType="audio/wav"),
            types.EmbeddedResource(type="resource", resource=blob),
            types.ImageContent(type="image", data="eA==", mimeType="image/svg+xml"),
        )
    )
    assert [part.get("size") for part in parts] == [4_500_000, 4_500_000, 4_500_000, None]
    assert not any("data" in part for part in parts)


@pytest.mark.parametrize(
    "value",
    [
        {"a": float("nan")},
        {"a": float("inf"), "b": 2**80},
        {"a": "\ud800"},
        {1: "x"},
        {"a": object},
        ["é", None],
    ],
)
def test_every_payload_is_json_that_a_browser_reads(value: Any) -> None:
    text = to_json(value)
    assert text.encode()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "[Infinity]",
        '"\\ud800"',
        '"\ud800"',
        "[" * 3000,
        "[" * 300 + "]" * 300,
        "1" * 4301,
        "{",
        "",
        b"\xff",
        b"\xef\xbb\xbf{}",
    ],
)
def test_invalid_json_is_not_read(text: str | bytes) -> None:
    with pytest.raises(json.JSONDecodeError):
        read_json(text)


@pytest.mark.parametrize(
    "text",
    [
        "[12345678901234567890123]",
        "[1e400, -1E+999]",
        "[" + "9" * 4300 + "]",
        '["\\ud83d\\ude00", 0.1, 1.0, null]',
    ],
)
def test_json_is_read_and_written_to_the_last_digit(text: str) -> None:
    assert json.loads(to_json(read_json(text))) == json.loads(text)
    assert read_json(text) == json.loads(text)
