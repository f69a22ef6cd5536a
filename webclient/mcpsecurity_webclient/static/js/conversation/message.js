/** One message with its tool calls, and the questions that servers asked during these calls. */

import { arrange, h, setText } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { missingWords } from "../protocol/endings.js";
import { button } from "../ui/button.js";
import { copyButton } from "../ui/copy.js";
import { ToolCard } from "../tools/card.js";
import { BatchBar } from "../tools/batch.js";
import { foldButton } from "./folding.js";
import { moment } from "./moments.js";
import { CallGroup } from "../tools/group.js";
import { Marks } from "./marks.js";
import { OwnActions } from "./own_actions.js";
import { Prose } from "./prose.js";
import { Usage } from "./usage.js";
import { VersionSwitch } from "./versions.js";
import { t } from "../ui/texts.js";

export class MessageView {
  /** @param {PageContext} context */
  constructor(message, context) {
    this._context = context;
    this._cards = new Map();
    this._message = null;
    this._versions = new VersionSwitch(context);
    this.element = message.role === "user" ? this._userElement(message) : this._assistantElement(message);
  }

  /**
   * @param {any} message
   * @param {any} state
   * @param {{isLast: boolean, goesOn: boolean, inLastAnswer: boolean, requestsFor: (callId: string) => Element[], fork: ForkView | null}} situation
   *   `goesOn`: the message before it is of the same answer
   */
  update(message, state, { isLast, goesOn, inLastAnswer, requestsFor, fork }) {
    this._versions.update(fork, state.run !== null);
    if (message.role === "user") {
      this._own.update(state.run !== null);
      this._leftOut.hidden = !message.left_out;
      return;
    }
    if (message !== this._message) this._drawText(message);
    this._message = message;
    this._heading.hidden = goesOn;
    this.element.classList.toggle("goes-on", goesOn);
    this._drawCalls(message, state, { requestsFor, mayAskAgain: inLastAnswer && state.run === null });
    this._drawFooter(message, state, isLast);
  }

  /**
   * Let the person say something else in the place of what she said.
   * @param {() => void} [leave]  see `OwnActions.edit`
   */
  edit(leave) {
    this._own.edit(leave);
  }

  _userElement(message) {
    const { text, attachments = [], files = [], prompt } = message;
    const chips = attachments.map(({ name, uri }) => h("li", { class: "chip", title: uri }, icon("attach"), h("span", { dir: "auto" }, name || uri)));
    chips.push(...files.map(({ name, mime_type: type }, number) => type.startsWith("image/") ? picture(name, this._context.commands.fileUrl(message.message_id, number)) : h("li", { class: "chip" }, icon("attach"), h("span", { dir: "auto" }, name))));
    if (prompt) chips.unshift(h("li", { class: "chip" }, icon("slash"), h("span", { dir: "auto" }, prompt.name)));
    this._leftOut = h("p", { class: "muted", hidden: true }, t("The model's content filter refused this message, so the model does not see it."));
    const bubble = text ? h("p", { class: "bubble", dir: "auto" }, text) : null;
    const shown = [chips.length > 0 ? h("ul", { class: "chips" }, chips) : null, bubble, text ? foldButton(text, bubble) : null].filter((part) => part !== null);
    this._own = new OwnActions(message, shown, this._context);
    return h("article", { class: "message user" }, h("h2", { class: "hidden-text" }, t("You")),
      shown, this._leftOut, this._own.element, this._versions.element);
  }

  _assistantElement(message) {
    this._prose = new Prose(this._context.announce);
    this._missing = h("p", { class: "muted", hidden: true });
    this._calls = h("div", { class: "calls" });
    this._batch = new BatchBar(this._context);
    this._group = new CallGroup();
    this._usage = new Usage();
    this._copy = copyButton(t("Copy answer"), () => this._message.text, this._context.announce);
    this._between = h("div", { class: "between" }); // below the text before a call
    this._again = button(t("Regenerate"), () => this._context.regenerate(), { symbol: "redo", iconOnly: true });
    this._marks = new Marks(message.message_id, this._context);
    this._footer = h("div", { class: "message-footer", hidden: true }, this._copy, this._marks.element, this._usage.toggle, this._again, this._usage.element, message.at ? moment(message.at) : null);
    this._heading = h("h2", { class: "hidden-text" }, t("Assistant"));
    return h("article", { class: "message assistant" }, this._heading,
      this._prose.element, this._between, this._missing, this._calls, this._footer, this._versions.element);
  }

  _drawText(message) {
    if (message.done) this._prose.finish(message.html);
    else this._prose.stream(message.stable, message.html);
    this._prose.element.hidden = !message.html && !message.stable;
  }

  _drawCalls(message, state, { requestsFor, mayAskAgain }) {
    const calls = message.calls.map((id) => state.calls[id]).filter(Boolean);
    const slots = calls.map((call) => {
      const card = this._card(call);
      card.update(call, { asks: isAsked(state, call.call_id), mayAskAgain });
      arrange(card.requests, requestsFor(call.call_id));
      return card.slot;
    });
    arrange(this._calls, [...this._batch.update(calls), ...this._group.update(calls, slots)]);
    this._calls.hidden = slots.length === 0;
  }

  _card(call) {
    if (!this._cards.has(call.call_id)) this._cards.set(call.call_id, new ToolCard(call, this._context));
    return this._cards.get(call.call_id);
  }

  /** The footer keeps its place while the last answer is written, so that nothing jumps when the answer ends. */
  _drawFooter(message, state, isLast) {
    const writing = isLast && state.run !== null;
    const missing = isLast ? "" : missingWords(message);
    setText(this._missing, missing);
    this._missing.hidden = missing === "";
    const copyable = message.calls.length > 0 ? this._between : this._footer;
    if (this._copy.parentElement !== copyable) copyable.prepend(this._copy);
    this._between.hidden = !message.text || message.calls.length === 0;
    this._footer.hidden = !message.text || (!isLast && message.calls.length > 0);
    this._footer.classList.toggle("reserved", writing);
    this._again.hidden = !isLast;
    this._marks.update(message);
    this._usage.update(message.model, message.usage ?? (isLast ? state.lastRun?.usage : null));
  }
}

/** A picture that the person attached, small, and a way to see it whole. */
function picture(name, src) {
  return h("li", {}, h("a", { href: src, target: "_blank", rel: "noopener" }, h("img", { class: "thumbnail", src, alt: name, loading: "lazy" })));
}

function isAsked({ elicitations }, callId) {
  return Object.values(elicitations).some((request) => request.call_id === callId);
}
