/** The words and symbols of a call's states. */

const STATES = {
  proposed: "Needs your decision",
  approved: "Approved",
  running: "Running",
  done: "Done",
  failed: "Failed",
  declined: "Declined",
  cancelled: "Cancelled",
};
const SYMBOLS = { proposed: "tool", approved: "tool", running: "tool", done: "check", failed: "alert", declined: "close", cancelled: "minus", expired: "clock", stopped: "minus" };

/** Return a call's state as the page tells it: a call that nobody answered was not declined, and neither was one that was stopped. */
export function stateOf({ status, decided_by: by }) {
  if (status === "declined" && by === "timeout") return "expired";
  return status === "declined" && by === "stop" ? "stopped" : status;
}

export function symbolOf(call) {
  return SYMBOLS[stateOf(call)] ?? "tool";
}

/** Return a call's state in a few words. */
export function wordsFor(call) {
  const { status, decided_by: by, duration_ms: duration, edited, unasked } = call;
  const state = stateOf(call);
  if (state === "expired") return "Expired: no answer in time";
  if (state === "stopped") return "Not run: you stopped the answer";
  const words = [STATES[status] ?? status];
  if (edited && ["approved", "running", "done"].includes(status)) words.push("with your changes");
  if (["done", "failed"].includes(status) && typeof duration === "number") words.push(span(duration));
  if (by === "grant" && status !== "proposed") words.push("allowed before");
  if (unasked && ["done", "failed", "cancelled"].includes(status)) words.push("ran without asking you");
  return words.join(" · ");
}

function span(milliseconds) {
  if (milliseconds < 1000) return `${Math.max(Math.round(milliseconds), 1)} ms`;
  if (milliseconds < 60000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return `${Math.floor(milliseconds / 60000)} min ${Math.round((milliseconds % 60000) / 1000)} s`;
}
