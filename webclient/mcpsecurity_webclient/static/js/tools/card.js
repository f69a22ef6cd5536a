/**
 * One tool call. While it waits it says in one sentence what would happen, with what consequence; from its decision on it
 * is one line that unfolds, and stays unfolded, with pictures and charts of its result below it.
 */

import { arrange, h, setText, uniqueId } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { button } from "../ui/button.js";
import { t } from "../ui/texts.js";
import { same } from "../protocol/exact.js";
import { deadlineOf } from "../requests/deadline.js";
import { consequenceOf, consequenceView } from "./consequence.js";
import { Decision } from "./decision.js";
import { Outcome, argumentsPart } from "./outcome.js";
import { progressView } from "./progress.js";
import { signInView } from "./sign_in.js";
import { sentenceOf } from "./summary.js";
import { stateOf, symbolOf, wordsFor } from "./wording.js";

const ENDED = ["done", "failed", "declined", "cancelled"];

export class ToolCard {
  /** @param {any} call  @param {PageContext} context */
  constructor(call, context) {
    this._context = context;
    this._call = null;
    this._asks = false;
    this._again = null;
    this._arguments = { values: undefined, elements: /** @type {Element[]} */ ([]) };
    this._countdown = null;
    /** @type {Decision | null} */
    this._decision = null;
    this._symbol = h("span", { class: "card-symbol" });
    this._state = h("span", { class: "card-state" });
    this._title = h("h3", { class: "card-title", id: uniqueId("call"), dir: "auto" });
    this._origin = h("span", { class: "card-origin", dir: "auto" });
    this._head = h("div", { class: "card-head" });
    this._progress = progressView();
    this._signIn = signInView();
    this._details = h("div", { class: "card-details" });
    this._line = h("summary", { class: "card-line" });
    this._fold = h("details", { class: "card-fold" }, this._line, this._details);
    this._body = h("div", { class: "card-body" });
    this.element = h("div", { class: "card", role: "group", "aria-label": t("Tool call {tool}", { tool: call.tool }), "aria-describedby": this._title.id, tabindex: "-1" },
      this._head, this._signIn.element, this._body);
    this.requests = h("div", { class: "requests" });
    this.slot = h("div", { class: "card-slot" }, this.element, this.requests);
    this.update(call);
  }

  /**
   * @param {any} call
   * @param {{asks?: boolean, mayAskAgain?: boolean}} situation  `asks`: a question of its server waits for the person;
   *   `mayAskAgain`: the call belongs to the last answer, which has ended
   */
  update(call, { asks = false, mayAskAgain = false } = {}) {
    const before = this._call;
    const isSame = call === before && asks === this._asks;
    this._call = call;
    if (!isSame) this._draw(call, before, asks);
    if (this._again) this._again.hidden = !mayAskAgain;
  }

  _draw(call, before, asks) {
    const moved = asks !== this._asks;
    this._asks = asks;
    if (call.status === "proposed" && call.expires_at) this._countdown?.update(deadlineOf(call));
    this._progress.update(call, asks || Boolean(call.sign_in));
    this._signIn.update(call);
    if (moved) this._drawState(call);
    if (before?.status === call.status && isSameResult(before, call)) return;
    this.element.dataset.status = stateOf(call);
    this.element.dataset.effect = consequenceOf(call.annotations).effect;
    this._symbol.replaceChildren(icon(symbolOf(call)));
    this._drawTitle(call);
    this._drawState(call);
    this._drawBody(call, before);
  }

  _drawTitle(call) {
    const { title, rest } = sentenceOf(call);
    this._title.replaceChildren(h("span", { class: "card-tool" }, title), rest);
    const server = this._context.serverTitle(call.server);
    setText(this._origin, call.title && call.title !== call.tool ? `${call.tool} · ${server}` : server);
  }

  _drawState(call) {
    this._countdown?.remove();
    const waits = call.status === "proposed" && call.expires_at;
    this._countdown = waits ? this._context.countdowns.add(deadlineOf(call)) : null;
    this._countdown?.watch(this._body);
    const words = this._asks && call.status === "running" ? t("Waiting for your answer") : wordsFor(call);
    const state = h("span", { class: "card-state" }, h("span", {}, words), this._countdown?.element);
    this._state.replaceWith(state); // a new element: an announcement of it does not look like a move
    this._state = state;
  }

  _drawBody(call, before) {
    const focused = document.activeElement;
    const hadFocus = this.element.contains(focused) && (focused !== this.element || before?.status === "proposed");
    this._again = null;
    if (call.status === "proposed") {
      const consequence = consequenceView(call, this._context.serverTitle(call.server));
      this._head.replaceChildren(this._symbol, h("div", { class: "card-names" }, this._title, consequence), this._state);
      this._body.replaceChildren(...this._proposal(call));
      return;
    }
    this._sayWhatWasNotSent(call);
    if (before?.status === "proposed") this._renewBody();
    arrange(this._line, [this._symbol, this._title, this._progress.element, this._state]);
    arrange(this._head, [this._fold]);
    if (ENDED.includes(call.status)) this._drawOutcome(call, before);
    else {
      this._drawDetails(call, []);
      this._body.replaceChildren();
    }
    if (hadFocus && (focused === this.element || !focused.isConnected)) this._context.leave(this.element);
  }

  /** The arguments stay as they are, with the JSON that the person may look at. */
  _drawDetails(call, parts) {
    if (this._arguments.elements.length === 0 || !same(this._arguments.values, call.arguments)) {
      this._arguments = { values: call.arguments, elements: argumentsPart(call, this._context.announce) };
    }
    const origin = h("p", { class: "card-origin", dir: "auto" }, this._origin.textContent);
    arrange(this._details, [origin, ...this._arguments.elements, ...parts]);
  }

  _proposal(call) {
    this._decision = new Decision(call, this._context);
    return [
      call.description ? h("p", { class: "card-description", dir: "auto" }, call.description) : null,
      this._decision.element,
    ].filter(Boolean);
  }

  /** The outcome gets an element of its own: it does not look like the question that moved. */
  _renewBody() {
    const body = h("div", { class: "card-body" });
    this._body.replaceWith(body);
    this._body = body;
  }

  /** Another tab may decide while arguments are edited in this one. */
  _sayWhatWasNotSent(call) {
    const isLost = this._decision?.isUnsent && call.decided_by === "user";
    this._decision = null;
    if (isLost) this._context.tell?.(t("This call was decided in another tab, without your changes here."));
  }

  _drawOutcome(call, before) {
    const outcome = new Outcome(call, this._context.announce);
    this._drawDetails(call, outcome.details);
    this._again = outcome.retry ? button(t("Ask again"), () => this._context[outcome.retry](), { kind: "plain", symbol: "redo", hidden: true }) : null;
    this._body.replaceChildren(...[...outcome.shown, this._again].filter(Boolean));
    if (outcome.hasFigure && before) this._context.keep(this.element);
  }
}

/** A snapshot brings the same result again: nothing that the person unfolded in it closes. */
function isSameResult(before, call) {
  return same(before.structured ?? null, call.structured ?? null) && same(before.content ?? null, call.content ?? null);
}
