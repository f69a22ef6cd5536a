/** Line icons, 24 × 24, drawn in the text's colour. They say nothing to a screen reader. */

import { svg } from "./dom.js";

const PATHS = {
  back: ["m14.5 6-6 6 6 6"],
  forth: ["m9.5 6 6 6-6 6"],
  thumbUp: ["M7 11v8.5H4.5V11z", "M7 11l4-7a2 2 0 0 1 2 2v3.5h5a1.6 1.6 0 0 1 1.6 1.9l-1.2 6.6a1.8 1.8 0 0 1-1.8 1.5H7"],
  thumbDown: ["M7 13V4.5H4.5V13z", "M7 13l4 7a2 2 0 0 0 2-2v-3.5h5a1.6 1.6 0 0 0 1.6-1.9l-1.2-6.6a1.8 1.8 0 0 0-1.8-1.5H7"],
  alert: ["M12 4 2.8 19.5h18.4z", "M12 10v4.5", "M12 17v.2"],
  attach: ["M19 11.5 12 18.4a4.3 4.3 0 0 1-6.1-6.1l7.4-7.3a2.9 2.9 0 0 1 4.1 4.1l-7.3 7.2a1.4 1.4 0 0 1-2-2l6.5-6.4"],
  check: ["m5 12.5 4.6 4.6L19 7.4"],
  clock: ["M12 4a8 8 0 1 0 .1 0z", "M12 8v4.5l3 1.8"],
  close: ["M6.5 6.5l11 11", "M17.5 6.5l-11 11"],
  copy: ["M9 9h10v11H9z", "M15 9V4H5v11h4"],
  down: ["M12 5v14", "m6 13 6 6 6-6"],
  form: ["M5 4h14v16H5z", "M8.5 9h7", "M8.5 13h7", "M8.5 17h3.5"],
  info: ["M12 4a8 8 0 1 0 .1 0z", "M12 11.5v4.5", "M12 8v.2"],
  link: ["M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 1 0-5.7-5.7l-1 1", "M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 1 0 5.7 5.7l1-1"],
  menu: ["M4 7h16", "M4 12h16", "M4 17h16"],
  minus: ["M7 12h10"],
  more: ["M5.5 12h.1", "M12 12h.1", "M18.5 12h.1"],
  pencil: ["M4.5 19.5l1-4.2L16.2 4.6l3.2 3.2L8.7 18.5z", "m13.8 7 3.2 3.2"],
  plus: ["M12 5.5v13", "M5.5 12h13"],
  redo: ["M19 12a7 7 0 1 1-2.2-5.1", "M19.5 3.8v4.4h-4.4"],
  send: ["M12 19V5.5", "m6 11 6-6 6 6"],
  signOut: ["M14 5H6v14h8", "M11 12h9", "m17 8.5 3.5 3.5-3.5 3.5"],
  slash: ["M15.5 4.5l-7 15"],
  stop: ["M7.5 7.5h9v9h-9z"],
  bin: ["M5 7h14", "M9.5 7V4.5h5V7", "M7 7l.8 12.5h8.4L17 7"],
  tool: ["m6.5 8 4 4-4 4", "M13 16h5"],
};

/** Those that were drawn: a long conversation has thousands. */
const drawn = new Map();

/** Return a new icon by its name. */
export function icon(name) {
  if (!drawn.has(name)) {
    const paths = PATHS[name].map((d) => svg("path", { d }));
    drawn.set(name, svg("svg", { class: `icon icon-${name}`, viewBox: "0 0 24 24", "aria-hidden": "true" }, paths));
  }
  return drawn.get(name).cloneNode(true);
}
