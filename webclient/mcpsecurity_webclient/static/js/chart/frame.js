/** A frame of a fixed height whose drawing is loaded when it is first seen, and drawn again for each width. */

import { h } from "../ui/dom.js";
import { absent } from "../ui/ondemand.js";

/**
 * @param {(width: number) => Promise<Element>} draw  `width` is in pixels
 * @param {string} name  the class of the frame
 */
export function framed(draw, name = "chart-frame") {
  const element = h("div", { class: name });
  let latest = 0;
  const redraw = async () => {
    const width = latest;
    if (width <= 0) return;
    const drawing = await draw(width).catch(() => absent(redraw));
    if (width === latest) element.replaceChildren(drawing);
  };
  new ResizeObserver(([{ contentRect }]) => {
    const width = Math.floor(contentRect.width);
    if (width === latest) return; // its drawing made it higher
    latest = width;
    redraw();
  }).observe(element);
  return element;
}
