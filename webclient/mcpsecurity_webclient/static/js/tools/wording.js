/** The words and symbols of a call's states. */

import { number, t } from "../ui/texts.js";

const SYMBOLS = { proposed: "tool", approved: "tool", running: "tool", done: "check", failed: "alert", declined: "close", refused: "close", dismissed: "minus", cancelled: "minus", expired: "clock", stopped: "minus" };

/** Return a call's state in the page's words: an expired or stopped call was not declined, and one whose question was has not failed. */
export function stateOf({ status, decided_by: by, refused }) {
  if (status === "failed" && refused) return refused === "decline" ? "refused" : "dismissed";
  if (status === "declined" && by === "timeout") return "expired";
  return status === "declined" && by === "stop" ? "stopped" : status;
}

export function symbolOf(call) {
  return SYMBOLS[stateOf(call)] ?? "tool";
}

/** Return a state in words. */
function stateWords(status) {
  const words = {
    proposed: t("Needs your decision"), approved: t("Approved"), running: t("Running"), done: t("Done"),
    failed: t("Failed"), declined: t("Declined"), cancelled: t("Cancelled"),
    refused: t("You declined its question"), dismissed: t("You cancelled its question"),
    expired: t("Expired: no answer in time"), stopped: t("Not run: you stopped the answer"),
  };
  return words[status] ?? status;
}

/** Return a call's state in a few words. */
export function wordsFor(call) {
  const { status, decided_by: by, duration_ms: duration, edited, unasked } = call;
  const state = stateOf(call);
  if (state !== status) return stateWords(state);
  const words = [stateWords(status)];
  if (edited && ["approved", "running", "done"].includes(status)) words.push(t("with your changes"));
  if (["done", "failed"].includes(status) && typeof duration === "number") words.push(span(duration));
  if (by === "grant" && status !== "proposed") words.push(t("allowed before"));
  if (unasked && ["done", "failed", "cancelled"].includes(status)) words.push(t("ran without asking you"));
  return words.join(" · ");
}

/** Return how long something took. */
export function span(milliseconds) {
  if (milliseconds < 1000) return t("{count} ms", { count: Math.max(Math.round(milliseconds), 1) });
  if (milliseconds < 60000) return t("{count} s", { count: number(milliseconds / 1000, 1) });
  return t("{minutes} min {seconds} s", { minutes: Math.floor(milliseconds / 60000), seconds: Math.round((milliseconds % 60000) / 1000) });
}
