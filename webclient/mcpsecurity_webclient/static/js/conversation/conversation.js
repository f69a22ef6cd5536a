/** The conversation: messages in order, and where questions stand – below the call that raised them, or at the end. */

import { arrange, h } from "../ui/dom.js";
import { attempt } from "../protocol/attempt.js";
import { deadlineOf } from "../requests/deadline.js";
import { elicitationForm } from "../requests/elicitation.js";
import { outcomeLine } from "../requests/outcome.js";
import { samplingRequest } from "../requests/sampling.js";
import { visitRequest } from "../requests/visit.js";
import { Ending } from "./ending.js";
import { MessageView } from "./message.js";
import { VersionSwitch, forkAt } from "./versions.js";
import { t } from "../ui/texts.js";

/** So many messages at the end are laid out even when they are out of view: one of them may wait for the person. */
const LAST = 8;

export class Conversation {
  /** @param {HTMLElement} log  @param {PageContext} context */
  constructor(log, context) {
    this._log = log;
    this._context = context;
    this._messages = new Map();
    this._requests = new Map();
    this._outcomes = new Map();
    this._askedId = "";
    this._ending = new Ending(context, () => this.editLast());
    this._loose = h("div", { class: "requests loose" });
    this._list = h("div", { class: "messages" });
    this._versions = new VersionSwitch(context);
    log.append(this._list, this._versions.element, this._loose, this._ending.element);
  }

  update(state) {
    this._log.setAttribute("aria-busy", String(state.run !== null));
    const requests = this._drawRequests(state);
    const lastId = state.order.at(-1);
    const requestsFor = (callId) => requests.get(callId) ?? [];
    const asked = state.order.findLastIndex((id) => state.messages[id].role === "user");
    this._askedId = state.order[asked] ?? "";
    const elements = state.order.map((id, index) => {
      const goesOn = index > 0 && state.messages[state.order[index - 1]].role === "assistant";
      const situation = { isLast: id === lastId, isEarlier: state.order.length - index > LAST, goesOn, inLastAnswer: index > asked, requestsFor, fork: forkAt(state, index) };
      return attempt("drawing a message", () => this._drawn(state.messages[id], state, situation)) ?? this._unshown(id);
    });
    arrange(this._list, elements);
    this._forget(this._messages, state.messages);
    arrange(this._loose, requests.get(null));
    this._versions.update(forkAt(state, state.order.length), state.run !== null);
    this._ending.update(state);
  }

  /**
   * Let the person change what she said last. Returns false when she said nothing yet.
   * @param {() => void} [leave]  see `OwnActions.edit`
   */
  editLast(leave) {
    const asked = this._messages.get(this._askedId);
    asked?.edit(leave);
    return asked !== undefined;
  }

  _drawn(message, state, situation) {
    const view = this._view(message, situation.isEarlier);
    view.update(message, state, situation);
    return view.element;
  }

  /** Return a placeholder for a message that cannot be drawn: as much of its text as there is, or a note that it is missing. */
  _unshown(id) {
    const drawn = this._messages.get(id);
    if (drawn) return drawn.element;
    const element = h("article", { class: "message" }, h("p", { class: "muted" }, t("This message cannot be shown.")));
    this._messages.set(id, { element, update: () => {}, edit: () => {} });
    return element;
  }

  _view(message, isEarlier) {
    const id = message.message_id;
    if (!this._messages.has(id)) {
      const view = new MessageView(message, this._context);
      view.element.classList.toggle("earlier", isEarlier); // for good: nothing moves when it changes
      this._messages.set(id, view);
    }
    return this._messages.get(id);
  }

  /** Return the elements of questions and of their outcomes, by the call that raised them; null for none. */
  _drawRequests(state) {
    const placed = new Map([[null, []]]);
    const place = (callId, element) => {
      const key = callId && state.calls[callId] ? callId : null;
      placed.set(key, [...(placed.get(key) ?? []), element]);
    };
    const draw = (callId, make) => attempt("drawing a request", () => place(callId, make()));
    for (const outcome of Object.values(state.outcomes)) draw(outcome.call_id, () => this._outcome(outcome, state.run === null));
    for (const request of Object.values(state.elicitations)) draw(request.call_id, () => this._elicitation(request));
    for (const request of Object.values(state.samplings)) draw(null, () => this._sampling(request));
    this._close({ ...state.elicitations, ...state.samplings });
    return placed;
  }

  _elicitation(request) {
    const make = request.mode === "url" ? visitRequest : elicitationForm;
    return this._request(request.elicitation_id, request, () => make(request, this._context));
  }

  _sampling(request) {
    return this._request(request.sampling_id, request, () => samplingRequest(request, this._context));
  }

  _request(id, request, make) {
    if (!this._requests.has(id)) this._requests.set(id, make());
    const frame = this._requests.get(id);
    frame.extend(deadlineOf(request));
    return frame.element;
  }

  _outcome(outcome, mayAskAgain) {
    const id = outcome.elicitation_id;
    if (!this._outcomes.has(id)) this._outcomes.set(id, outcomeLine(outcome, this._context));
    this._outcomes.get(id).update(mayAskAgain);
    return this._outcomes.get(id).element;
  }

  /** Remove the settled questions, and move the focus out of them. */
  _close(pending) {
    for (const [id, frame] of this._requests) {
      if (pending[id]) continue;
      frame.close();
      this._requests.delete(id);
      if (frame.element.contains(document.activeElement)) this._context.leave(frame.element);
    }
  }

  _forget(views, wanted) {
    for (const id of views.keys()) if (!wanted[id]) views.delete(id);
  }
}
