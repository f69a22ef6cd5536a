/** Turns a refused command into something a person can act on. */

import { t } from "../ui/texts.js";

/**
 * @param {Toasts} toasts
 * @param {(text: string) => void} onEnded  called with the sign-in URL when the session has ended
 * @param {() => Promise<any>} showRunning  opens a chat that is being answered, when there are too many
 * @returns {(error: any, again?: () => Promise<any>) => (() => void) | undefined}  `again` repeats the command; removes the notice
 */
export function reporter(toasts, onEnded, showRunning) {
  return (error, again) => {
    if (error.name !== "CommandError") throw error;
    if (error.status === 401) {
      onEnded(error.signInUrl);
    } else if (error.code === "too_many_runs") {
      return toasts.show({ level: "warning", message: error.message, again: showRunning, label: t("Show") });
    } else {
      return toasts.show({ level: levelOf(error), message: wordsOf(error), again: error.retryable ? again : undefined });
    }
  };
}

function levelOf({ status }) {
  return status === 409 ? "info" : status === 410 ? "warning" : "error";
}

function wordsOf({ message, fields }) {
  const details = Object.entries(fields).map(([name, error]) => `${name}: ${error}`);
  return [message, ...details].join(" ");
}
