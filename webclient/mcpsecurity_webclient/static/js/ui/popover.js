/** Menus in the top layer: the browser closes them on Escape and on a click elsewhere; they stand at their button. */

const GAP = 6;

/** @param {HTMLButtonElement} opener  @param {HTMLElement} panel  has the attribute popover  @param {() => void} [fill] */
export function anchored(opener, panel, fill = () => {}) {
  opener.popoverTargetElement = panel;
  const place = () => placeAt(opener, panel);
  new ResizeObserver(place).observe(panel);
  window.addEventListener("resize", place);
  panel.addEventListener("toggle", (event) => {
    if (event.newState !== "open") return;
    fill();
    place();
  });
}

/** Open a panel at one of several buttons, or close it if it is open there. */
export function openAt(opener, panel) {
  if (panel.matches(":popover-open")) panel.hidePopover();
  panel.showPopover({ source: opener });
  placeAt(opener, panel);
}

function placeAt(opener, panel) {
  if (!panel.matches(":popover-open")) return;
  const anchor = opener.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = panel;
  const below = anchor.bottom + GAP + height <= innerHeight;
  const top = below ? anchor.bottom + GAP : Math.max(anchor.top - GAP - height, GAP);
  const left = Math.min(Math.max(anchor.left, GAP), Math.max(innerWidth - width - GAP, GAP));
  panel.style.top = `${top}px`;
  panel.style.left = `${left}px`;
}
