/** Series of numbers as a figure: its data, and its text for screen readers; `plotting.js` draws it. */

import { h } from "../ui/dom.js";
import { list, number, t } from "../ui/texts.js";
import { framed } from "./frame.js";
import { numbersIn } from "./numbers.js";

/** Return a figure for a structured result that has numbers worth a drawing, else null. */
export function plot(structured) {
  const found = numbersIn(structured);
  if (!found) return null;
  const label = described(found);
  const frame = framed(async (width) => (await import("./plotting.js")).drawNumbers(found, width, label));
  const keys = found.series.map(({ name }, index) => h("span", { class: `key series-${index}` }, readable(name)));
  return h("figure", { class: "plot" }, frame, h("p", { class: "legend", "aria-hidden": "true" }, keys));
}

/** @returns {string} what a screen reader says instead of the drawing */
function described({ kind, along, labels, series }) {
  const names = list(series.map(({ name }) => readable(name)));
  const values = series.flatMap(({ values: all }) => all).filter((value) => value !== null);
  const range = { least: number(Math.min(...values)), most: number(Math.max(...values)), count: labels.length, names, along: readable(along) };
  return kind === "bars"
    ? t("Bars of {names} for {count} of {along}, from {least} to {most}. The result's table has the numbers.", range)
    : t("Chart of {names} over {along}: {count} points, from {least} to {most}. The result's table has the numbers.", range);
}

function readable(name) {
  return name.replaceAll("_", " ");
}
