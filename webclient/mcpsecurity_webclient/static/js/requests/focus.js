/** Where the focus goes when what had it has been decided: to the next that waits, else to the message box. */

const WAITING = ".waiting, .card[data-status='proposed']";

/** @param {HTMLElement} settled  the decided request  @param {() => void} otherwise  focus the message box */
export function leave(settled, otherwise) {
  const next = [...document.querySelectorAll(WAITING)].find((element) => element !== settled && !settled.contains(element));
  if (next instanceof HTMLElement) {
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  } else if (matchMedia("(pointer: fine)").matches) {
    otherwise();
  } else {
    settled.focus({ preventScroll: true });
  }
}
