/** How the last answer ended, in words: what stands below it, and what a screen reader is told. */

const BY_REASON = {
  length: "The answer was cut off at the model's limit.",
  content_filter: "The model's content filter ended this answer.",
  refusal: "The model refused.",
};
const STOPPED_BEFORE = "This answer was stopped before its end.";

/** The endings are kept as one object for one run or message, so that comparing them with === is enough. */
const seen = new WeakMap();

/** Return {message, retryable, kind?, retry_after?} for what has to be said of the last answer, or null. */
export function endingOf(state) {
  if (state.run) return null;
  const last = state.messages[state.order.at(-1)];
  const key = state.lastRun ?? last;
  return key ? remembered(key, () => (state.lastRun ? ofRun(state.lastRun, last) : ofMessage(last))) : null;
}

function ofRun({ status, error }, last) {
  if (status === "stopped") return note("You stopped this answer.");
  if (status === "max_rounds") return note("The model used tools too many times in a row, so it was stopped.");
  if (status === "failed") return { message: "There was no answer.", retryable: true, ...error };
  if (typeof error?.message === "string") return { retryable: true, ...error };
  return byReason(last) ?? (isAnswer(last) ? null : note("The model gave no answer."));
}

/** What a conversation shows of its last answer when it is opened again. */
function ofMessage(last) {
  if (last.role === "assistant" && last.finish_reason === "stopped") return note(STOPPED_BEFORE);
  const unanswered = last.role === "user" || last.finish_reason === "tool_calls"; // its calls ended with a process
  return unanswered ? note("There is no answer to this message.") : byReason(last);
}

function byReason(message) {
  if (message?.role !== "assistant" || !Object.hasOwn(BY_REASON, message.finish_reason ?? "")) return null;
  return note(BY_REASON[message.finish_reason]);
}

function isAnswer(message) {
  return message?.role === "assistant" && message.finish_reason !== "tool_calls" && Boolean(message.text?.trim());
}

function note(message) {
  return { message, retryable: true, kind: "note" };
}

function remembered(key, make) {
  if (!seen.has(key)) seen.set(key, make());
  return seen.get(key);
}
