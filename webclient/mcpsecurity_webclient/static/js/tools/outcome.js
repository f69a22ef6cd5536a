/** The view of an ended call: errors, reasons, charts and pictures at once, everything else when it is unfolded. */

import { h } from "../ui/dom.js";
import { t } from "../ui/texts.js";
import { forecast } from "../chart/forecast.js";
import { worldMap } from "../chart/places.js";
import { plot } from "../chart/plot.js";
import { forDrawing, writeExact } from "../protocol/exact.js";
import { copyButton } from "../ui/copy.js";
import { argumentsView } from "./arguments.js";
import { imagesView, resultText, resultView } from "./result.js";
import { stateOf } from "./wording.js";

const LONGEST = 240;

export class Outcome {
  /** @param {any} call  @param {(words: string) => void} announce */
  constructor(call, announce) {
    this._call = call;
    this._announce = announce;
    this._state = stateOf(call);
    /** The way to have the answer written again, if that is of use: the page's `retry` or `regenerate`. */
    this.retry = this._retry();
    /** @type {HTMLElement | null} */
    this._map = null;
    const figures = [...(this._state === "done" ? this._figures() : []), ...imagesView(call)];
    /** Whether there is a picture that the answer is about. */
    this.hasFigure = figures.length > 0;
    this.shown = [...this._words(), ...figures];
    /** What unfolds below the arguments. */
    this.details = this._details();
  }

  _retry() {
    if (this._state === "expired") return "retry";
    if (this._state !== "failed") return null;
    const { readOnlyHint: reads, idempotentHint: idempotent } = this._call.annotations ?? {};
    return this._call.started_at === undefined || reads || idempotent ? "regenerate" : null;
  }

  _words() {
    const { reason, title, tool } = this._call;
    if (this._state === "failed") return [h("p", { class: "card-error", dir: "auto" }, this._error())];
    if (this._state === "declined" && reason) return [h("p", { class: "card-description", dir: "auto" }, t("Your reason: {reason}", { reason }))];
    if (this._state === "expired") return [h("p", { class: "card-description", dir: "auto" }, t("There was no answer in time, so {tool} was not run.", { tool: title || tool }))];
    return [];
  }

  /** The figure that tells most; a map that is not it stands with the details. */
  _figures() {
    const structured = forDrawing(this._call.structured);
    const [drawing, map] = [forecast(structured) ?? plot(structured), worldMap(structured)];
    this._map = drawing ? map : null;
    return [drawing ?? map].filter((figure) => figure !== null);
  }

  _details() {
    const result = this._state === "failed" ? this._wholeError() : resultView(this._call);
    const shown = result ? [h("h4", {}, t("Result")), result, this._copyOf()] : [];
    return [...shown, this._map].filter((part) => part !== null);
  }

  /** The result as its server gave it: JSON, else the text; pictures and files have their own ways. */
  _copyOf() {
    const { structured } = this._call;
    const text = structured ? writeExact(structured, 2) : resultText(this._call);
    return text ? h("div", { class: "arguments-tools" }, copyButton(t("Copy result"), () => text, this._announce)) : null;
  }

  _error() {
    return clipped(errorText(this._call));
  }

  _wholeError() {
    const text = resultText(this._call);
    return text && text !== this._error() ? h("pre", { class: "raw", tabindex: "0" }, text) : null;
  }
}

/** Return the call's arguments, with their heading. */
export function argumentsPart({ arguments: values, input_schema: schema }, announce) {
  return [h("h4", {}, t("Arguments")), argumentsView(values, schema, announce)];
}

/** Servers of FastMCP put the tool's name before each error; the card has it already. */
function errorText(call) {
  const text = resultText(call) || t("The tool failed.");
  const prefix = `Error executing tool ${call.tool}: `;
  return text.startsWith(prefix) ? text.slice(prefix.length) : text;
}

function clipped(text) {
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}
