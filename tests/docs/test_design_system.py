"""The page about the design system names each custom property of the base style sheet and no other; the style
sheets keep to its scale, and its colours to AAA."""

import re
from typing import Final

import pytest
from tests.support.installed import ROOT

BASE = ROOT / "webclient/mcpsecurity_webclient/static/css/base.css"
AAA = 7.0
SHEETS = ("page", "surface", "raised", "sunken")
READ: Final = (
    (("text", "muted"), (*SHEETS, "hover", "bubble", "selected", "tint", "changes-tint", "destroys-tint")),
    (("accent",), (*SHEETS, "tint")),
    (("changes-text",), (*SHEETS, "hover", "changes-tint")),
    (("destroys-text",), (*SHEETS, "hover", "destroys-tint")),
    (("on-accent",), ("accent", "accent-hover")),
    (("on-destroys",), ("destroys",)),
)
"""Colours of text, and what they stand on."""

LITERALS = [
    "chart.css: font-size: 11px",
]
"""Lengths that are not of the scale. The list may only become shorter."""


def test_every_name_is_explained() -> None:
    light = BASE.read_text("utf-8").partition("@media")[0]
    defined = set(re.findall(r"^\s+(--[\w-]+):", light, re.MULTILINE))
    explained = set(re.findall(r"`(--[\w-]+)`", (ROOT / "docs/design-system.md").read_text("utf-8")))
    assert explained == defined


def test_every_name_that_a_style_sheet_uses_is_defined() -> None:
    sheets = "".join(path.read_text("utf-8") for path in BASE.parent.glob("*.css"))
    used = set(re.findall(r"var\((--[\w-]+)\)", sheets))  # one with a fallback is set by a script
    assert used <= set(re.findall(r"(--[\w-]+):", sheets))


def test_distances_corners_and_sizes_of_type_are_those_of_the_scale() -> None:
    declared = r"(?<![\w-])((?:padding|margin|(?:\w+-)?gap|font-size|border[\w-]*-radius)[\w-]*: )([^;{}]+)"
    length = re.compile(r"(?<![\w.-])-?[\d.]+(?:rem|px)\b")
    hairlines = {"0px", "1px", "2px", "-1px"}
    found = [
        f"{path.name}: {name}{value.strip()}"
        for path in sorted(BASE.parent.glob("*.css"))
        for name, value in re.findall(declared, path.read_text("utf-8"))
        if set(length.findall(value)) - hairlines
    ]
    assert sorted(found) == LITERALS


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_what_is_read_has_the_contrast_of_aaa(scheme: int) -> None:
    colours = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", BASE.read_text("utf-8"))
    named = {name: both[scheme] for name, *both in colours}
    pairs = [(front, back) for fronts, backs in READ for front in fronts for back in backs]
    assert len(pairs) > 30
    assert [pair for pair in pairs if _contrast(*(named[name] for name in pair)) < AAA] == []


def _contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two colours, #rrggbb, as WCAG defines it."""
    darker, lighter = sorted(map(_luminance, (first, second)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
