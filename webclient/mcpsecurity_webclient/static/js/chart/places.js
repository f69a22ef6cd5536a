/** Places in a tool's structured result, on a small map of the world. It knows no tool, and fetches no tiles. */

import { h } from "../ui/dom.js";
import { list, number, t, tn } from "../ui/texts.js";
import { framed } from "./frame.js";

const MOST = 100;
const DEEPEST = 3;
const NAMED = 5;
const LATITUDE = ["latitude", "lat"];
const LONGITUDE = ["longitude", "lon", "lng", "long"];
const NAME = ["name", "title", "label", "place", "city", "location", "address"];

/** Return a figure for a structured result that has coordinates, else null. The map is loaded when it is seen. */
export function worldMap(structured) {
  const places = placesIn(structured);
  if (places.length === 0) return null;
  const label = described(places);
  const frame = framed(async () => (await import("./worldmap.js")).drawPlaces(places, label), "map-frame");
  return h("figure", { class: "map" }, frame, h("figcaption", { class: "muted", dir: "auto" }, caption(places)));
}

/**
 * Return the places in a structured result, at most a hundred.
 * @returns {Array<{name: string, latitude: number, longitude: number}>}
 */
export function placesIn(node, depth = 0) {
  if (typeof node !== "object" || node === null || depth > DEEPEST) return [];
  const own = Array.isArray(node) ? null : placeOf(node);
  const inside = Object.values(node).slice(0, MOST).flatMap((child) => placesIn(child, depth + 1));
  return [...(own ? [own] : []), ...inside].slice(0, MOST);
}

function placeOf(record) {
  const latitude = first(record, LATITUDE);
  const longitude = first(record, LONGITUDE);
  const known = Number.isFinite(latitude) && Number.isFinite(longitude) && Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180;
  if (!known) return null;
  const name = first(record, NAME);
  return { name: typeof name === "string" ? name.slice(0, 80) : "", latitude, longitude };
}

function first(record, names) {
  return names.map((name) => record[name]).find((value) => value !== undefined && value !== null);
}

function caption(places) {
  const { name, latitude, longitude } = places[0];
  const where = `${degrees(latitude, t("N"), t("S"))}, ${degrees(longitude, t("E"), t("W"))}`;
  if (places.length === 1) return name ? `${name} · ${where}` : where;
  return named(places) || tn("{count} place", "{count} places", places.length);
}

/** What a screen reader says instead of the map. */
function described(places) {
  return tn("Map of the world with {count} place: {names}", "Map of the world with {count} places: {names}", places.length, { names: named(places) || caption(places) });
}

function named(places) {
  const names = [...new Set(places.map(({ name }) => name).filter(Boolean))];
  const left = names.length - NAMED;
  return names.length > 0 ? list([...names.slice(0, NAMED), ...(left > 0 ? [tn("{count} more", "{count} more", left)] : [])]) : "";
}

function degrees(value, positive, negative) {
  return `${number(Math.abs(value), 2)}° ${value < 0 ? negative : positive}`;
}
