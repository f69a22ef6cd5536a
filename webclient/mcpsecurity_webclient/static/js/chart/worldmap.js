/** Draws places on the outlines of the world's land as SVG. Colours are CSS. */

import { svg } from "../ui/dom.js";
import { LAND } from "./land.js";

const UNITS = 2; // of LAND, in a degree
const TOP = 10; // degrees below the north pole; Antarctica's inland is left out as well
const HEIGHT = 156;
const RADIUS = 7;

/** @param {Array<{name: string, latitude: number, longitude: number}>} places  @param {string} label */
export function drawPlaces(places, label) {
  return svg("svg", { viewBox: `0 ${TOP * UNITS} ${360 * UNITS} ${HEIGHT * UNITS}`, role: "img", "aria-label": label },
    svg("path", { class: "land", d: LAND }), places.map(mark));
}

function mark({ name, latitude, longitude }) {
  const y = Math.min(Math.max(90 - latitude, TOP + 3), TOP + HEIGHT - 3);
  return svg("circle", { class: "place", cx: (longitude + 180) * UNITS, cy: y * UNITS, r: RADIUS }, name ? svg("title", {}, name) : null);
}
