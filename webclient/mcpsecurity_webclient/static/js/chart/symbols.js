/** Small pictures of the weather, chosen by words of its description. */

import { svg } from "../ui/dom.js";

/** @type {Array<[RegExp, string[]]>} */
const RULES = [
  [/thunder|storm/i, ["cloud", "bolt"]],
  [/snow|sleet/i, ["cloud", "flakes"]],
  [/drizzle|rain|shower/i, ["cloud", "drops"]],
  [/fog|mist|haze/i, ["fog"]],
  [/partly|mainly|mostly/i, ["sun-behind", "cloud"]],
  [/overcast|cloud/i, ["cloud"]],
  [/clear|sun/i, ["sun"]],
];

const SHAPES = {
  sun: () => svg("g", { class: "sky-sun" }, svg("circle", { cx: 12, cy: 12, r: 4.5 }), rays(12, 12)),
  "sun-behind": () => svg("g", { class: "sky-sun" }, svg("circle", { cx: 15.5, cy: 9, r: 3.8 }), rays(15.5, 9)),
  cloud: () => svg("path", { class: "sky-cloud", d: "M7 18.5a4 4 0 0 1-.4-8 5 5 0 0 1 9.6-.9 4.5 4.5 0 0 1 .6 8.9z" }),
  drops: () => svg("path", { class: "sky-rain", d: "M9 20l-1 2.4M13 20l-1 2.4M17 20l-1 2.4" }),
  flakes: () => svg("path", { class: "sky-snow", d: "M8.5 21.5h.1M12.5 22.5h.1M16 21.2h.1" }),
  bolt: () => svg("path", { class: "sky-sun-line", d: "M12.8 17.5l-2.3 3.3h2.6l-1.6 2.8" }),
  fog: () => svg("path", { class: "sky-fog", d: "M5 9h14M4 12.5h16M6 16h12" }),
};

/** Return a picture of 24 × 24 around (x, y), or null when the words are about nothing known. */
export function skySymbol(words, x, y) {
  const rule = RULES.find(([pattern]) => pattern.test(words));
  if (!rule) return null;
  return svg("g", { class: "sky", transform: `translate(${x - 12} ${y - 12})` }, rule[1].map((name) => SHAPES[name]()));
}

function rays(x, y) {
  const lines = [0, 45, 90, 135, 180, 225, 270, 315].map((degrees) => {
    const [dx, dy] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
    return `M${(x + dx * 6.3).toFixed(1)} ${(y + dy * 6.3).toFixed(1)}l${(dx * 1.8).toFixed(1)} ${(dy * 1.8).toFixed(1)}`;
  });
  return svg("path", { class: "sky-sun-line", d: lines.join("") });
}
