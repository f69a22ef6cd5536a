"""Forecasts are found in any tool's result by their shape, and drawn, with a table for listening."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

SERIES = """
async (structured) => {
  const {dailySeries} = await import("/static/js/chart/series.js");
  return dailySeries(structured);
}
"""
DRAW = """
async (structured) => {
  const {forecast} = await import("/static/js/chart/forecast.js");
  document.body.replaceChildren(forecast(structured));
}
"""


def day(date: str, low: float, high: float, rain: float, condition: str) -> dict[str, Any]:
    temperatures = {"temperature_min": low, "temperature_max": high}
    return {"date": date, **temperatures, "precipitation": rain, "condition": condition}


DAILY = [day("2026-01-01", -4.6, 2.4, 0.0, "fog"), day("2026-01-02", -0.2, 5.5, 12.3, "rain")]
FORECAST = {"place": "Zurich, Switzerland", "temperature": 1.6, "condition": "overcast", "daily": DAILY}


async def test_records_with_a_date_and_temperatures_are_a_series(modules: Page) -> None:
    series = await modules.evaluate(SERIES, FORECAST)
    assert series["title"] == "Zurich, Switzerland"
    assert series["now"] == {"temperature": 1.6, "words": "overcast"}
    assert series["days"][1] == {
        "date": "2026-01-02",
        "low": -0.2,
        "high": 5.5,
        "rain": 12.3,
        "words": "rain",
    }


async def test_parallel_lists_are_a_series_too(modules: Page) -> None:
    columns = {
        "time": ["2026-01-01", "2026-01-02"],
        "temperature_2m_max": [3.0, 4.0],
        "temperature_2m_min": [1.0, None],
        "precipitation_sum": [0.0, 1.5],
        "precipitation_probability_max": [10, 90],
    }
    days = (await modules.evaluate(SERIES, {"daily": columns}))["days"]
    assert [(day["high"], day["low"], day["rain"]) for day in days] == [(3, 1, 0), (4, None, 1.5)]


@pytest.mark.parametrize(
    "structured",
    [
        None,
        [],
        "text",
        {},
        {"daily": DAILY[:1]},
        {"rows": [{"date": "2026-01-01", "count": 1}] * 3},
        {"daily": [1, 2]},
    ],
)
async def test_other_results_are_no_series(modules: Page, structured: Any) -> None:
    assert await modules.evaluate(SERIES, structured) is None


async def test_the_days_are_drawn_and_told(modules: Page) -> None:
    await modules.evaluate(DRAW, FORECAST)
    picture = modules.get_by_role("img", name="Forecast for Zurich, Switzerland: 2 days, −5° to 6°C.")
    await expect(picture.locator(".day-name")).to_have_text(["Thu 1", "Fri 2"])
    await expect(picture.locator(".high text")).to_have_text(["2°", "6°"])
    await expect(picture.locator(".low text")).to_have_text(["−5°", "0°"])
    await expect(picture.locator(".rain text")).to_have_text(["0 mm", "12 mm"])
    table = modules.get_by_role("table", name="Forecast for Zurich, Switzerland")
    await expect(table.get_by_role("row", name="2026-01-02 -0.2 5.5 12.3 rain")).to_be_attached()


async def test_the_picture_follows_the_width_of_its_place(modules: Page) -> None:
    height = "document.querySelector('svg.days').getBoundingClientRect().height"
    await modules.set_viewport_size({"width": 900, "height": 600})
    await modules.evaluate(DRAW, FORECAST)
    await modules.wait_for_function("document.querySelector('svg.days')?.getBoundingClientRect().width > 700")
    before = await modules.evaluate(height)
    await modules.set_viewport_size({"width": 360, "height": 600})
    await modules.wait_for_function(
        "document.querySelector('svg.days')?.getBoundingClientRect().right <= 360"
    )
    assert await modules.evaluate(height) == before
    await modules.set_viewport_size({"width": 1280, "height": 720})


NUMBERS = """
async (structured) => {
  const {numbersIn} = await import("/static/js/chart/numbers.js");
  return numbersIn(structured);
}
"""
PLOT = """
async (structured) => {
  const {plot} = await import("/static/js/chart/plot.js");
  document.body.replaceChildren(plot(structured));
}
"""
SALES = [
    {"month": f"2026-0{n}", "revenue": 1000 * n, "cost": 700 * n + 90, "share": 0.1 * n} for n in range(1, 7)
]
SHOPS = [{"shop": name, "visitors": count} for name, count in (("Bern", 40), ("Basel", -12), ("Chur", 7))]


async def test_numbers_over_a_date_are_lines_of_like_size(modules: Page) -> None:
    found = await modules.evaluate(NUMBERS, {"result": SALES})
    assert (found["kind"], found["along"]) == ("line", "month")
    assert [series["name"] for series in found["series"]] == ["revenue", "cost"]


async def test_one_number_beside_a_name_is_a_bar(modules: Page) -> None:
    found = await modules.evaluate(NUMBERS, {"shops": SHOPS})
    assert (found["kind"], found["labels"]) == ("bars", ["Bern", "Basel", "Chur"])
    await modules.evaluate(PLOT, {"shops": SHOPS})
    await expect(modules.locator(".bar")).to_have_count(3)
    drawn = modules.get_by_role("img", name="Bars of visitors for 3 of shop, from -12 to 40.")
    await expect(drawn).to_be_visible()


async def test_the_last_name_of_a_long_line_is_whole(modules: Page) -> None:
    days = [{"day": f"2026-01-{n:02}", "amount": n % 7} for n in range(1, 11)]
    await modules.add_style_tag(url="/static/css/page.css")
    await modules.evaluate(PLOT, {"result": days})
    drawing = modules.locator(".plot-drawing")
    last = drawing.locator(".name").last
    await expect(last).to_have_text("01-10")
    frame, name = await drawing.bounding_box(), await last.bounding_box()
    assert frame is not None
    assert name is not None
    assert name["x"] + name["width"] <= frame["x"] + frame["width"]


async def test_a_line_has_a_gap_where_a_number_is_missing(modules: Page) -> None:
    rows = [dict(row) for row in SALES]
    rows[2]["revenue"] = None
    await modules.evaluate(PLOT, rows)
    await expect(modules.locator(".series-0 .line")).to_have_count(2)
    await expect(modules.locator(".series-1 .line")).to_have_count(1)


@pytest.mark.parametrize(
    "structured",
    [
        {"number": 4, "min": 1},
        [{"id": n, "name": f"person {n}"} for n in range(5)],
        [{"name": "a", "x": 1, "y": 2}] * 4,
        [{"date": "2026-01-01", "id": 3}] * 4,
        "text",
    ],
)
async def test_data_without_a_series_is_not_drawn(modules: Page, structured: Any) -> None:
    assert await modules.evaluate(NUMBERS, structured) is None
