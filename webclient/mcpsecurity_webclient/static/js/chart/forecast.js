/** A forecast as a figure: the weather now in large, the days as a chart, and the same days as a table for listening. */

import { h } from "../ui/dom.js";
import { framed } from "./frame.js";
import { dailySeries, degrees } from "./series.js";
import { t, tn } from "../ui/texts.js";

/** Return a figure for a structured result that has a daily series of temperatures, else null. */
export function forecast(structured) {
  const series = dailySeries(structured);
  if (!series) return null;
  const label = summary(series);
  const frame = framed(async (width) => (await import("./chart.js")).drawDays(series.days, width, label));
  return h("figure", { class: "forecast" }, caption(series), frame, table(series), legend(series));
}

function caption({ title, now }) {
  if (!title && !now) return null;
  return h("figcaption", {},
    now ? h("span", { class: "now" }, `${degrees(now.temperature)}C`) : null,
    h("span", { class: "where" }, title, now?.words ? h("span", { class: "muted" }, title ? ` · ${now.words}` : now.words) : null));
}

function legend({ days }) {
  const rain = days.some((day) => day.rain !== null);
  return h("p", { class: "legend", "aria-hidden": "true" },
    h("span", { class: "key high" }, t("High °C")), h("span", { class: "key low" }, t("Low °C")),
    rain ? h("span", { class: "key rain" }, t("Rain mm")) : null);
}

function table({ title, days }) {
  const head = [t("Date"), t("Low °C"), t("High °C"), t("Rain mm"), t("Weather")].map((name) => h("th", { scope: "col" }, name));
  const rows = days.map(({ date, low, high, rain, words }) =>
    h("tr", {}, h("th", { scope: "row" }, date), [low, high, rain, words || null].map((value) => h("td", {}, value === null ? "–" : String(value)))));
  return h("div", { class: "hidden-text" },
    h("table", {}, h("caption", {}, title ? t("Forecast for {place}", { place: title }) : t("Forecast")), h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows)));
}

function summary({ title, days }) {
  const values = days.flatMap(({ low, high }) => [low, high]).filter((value) => value !== null);
  const range = { low: degrees(Math.min(...values)), high: `${degrees(Math.max(...values))}C` };
  const head = title ? t("Forecast for {place}", { place: title }) : t("Forecast");
  return `${head}: ${tn("{count} day, {low} to {high}.", "{count} days, {low} to {high}.", days.length, range)} ${t("The table after it has the numbers.")}`;
}
