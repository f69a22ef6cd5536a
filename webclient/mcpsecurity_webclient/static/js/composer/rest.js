/**
 * When the composer rests: on a low or narrow screen it is one line then (layout.css). It rests from the moment the person sends
 * something until she turns to it, so it never changes because of what the server does.
 */

const MEANS_NOTHING = new Set(["Enter", "Escape", "Shift", "Control", "Alt", "Meta"]);

export class Rest {
  /** @param {HTMLElement} text  where the person writes */
  constructor(text) {
    // A click, not the press before it: after a touch, the element below the finger gets the focus.
    for (const name of ["click", "input"]) text.addEventListener(name, () => this.end());
    text.addEventListener("keydown", ({ key, altKey, ctrlKey, metaKey }) => {
      if (!MEANS_NOTHING.has(key) && !altKey && !ctrlKey && !metaKey) this.end();
    });
  }

  begin() {
    document.body.classList.add("rests", "spoke");
  }

  /** Another chat is open. */
  restart() {
    document.body.classList.remove("spoke");
  }

  end() {
    document.body.classList.remove("rests");
  }
}
