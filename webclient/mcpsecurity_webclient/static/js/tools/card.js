/** One tool call: what is to be called, by whom it was decided, how far it is, what came back. */

import { h, setText } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { forecast } from "../chart/forecast.js";
import { forReading } from "../protocol/exact.js";
import { argumentsView } from "./arguments.js";
import { Decision } from "./decision.js";
import { progressView } from "./progress.js";
import { signInView } from "./sign_in.js";
import { imagesView, resultText, resultView } from "./result.js";
import { hints, symbolOf, wordsFor } from "./wording.js";

export class ToolCard {
  /** @param {any} call  @param {PageContext} context */
  constructor(call, context) {
    this._context = context;
    this._call = null;
    this._asks = false;
    this._symbol = h("span", { class: "card-symbol" });
    this._state = h("span", { class: "card-state" });
    this._countdown = null;
    this._progress = progressView();
    this._signIn = signInView();
    this._body = h("div", { class: "card-body" });
    this._title = h("span", { class: "card-title" });
    this._origin = h("span", { class: "card-origin" });
    const head = h("div", { class: "card-head" }, this._symbol, h("div", { class: "card-names" }, this._title, this._origin), this._state);
    this.element = h("section", { class: "card", role: "group", "aria-label": `Tool call ${call.tool}`, tabindex: "-1" },
      head, this._progress.element, this._signIn.element, this._body);
    this.requests = h("div", { class: "requests" });
    this.slot = h("div", { class: "card-slot" }, this.element, this.requests);
    this.update(call);
  }

  /** @param {boolean} asks  whether a question of its server waits for the person */
  update(call, asks = false) {
    const before = this._call;
    if (call === before && asks === this._asks) return;
    const asked = asks !== this._asks;
    this._call = call;
    this._asks = asks;
    setText(this._title, call.title || call.tool);
    setText(this._origin, call.title && call.title !== call.tool ? `${call.tool} · ${call.server}` : call.server);
    this._progress.update(call, asks || Boolean(call.sign_in));
    this._signIn.update(call);
    if (asked) this._drawState(call);
    if (before?.status === call.status && before.structured === call.structured && before.content === call.content) return;
    this.element.dataset.status = call.status;
    this._symbol.replaceChildren(icon(symbolOf(call.status)));
    this._drawState(call);
    this._drawBody(call);
  }

  _drawState(call) {
    this._countdown?.remove();
    this._countdown = call.status === "proposed" && call.expires_at ? this._context.countdowns.add(call.expires_at) : null;
    this._state.replaceChildren(this._asks && call.status === "running" ? "Waiting for your answer" : wordsFor(call), ...(this._countdown ? [" · ", this._countdown.element] : []));
  }

  _drawBody(call) {
    const hadFocus = this._body.contains(document.activeElement);
    this._body.replaceChildren(...(call.status === "proposed" ? this._proposal(call) : this._outcome(call)));
    if (hadFocus) this.element.focus({ preventScroll: true });
  }

  _proposal(call) {
    const warnings = hints(call.annotations);
    return [
      call.description ? h("p", { class: "card-description" }, call.description) : null,
      warnings ? h("p", { class: `card-hint ${warnings.kind}` }, warnings.text) : null,
      new Decision(call, this._context).element,
    ].filter(Boolean);
  }

  _outcome(call) {
    const parts = [...imagesView(call)];
    const drawing = call.status === "done" ? forecast(forReading(call.structured)) : null;
    if (drawing) parts.unshift(drawing);
    if (call.status === "failed") parts.unshift(h("p", { class: "card-error" }, resultText(call) || "The tool failed."));
    if (call.status === "declined" && call.reason) parts.unshift(h("p", { class: "card-description" }, `Reason: ${call.reason}`));
    return [...parts, this._details(call)];
  }

  _details(call) {
    const result = call.status === "failed" ? null : resultView(call);
    return h("details", { class: "card-details" }, h("summary", {}, result ? "Arguments and result" : "Arguments"),
      h("h3", { class: result ? "" : "hidden-text" }, "Arguments"), argumentsView(call.arguments),
      result ? h("h3", {}, "Result") : null, result);
  }
}
