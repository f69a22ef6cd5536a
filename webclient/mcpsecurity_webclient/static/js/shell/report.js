/** Turns a refused command into something a person can act on. */

/**
 * @param {Toasts} toasts
 * @param {(text: string) => void} onEnded  called with the sign-in URL when the session has ended
 * @returns {(error: any, again?: () => Promise<any>) => void}  `again` repeats the command
 */
export function reporter(toasts, onEnded) {
  return (error, again) => {
    if (error.name !== "CommandError") throw error;
    if (error.status === 401) {
      onEnded(error.signInUrl);
    } else {
      toasts.show({ level: levelOf(error), message: wordsOf(error), again: error.retryable ? again : undefined });
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
