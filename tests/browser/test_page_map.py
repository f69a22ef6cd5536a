"""Places of a result, on a map of the world."""

import re

import pytest
from playwright.async_api import Page, expect

SHOW = """
async (structured) => {
  const { worldMap } = await import("/static/js/chart/places.js");
  const map = worldMap(structured);
  document.body.replaceChildren(...(map ? [map] : []));
}
"""
TWO_FRAMES = "() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
ZURICH = {"name": "Zurich", "latitude": 47.37, "longitude": 8.55}
SYDNEY = {"city": "Sydney", "lat": -33.87, "lng": 151.21}


async def test_places_stand_where_they_are_and_are_told_in_words(modules: Page) -> None:
    await modules.evaluate(SHOW, {"offices": [ZURICH, SYDNEY]})
    drawing = modules.get_by_role("img", name="Map of the world with 2 places: Zurich and Sydney")
    await expect(drawing).to_be_visible()
    marks = await drawing.locator(".place").evaluate_all(
        "(all) => all.map((e) => [e.cx.baseVal.value / 2 - 180, 90 - e.cy.baseVal.value / 2, e.textContent])"
    )
    assert [(round(x, 1), round(y, 1), name) for x, y, name in marks] == [
        (8.6, 47.4, "Zurich"),
        (151.2, -33.9, "Sydney"),
    ]


@pytest.mark.parametrize(
    ("where", "is_land"), [((47.4, 8.5), True), ((-23.0, 133.0), True), ((0.0, -30.0), False)]
)
async def test_the_outlines_are_those_of_the_land(
    modules: Page, where: tuple[float, float], is_land: bool
) -> None:
    await modules.evaluate(SHOW, ZURICH)
    land = modules.locator(".land")
    await expect(land).to_be_attached()
    within = "(land, [y, x]) => land.isPointInFill(new DOMPoint((x + 180) * 2, (90 - y) * 2))"
    assert await land.evaluate(within, list(where)) is is_land


async def test_a_map_that_grows_in_height_alone_is_not_drawn_again(modules: Page) -> None:
    await modules.evaluate(SHOW, ZURICH)
    land = await modules.wait_for_selector(".land", state="attached")
    await modules.evaluate(TWO_FRAMES)
    await modules.locator(".map-frame").evaluate("(frame) => { frame.style.height = '700px'; }")
    await modules.evaluate(TWO_FRAMES)
    assert land is not None
    assert await land.evaluate("(land) => land.isConnected")


async def test_the_map_is_loaded_when_it_is_needed_and_takes_no_room_then(modules: Page) -> None:
    asked: list[str] = []
    modules.on("request", lambda request: asked.append(request.url))
    await modules.evaluate(SHOW, {"numbers": [1, 2]})
    assert [url for url in asked if url.endswith("land.js")] == []
    await modules.evaluate(SHOW, ZURICH)
    before = await modules.locator(".map").bounding_box()
    await expect(modules.locator(".map svg")).to_be_visible()
    assert await modules.locator(".map").bounding_box() == before
    assert len([url for url in asked if url.endswith("land.js")]) == 1


@pytest.mark.parametrize(
    "structured",
    [
        None,
        {"latitude": 91, "longitude": 0},
        {"latitude": "47", "longitude": 8},
        {"latitude": 47},
        {"a": {"b": {"c": {"d": ZURICH}}}},
    ],
)
async def test_what_has_no_coordinates_has_no_map(modules: Page, structured: object) -> None:
    await modules.evaluate(SHOW, structured)
    await expect(modules.locator(".map")).to_have_count(0)


async def test_no_outline_runs_across_the_map(modules: Page) -> None:
    await modules.evaluate(SHOW, ZURICH)
    outlines = await modules.locator(".land").get_attribute("d") or ""
    steps = [re.findall(r"-?\d+", ring)[2::2] for ring in outlines.split("M")[1:]]
    assert [step for ring in steps for step in map(int, ring) if abs(step) > 200] == []
