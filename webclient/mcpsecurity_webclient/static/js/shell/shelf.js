/**
 * The shelf above the composer: waiting requests, allowed tools, queued messages. It lies over the end of the conversation,
 * which leaves as much room below its last line as the shelf is high.
 *
 * @param {HTMLElement} shelf  @param {HTMLElement} log
 */
export function makeRoomFor(shelf, log) {
  new ResizeObserver(() => log.style.setProperty("--shelf", `${shelf.offsetHeight}px`)).observe(shelf);
}
