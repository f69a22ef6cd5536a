/** How the last answer ended, in words: the text below it, the actions offered, and the announcement for screen readers. */

import { t } from "../ui/texts.js";

const RETRY = ["retry"];
const GO_ON = ["continue", "retry"];
const EDIT = ["edit"];

/** For each reason: the words below an answer with text, those for one without, and what can be done. */
const BY_REASON = {
  length: () => [t("The answer was cut off at the model's limit."), t("The model reached its limit before it said a word."), GO_ON],
  content_filter: () => [t("The model's content filter ended this answer."), t("The model's content filter held back the whole answer."), RETRY],
  refusal: () => [t("The model refused."), t("The model refused without a reason."), EDIT],
  empty: () => [t("The model only thought, and gave no answer. What it thought is shown above."), t("The model gave no answer."), RETRY],
  call_as_text: () => [t("The model wrote a tool call as text, so no tool was run."), t("The model gave no answer."), RETRY],
  unreadable: () => [t("A part of this answer could not be read."), t("The answer could not be read."), RETRY],
  broken_off: () => [t("This answer broke off before its end."), t("The answer broke off before its first word."), GO_ON],
  stopped: () => [t("This answer was stopped before its end."), t("The answer was stopped before its first word."), GO_ON],
};
const AS_IT_SHOULD = ["stop", "tool_calls", null, undefined];

/** The endings are kept as one object for one run or message, so that comparing them with === is enough. */
const seen = new WeakMap();

/** Return {message, actions, kind?, retry_after?} for an ending of the last answer that needs words, or null. */
export function endingOf(state) {
  const last = state.messages[state.order.at(-1)];
  if (state.run || (last && last.message_id === state.awaits)) return null; // its answer is about to begin
  const key = state.lastRun ?? last;
  return key ? remembered(key, () => (state.lastRun ? ofRun(state.lastRun, last) : ofMessage(last))) : null;
}

/** Return why an answer has no text, for one that is not the last any more; "" if there is nothing to say. */
export function missingWords(message) {
  return message.text?.trim() || message.calls.length > 0 ? "" : (byReason(message)?.message ?? "");
}

function ofRun({ status, error }, last) {
  if (status === "stopped") return note(t("You stopped this answer."), isCutOff(last) ? GO_ON : RETRY);
  if (status === "max_rounds") return note(t("The model used tools too many times in a row, so it was stopped."));
  if (status === "failed") return { ...error, message: error?.message || t("There was no answer."), actions: afterError(error, last) };
  if (error?.code === "model_only_thought") return note(error.message);
  if (typeof error?.message === "string") return { ...error, actions: afterError(error, last) };
  return byReason(last) ?? (isAnswer(last) ? null : note(t("The model gave no answer.")));
}

function afterError(error, last) {
  if (["content_filter", "too_long"].includes(error?.code) && error.retryable === false) return EDIT;
  if (error?.retryable === false) return [];
  return isCutOff(last) ? GO_ON : RETRY;
}

/** What a conversation shows of its last answer when it is opened again. */
function ofMessage(last) {
  if (last.left_out) return note(t("The model's content filter refused this message."), EDIT);
  const unanswered = last.role === "user" || last.finish_reason === "tool_calls"; // its calls ended with a process
  return unanswered ? note(t("There is no answer to this message.")) : byReason(last);
}

function byReason(message) {
  const reason = message?.finish_reason;
  if (message?.role !== "assistant" || AS_IT_SHOULD.includes(reason)) return null;
  if (!Object.hasOwn(BY_REASON, reason)) return note(t("The model ended this answer for a reason that is not known here: {reason}.", { reason }));
  const [words, without, actions] = BY_REASON[reason]();
  return message.text?.trim() ? note(words, actions) : note(without, actions === GO_ON ? RETRY : actions);
}

function isCutOff(message) {
  const cut = ["length", "broken_off", "stopped"].includes(message?.finish_reason);
  return cut && message.calls.length === 0 && Boolean(message.text?.trim());
}

function isAnswer(message) {
  return message?.role === "assistant" && message.finish_reason !== "tool_calls" && Boolean(message.text?.trim());
}

function note(message, actions = RETRY) {
  return { message, actions, kind: "note" };
}

function remembered(key, make) {
  if (!seen.has(key)) seen.set(key, make());
  return seen.get(key);
}
