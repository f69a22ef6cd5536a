/** What a tool answered: text, structured data, images, resources, links. All of it is untrusted and shown as text. */

import { button } from "../ui/button.js";
import { h } from "../ui/dom.js";
import { forReading, isNumber, readExact, same } from "../protocol/exact.js";
import { number, t } from "../ui/texts.js";
import { valueView } from "./values.js";

const IMAGES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

/** Return an element for the result of a finished call, or null when there is nothing to show. */
export function resultView(call) {
  const content = (call.content ?? []).filter((part) => part.type !== "image" && !isTooLarge(part) && !repeats(part, call.structured));
  const parts = content.map((part) => partView(part, call.server));
  if (hasStructure(call) && !isText(call)) parts.push(valueView(unwrapped(forReading(call.structured)), { name: t("Result of {tool}", { tool: call.title || call.tool }) }));
  if (call.truncated && !isWhole(call)) parts.push(h("p", { class: "muted" }, t("The result was too long and is cut here.")));
  return parts.length > 0 ? h("div", { class: "result" }, parts) : null;
}

/** The part that was cut only repeated the data, which is complete. */
function isWhole(call) {
  return hasStructure(call) && call.content.every((part) => repeats(part, call.structured));
}

/** Return the images of a result, which are shown without unfolding anything, and words for what is too large. */
export function imagesView(call) {
  const shown = (call.content ?? []).filter((part) => (part.type === "image" && IMAGES.has(part.mime_type)) || isTooLarge(part));
  return shown.map((part, index) => (isTooLarge(part) ? tooLarge(part) :
    h("img", { src: `data:${part.mime_type};base64,${part.data}`, alt: t("Image {number} from {tool}", { number: index + 1, tool: call.tool }), decoding: "async" })));
}

function isTooLarge({ type, size }) {
  return type === "unsupported" && size > 0;
}

function tooLarge({ mime_type: type, size }) {
  return h("p", { class: "card-description" }, t("Too large to be shown here ({type}, {size} MB).", { type: type ?? "", size: number(size / 1e6, 1) }));
}

/** Return the text of a result, for one line. */
export function resultText(call) {
  return (call.content ?? []).filter((part) => part.type === "text").map((part) => part.text).join("\n").trim();
}

function partView(part, server) {
  if (part.type === "text") return h("p", { class: "result-text", tabindex: "0", role: "group", "aria-label": t("Text of the result"), dir: "auto" }, part.text);
  if (part.type === "audio") return h("audio", { controls: true, src: `data:${part.mime_type};base64,${part.data}`, "aria-label": t("Sound of the result") });
  if (part.type === "resource") return resourceView(part);
  if (part.type === "link") return h("p", { class: "resource-link" }, linkView(part.uri, part.name || part.uri), " ", linkActions(part, server));
  return h("p", { class: "muted" }, part.mime_type ? t("Content that cannot be shown here ({type}).", { type: part.mime_type }) : t("Content that cannot be shown here."));
}

/** A link of a result can be read into the chat with the next message, or downloaded: its server gives the content. */
function linkActions({ uri, name }, server) {
  const detail = { server, uri, name: name || uri };
  const read = button(t("Read into the chat"), () => document.dispatchEvent(new CustomEvent("attach-resource", { detail })), { kind: "plain" });
  const path = `/api/chats/${encodeURIComponent(document.body.dataset.chatId)}/resource?${new URLSearchParams({ server, uri })}`;
  return [read, " ", h("a", { href: path, download: "" }, t("Download"))];
}

function resourceView({ uri, mime_type: type, text, data, size }) {
  const file = data ? h("a", { href: `data:application/octet-stream;base64,${data}`, download: uri.split("/").at(-1) || "file" }, t("Download")) : null;
  return h("figure", { class: "resource" },
    h("figcaption", {}, linkView(uri, uri), type ? ` · ${type} ` : " ", file),
    text ? h("pre", { class: "raw", tabindex: "0", dir: "auto" }, text) : null, size > 0 ? tooLarge({ mime_type: type, size }) : null);
}

function linkView(uri, name) {
  const isWeb = URL.canParse(uri) && ["http:", "https:"].includes(new URL(uri).protocol);
  if (!isWeb) return h("bdi", {}, name);
  return h("a", { href: uri, target: "_blank", rel: "noopener noreferrer", dir: "auto" }, name);
}

function hasStructure({ structured }) {
  return structured !== null && structured !== undefined && Object.keys(structured).length > 0;
}

/** A tool that returns a list has it in an object with one member, `result`; return the list. */
function unwrapped(structured) {
  const names = Object.keys(structured);
  return names.length === 1 && names[0] === "result" ? structured.result : structured;
}

/** A tool that returns a text has it in such an object, too: it is shown as the text that it is. */
function isText({ content, structured }) {
  return Object.keys(structured).length === 1 && (content ?? []).some((part) => part.type === "text" && part.text === structured.result);
}

/** Servers repeat structured content as text, a list item by item, for clients that know only text. */
function repeats(part, structured) {
  if (part.type !== "text" || !structured || isText({ content: [part], structured })) return false;
  const only = Object.values(structured).length === 1 ? Object.values(structured)[0] : null;
  const others = [structured, only, ...(Array.isArray(only) ? only : [])].filter((other) => other !== null);
  const value = read(part.text);
  return others.includes(part.text) || (value !== undefined && others.some((other) => same(value, sorted(other))));
}

/** Return the value that a text has as JSON; undefined for other text. */
function read(text) {
  try {
    return sorted(readExact(text));
  } catch {
    return undefined;
  }
}

/** Return a value of JSON whose objects have their members in one order. */
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null || isNumber(value)) return value;
  return Object.fromEntries(Object.keys(value).sort().map((name) => [name, sorted(value[name])]));
}
