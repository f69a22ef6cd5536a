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

SIZES = {"note": 13, "control": 15, "text": 17, "heading": 22, "display": 32}
"""The sizes of type, in pixels of a browser whose own is 16."""

PERSONS = {
    *("html", "a", "a:hover", ".skip"),
    *(".button.primary", ".button.primary:hover", ".button.link", ".button.link:hover"),
    *(".composer:focus-within", ".example:hover", '.marks [aria-pressed="true"]'),
    *('.tools-list [role="switch"]:checked',),
}
"""Where the brand's colour is: what the person presses, writes in, or has chosen."""


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
    declared = (
        r"(?<![\w-])((?:padding|margin|(?:\w+-)?gap|font(?:-size)?|border[\w-]*-radius)[\w-]*: )([^;{}]+)"
    )
    length = re.compile(r"(?<![\w.-])-?[\d.]+(?:rem|px)\b")
    hairlines = {"0px", "1px", "2px", "-1px"}
    found = [
        f"{path.name}: {name}{value.strip()}"
        for path in sorted(BASE.parent.glob("*.css"))
        for name, value in re.findall(declared, path.read_text("utf-8"))
        if set(length.findall(value)) - hairlines
    ]
    assert found == []


def test_type_has_the_five_sizes_of_the_scale() -> None:
    sheets = "".join(path.read_text("utf-8") for path in BASE.parent.glob("*.css"))
    sizes = {name: 16 * float(rem) for name, rem in re.findall(r"--type-(\w+): ([\d.]+)rem", sheets)}
    assert sizes == SIZES
    explained = re.findall(r"`--type-(\w+)` \| (\d+) px", (ROOT / "docs/design-system.md").read_text("utf-8"))
    assert {name: int(size) for name, size in explained} == SIZES
    drawn = "".join(path.read_text("utf-8") for path in (BASE.parent.parent / "js").rglob("*.js"))
    assert re.findall(r"font-?size", drawn, re.IGNORECASE) == []


def test_the_sign_in_page_of_the_local_cloud_has_the_values_of_the_design_system() -> None:
    declared = r"^ +(--[\w-]+): (.+);$"
    base = dict(re.findall(declared, BASE.read_text("utf-8").partition("@media")[0], re.MULTILINE))
    page = (ROOT / "shared/mcpsecurity/localcloud/entra/pages/style.css").read_text("utf-8")
    named = dict(re.findall(declared, page, re.MULTILINE))
    assert len(named) > 20
    assert {name: value for name, value in named.items() if base[name] != value} == {}
    assert set(re.findall(r"var\((--[\w-]+)\)", page)) == set(named)


def test_every_name_is_used() -> None:
    sheets = "".join(path.read_text("utf-8") for path in BASE.parent.glob("*.css"))
    defined = set(re.findall(r"^\s+(--[\w-]+):", sheets, re.MULTILINE))
    assert defined - set(re.findall(r"var\((--[\w-]+)[,)]", sheets)) == set()


def test_the_brands_colour_is_for_what_the_person_does() -> None:
    found = {selector for selector, body in _rules() if re.search(r"var\(--(?:accent|tint)\b", body)}
    assert found == PERSONS


def test_changes_of_state_take_the_time_of_a_name_and_colours_have_one() -> None:
    bodies = [body for _, body in _rules()]
    transitions = [t for body in bodies for t in re.findall(r"transition: ([^;}]+)", body) if "none" not in t]
    assert len(transitions) >= 5
    assert [t for t in transitions if not re.fullmatch(r"([\w-]+ var\(--motion(-fast)?\)(, )?)+", t)] == []
    values = [body for body in bodies if re.search(r"#[0-9a-f]{6}\b|rgb\(", body)]
    assert [body for body in values if not re.match(r"\s*(color-scheme|--)", body)] == []


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_what_is_read_has_the_contrast_of_aaa(scheme: int) -> None:
    colours = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", BASE.read_text("utf-8"))
    named = {name: both[scheme] for name, *both in colours}
    pairs = [(front, back) for fronts, backs in READ for front in fronts for back in backs]
    assert len(pairs) > 30
    assert [pair for pair in pairs if _contrast(*(named[name] for name in pair)) < AAA] == []


def _rules() -> list[tuple[str, str]]:
    """Return selectors and declarations of all style sheets, those within a media query, too."""
    sheets = "".join(path.read_text("utf-8") for path in sorted(BASE.parent.glob("*.css")))
    plain = re.sub(r"/\*.*?\*/", "", sheets, flags=re.DOTALL)
    return [
        (" ".join(selector.split()), body) for selector, body in re.findall(r"([^{};]+)\{([^{}]*)\}", plain)
    ]


def _contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two colours, #rrggbb, as WCAG defines it."""
    darker, lighter = sorted(map(_luminance, (first, second)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
