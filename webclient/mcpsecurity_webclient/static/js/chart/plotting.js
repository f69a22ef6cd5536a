/** Draws series of numbers as SVG: lines over an order, or bars by name, with a grid of round numbers. Colours are CSS. */

import { svg } from "../ui/dom.js";
import { number } from "../ui/texts.js";

const HEIGHT = 208;
const TOP = 12;
const BOTTOM = 176;
const LEFT = 56;
const RIGHT = 12;
const LABEL_WIDTH = 84;
const LETTER_WIDTH = 8.5;
const LINES = 4;

/** @param {any} found  see numbers.js  @param {number} width  in pixels  @param {string} label */
export function drawNumbers(found, width, label) {
  const ticks = grid(found);
  const [least, most] = [ticks[0], ticks.at(-1)];
  const y = (value) => BOTTOM - ((value - least) / (most - least)) * (BOTTOM - TOP);
  const step = (width - LEFT - RIGHT) / Math.max(found.labels.length - (found.kind === "line" ? 1 : 0), 1);
  const x = (index) => LEFT + step * (found.kind === "line" ? index : index + 0.5);
  return svg("svg", { class: "plot-drawing", width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": label },
    ticks.map((tick) => gridLine(tick, y(tick), width)),
    names(found, x, step, width),
    found.kind === "line" ? found.series.map(({ values }, index) => curve(values, index, x, y)) : bars(found.series[0].values, x, y, step));
}

/** Return round numbers around all values; bars begin at zero. */
function grid({ kind, series }) {
  const values = series.flatMap(({ values: all }) => all).filter((value) => value !== null);
  const least = kind === "bars" ? Math.min(0, ...values) : Math.min(...values);
  const most = kind === "bars" ? Math.max(0, ...values) : Math.max(...values);
  const step = round((most - least || Math.abs(most) || 1) / LINES);
  const begin = Math.floor(least / step) * step;
  const count = Math.max(Math.ceil((most - begin) / step - 1e-9), 1);
  return Array.from({ length: count + 1 }, (_, index) => begin + index * step);
}

function round(rough) {
  const power = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
}

function gridLine(tick, y, width) {
  return svg("g", {}, svg("line", { class: "grid-line", x1: LEFT, x2: width - RIGHT, y1: y, y2: y }),
    svg("text", { class: "tick", x: LEFT - 8, y: y + 4 }, number(tick)));
}

/** The names below the grid; the last one moves to the left as far as it would not fit. */
function names({ labels }, x, step, width) {
  const every = Math.max(Math.ceil(LABEL_WIDTH / step), 1);
  return labels.flatMap((label, index) => {
    if (index % every !== 0) return [];
    const words = shortly(label);
    return [svg("text", { class: "name", x: Math.min(x(index), width - (words.length / 2) * LETTER_WIDTH), y: BOTTOM + 20 }, words)];
  });
}

function curve(values, index, x, y) {
  const pieces = values.reduce(([last, ...done], value, place) => (value === null ? [[], last, ...done] : [[...last, `${x(place).toFixed(1)},${y(value).toFixed(1)}`], ...done]), [[]]);
  return svg("g", { class: `series-${index}` }, pieces.filter(({ length }) => length > 0).map((points) =>
    (points.length > 1 ? svg("polyline", { class: "line", points: points.join(" ") }) : svg("circle", { cx: points[0].split(",")[0], cy: points[0].split(",")[1], r: 3 }))));
}

function bars(values, x, y, step) {
  const width = Math.min(step * 0.6, 48);
  return svg("g", { class: "series-0" }, values.map((value, index) => {
    if (value === null) return null;
    const [from, to] = [y(Math.max(value, 0)), y(Math.min(value, 0))];
    return svg("rect", { class: "bar", x: x(index) - width / 2, y: from, width, height: Math.max(to - from, 1), rx: 2 });
  }));
}

function shortly(label) {
  const text = /^\d{4}-\d{2}-\d{2}/.test(label) ? label.slice(5, 10) : label;
  return text.length > 11 ? `${text.slice(0, 10)}…` : text;
}
