/** A frame of a fixed height whose drawing is loaded when it is first seen, and drawn again for each width. */

import { h } from "../ui/dom.js";

/**
 * @param {(width: number) => Promise<Element>} draw  `width` is in pixels
 * @param {string} name  the class of the frame
 */
export function framed(draw, name = "chart-frame") {
  const element = h("div", { class: name });
  let latest = 0;
  new ResizeObserver(async ([{ contentRect }]) => {
    const width = Math.floor(contentRect.width);
    latest = width;
    const drawing = width > 0 ? await draw(width).catch(() => null) : null;
    if (drawing && width === latest) element.replaceChildren(drawing);
  }).observe(element);
  return element;
}
