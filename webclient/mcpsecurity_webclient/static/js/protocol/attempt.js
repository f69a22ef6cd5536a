/** One thing that cannot be understood or drawn is told to the console, and everything else goes on. */

/** Return what `work` returns; if it throws, log that with `what` it was about, and return `otherwise`. */
export function attempt(what, work, otherwise) {
  try {
    return work();
  } catch (error) {
    console.error(`mcpsecurity: ${what} failed`, error);
    return otherwise;
  }
}
