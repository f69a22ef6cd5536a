/** A call in one sentence, made from the tool's title and its arguments: "Send e-mail to cfo@contoso.example". */

import { isNumber } from "../protocol/exact.js";
import { t } from "../ui/texts.js";
import { effective } from "./effective.js";

const PREPOSITIONS = new Set(["to", "from", "in", "into", "on", "at", "for", "with", "by", "of", "about", "until", "since"]);
const TELLING = /^(recipient|city|place|location|destination|path|file|file_?name|folder|pattern|url|uri|query|search|subject|title|name|id)s?$/i;
const MOST = 2;
const LONGEST = 60;

/** Return {title, rest}: the tool's title, and its most telling arguments with what joins them to it. */
export function sentenceOf(call) {
  const title = call.title || call.tool;
  const told = tellingArguments(call);
  if (told.length === 0) return { title, rest: "" };
  const joined = told.filter(({ name }) => PREPOSITIONS.has(name)).map(({ name, text }) => `${name} ${text}`).join(" ");
  return joined ? { title, rest: ` ${joined}` } : { title, rest: ` – ${words(told)}` };
}

/** Return the sentence as plain text. */
export function sentenceText(call) {
  const { title, rest } = sentenceOf(call);
  return title + rest;
}

function tellingArguments({ arguments: values, input_schema: schema }) {
  const known = effective(values, schema).filter(({ source }) => source !== "absent");
  const rows = known.some(({ source }) => source === "given") ? known.filter(({ source }) => source === "given") : known;
  const told = rows.map(({ name, value }) => ({ name, text: shortly(value) })).filter(({ text }) => text !== "");
  const joined = told.filter(({ name }) => PREPOSITIONS.has(name));
  if (joined.length > 0) return joined.slice(0, MOST);
  const telling = told.filter(({ name }) => TELLING.test(name));
  return (telling.length > 0 ? telling : told).slice(0, MOST);
}

/** One text says by itself what it is; numbers and several values need their names. */
function words(told) {
  if (told.length === 1 && !/^-?[\d.]+$/.test(told[0].text) && ![t("yes"), t("no")].includes(told[0].text)) return told[0].text;
  return told.map(({ name, text }) => `${name.replaceAll("_", " ")} ${text}`).join(", ");
}

function shortly(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "boolean") return value ? t("yes") : t("no");
  if (Array.isArray(value)) return value.every((item) => typeof item === "string") ? clipped(value.join(", ")) : "";
  return isNumber(value) || typeof value === "string" ? clipped(String(value)) : "";
}

function clipped(text) {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line;
}
