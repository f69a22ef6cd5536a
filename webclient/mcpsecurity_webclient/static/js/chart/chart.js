/** Draws days of weather as SVG: highs and lows as lines with the band between them, rain as bars. Colours are CSS. */

import { svg } from "../ui/dom.js";
import { degrees } from "./series.js";
import { skySymbol } from "./symbols.js";
import { locale } from "../ui/texts.js";

const HEIGHT = 208;
const TOP = 66;
const BOTTOM = 136;
const RAIN_TOP = 152;
const RAIN_BOTTOM = 186;
const BASELINE = 202;
const NARROW_STEP = 56;

/**
 * @param {Array} days  see series.js
 * @param {number} width  in pixels
 * @param {string} label  what a screen reader says instead
 */
export function drawDays(days, width, label) {
  const step = width / days.length;
  const x = (index) => step * (index + 0.5);
  const y = scale(days);
  return svg("svg", { class: "days", width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": label },
    band(days, x, y),
    line(days, "high", x, y),
    line(days, "low", x, y),
    days.map((day, index) => column(day, x(index), y, step)),
    rainBars(days, x, step));
}

function scale(days) {
  const values = days.flatMap(({ low, high }) => [low, high]).filter((value) => value !== null);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const span = Math.max(most - least, 4);
  const middle = (most + least) / 2;
  return (value) => BOTTOM - ((value - (middle - span / 2)) / span) * (BOTTOM - TOP);
}

function column(day, x, y, step) {
  const narrow = step < NARROW_STEP;
  return svg("g", {},
    svg("text", { class: "day-name", x, y: 14 }, dayName(day.date, narrow)),
    skySymbol(day.words, x, 34),
    point(day.high, "high", x, y, -8),
    point(day.low, "low", x, y, 17));
}

function point(value, kind, x, y, offset) {
  if (value === null) return null;
  return svg("g", { class: kind },
    svg("circle", { cx: x, cy: y(value), r: 3 }),
    svg("text", { x, y: y(value) + offset }, degrees(value)));
}

function line(days, kind, x, y) {
  const points = days.flatMap((day, index) => (day[kind] === null ? [] : [`${x(index)},${y(day[kind]).toFixed(1)}`]));
  return svg("polyline", { class: `line ${kind}`, points: points.join(" ") });
}

function band(days, x, y) {
  if (days.some(({ low, high }) => low === null || high === null)) return null;
  const forth = days.map((day, index) => `${x(index)},${y(day.high).toFixed(1)}`);
  const back = days.map((day, index) => `${x(index)},${y(day.low).toFixed(1)}`).reverse();
  return svg("polygon", { class: "band", points: [...forth, ...back].join(" ") });
}

function rainBars(days, x, step) {
  if (days.every(({ rain }) => rain === null)) return null;
  const most = Math.max(...days.map(({ rain }) => rain ?? 0), 5);
  const width = Math.min(step * 0.44, 26);
  return svg("g", { class: "rain" }, days.map(({ rain }, index) => {
    const height = ((rain ?? 0) / most) * (RAIN_BOTTOM - RAIN_TOP);
    return svg("g", {},
      svg("rect", { x: x(index) - width / 2, y: RAIN_BOTTOM - Math.max(height, 1), width, height: Math.max(height, 1), rx: 2 }),
      rain === null ? null : svg("text", { x: x(index), y: BASELINE }, amount(rain, step < NARROW_STEP)));
  }));
}

function amount(rain, narrow) {
  const number = rain < 10 ? Math.round(rain * 10) / 10 : Math.round(rain);
  return narrow ? `${number}` : `${number} mm`;
}

function dayName(date, narrow) {
  const weekday = new Intl.DateTimeFormat(locale, { weekday: "short", timeZone: "UTC" }).format(new Date(`${date}T00:00:00Z`));
  return narrow ? weekday : `${weekday} ${Number(date.slice(8))}`;
}
