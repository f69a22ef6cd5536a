/** The words and symbols of a call's states. */

const STATES = {
  proposed: "Waiting for you",
  approved: "Approved",
  running: "Running",
  done: "Done",
  failed: "Failed",
  declined: "Declined",
  cancelled: "Cancelled",
};
const SYMBOLS = { proposed: "tool", approved: "tool", running: "tool", done: "check", failed: "alert", declined: "close", cancelled: "minus" };

export function symbolOf(status) {
  return SYMBOLS[status] ?? "tool";
}

/** Return a call's state in a few words. */
export function wordsFor({ status, decided_by: by, duration_ms: duration, edited, unasked }) {
  if (status === "declined" && by === "timeout") return "Declined: nobody answered in time";
  if (status === "declined" && by === "stop") return "Declined: stopped";
  const words = [STATES[status] ?? status];
  if (edited && ["approved", "running", "done"].includes(status)) words.push("edited");
  if (["done", "failed"].includes(status) && typeof duration === "number") words.push(span(duration));
  if (by === "grant" && status !== "proposed") words.push("allowed in this chat");
  if (unasked && ["done", "failed", "cancelled"].includes(status)) words.push("Ran without asking you");
  return words.join(" · ");
}

/** Return what the server says of its tool. It may be wrong, so it is said as its claim. */
export function hints(annotations) {
  if (annotations?.destructiveHint && !annotations.readOnlyHint) {
    return { kind: "warning", text: "Its server says: this may change or delete data." };
  }
  return annotations?.readOnlyHint ? { kind: "", text: "Its server says: this only reads." } : null;
}

function span(milliseconds) {
  if (milliseconds < 1000) return `${Math.max(Math.round(milliseconds), 1)} ms`;
  if (milliseconds < 60000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return `${Math.floor(milliseconds / 60000)} min ${Math.round((milliseconds % 60000) / 1000)} s`;
}
