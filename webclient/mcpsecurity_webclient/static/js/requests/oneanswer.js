/**
 * One answer for one request, by whatever key or button: what the server has taken is not sent again while the page has
 * not yet heard how the request ended. A request that is still there after a while can be answered again.
 */

const A_WHILE_MS = 10_000;

/**
 * Return a function that sends an answer, and does nothing while another one is on its way or was taken.
 * @template {any[]} A
 * @param {(...values: A) => Promise<any>} send  rejects if the server does not take it
 * @returns {(...values: A) => Promise<boolean>}  whether it was sent
 */
export function oneAnswer(send) {
  let heldUntil = 0;
  return async (...values) => {
    if (performance.now() < heldUntil) return false;
    heldUntil = Infinity;
    try {
      await send(...values);
      heldUntil = performance.now() + A_WHILE_MS;
      return true;
    } catch (error) {
      heldUntil = 0;
      throw error;
    }
  };
}
