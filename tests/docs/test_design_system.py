"""The page about the design system names each custom property of the base style sheet, and no other."""

import re

from tests.support.installed import ROOT

BASE = ROOT / "webclient/mcpsecurity_webclient/static/css/base.css"


def test_every_name_is_explained() -> None:
    light = BASE.read_text("utf-8").partition("@media")[0]
    defined = set(re.findall(r"^\s+(--[\w-]+):", light, re.MULTILINE))
    explained = set(re.findall(r"`(--[\w-]+)`", (ROOT / "docs/design-system.md").read_text("utf-8")))
    assert explained == defined


def test_every_name_that_a_style_sheet_uses_is_defined() -> None:
    sheets = "".join(path.read_text("utf-8") for path in BASE.parent.glob("*.css"))
    used = set(re.findall(r"var\((--[\w-]+)\)", sheets))  # one with a fallback is set by a script
    assert used <= set(re.findall(r"(--[\w-]+):", sheets))
