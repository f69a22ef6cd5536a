/**
 * What a screen reader is told, in whole sentences and only when something matters. The conversation itself is no live
 * region: it would read every piece of a streamed answer.
 */

import { endingOf } from "../protocol/endings.js";
import { serverTitle } from "../protocol/state.js";
import { sentenceText } from "../tools/summary.js";
import { wordsFor } from "../tools/wording.js";
import { t } from "../ui/texts.js";
import { byId } from "../ui/dom.js";

const PAUSE_MS = 150;
const LONGEST = 1000;

export class Announcer {
  constructor() {
    this._element = byId("announcer");
    this._waiting = [];
    this._timer = null;
    this.say = (words) => this._say(words);
  }

  /** Speak for the events of a chat. */
  hear({ name, data }, state) {
    const speak = SPEECH[name];
    if (speak) this._say(speak(data, state));
  }

  _say(words) {
    if (!words) return;
    this._waiting.push(words.slice(0, LONGEST));
    this._timer ??= setTimeout(() => this._speak(), PAUSE_MS);
  }

  _speak() {
    this._timer = null;
    this._element.textContent = this._waiting.splice(0).join(" ");
  }
}

const WHY_CANCELLED = {
  timeout: () => t("The request has expired: there was no answer in time."),
  restart: () => t("The request was cancelled: the service was restarted."),
};

const SPEECH = {
  "run.started": () => t("The assistant is answering."),
  "run.done": ({ status, error }, state) => (status === "completed" ? wholeAnswer(state) : (error?.message ?? t("The answer was stopped."))),
  "tool.decided": ({ call_id: id, by }, state) => (by === "timeout" ? t("There was no answer in time, so {tool} was not run.", { tool: titleOf(state, id) }) : ""),
  "tool.proposed": ({ call, by }, state) =>
    (by ? "" : t("Approval needed for {call}, of {server}.", { call: sentenceText(call), server: serverTitle(state, call.server) })),
  "tool.done": ({ call_id: id, status, unasked, refused }, state) =>
    (status === "declined" ? "" : `${titleOf(state, id)}: ${wordsFor({ status, unasked, refused })}.`),
  "elicitation.requested": ({ elicitation }, state) => t("{server} asks: {question}", { server: serverTitle(state, elicitation.server), question: elicitation.message }),
  "elicitation.resolved": ({ by }) => WHY_CANCELLED[by]?.() ?? "",
  "sampling.requested": ({ sampling }, state) => t("{server} asks to use the model.", { server: serverTitle(state, sampling.server) }),
};

function wholeAnswer(state) {
  return [lastAnswer(state), endingOf(state)?.message].filter(Boolean).join(" ");
}

function lastAnswer({ order, messages }) {
  const last = messages[order.at(-1)];
  return last?.role === "assistant" ? spoken(last.html) : "";
}

/** Return the words of a message without Markdown's marks; its HTML is the server's. */
function spoken(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.textContent?.replaceAll(/\s+/g, " ").trim() ?? "";
}

function titleOf({ calls }, id) {
  return calls[id]?.title || calls[id]?.tool || t("The call");
}
