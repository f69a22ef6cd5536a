/**
 * When the composer rests: on a low screen it is one line then (layout.css). It rests from the moment the person sends
 * something until she turns to it, so it never changes because of what the server does.
 */

const MEANS_NOTHING = new Set(["Enter", "Escape", "Shift", "Control", "Alt", "Meta"]);

export class Rest {
  /** @param {HTMLElement} text  where the person writes */
  constructor(text) {
    for (const name of ["pointerdown", "input"]) text.addEventListener(name, () => this.end());
    text.addEventListener("keydown", ({ key, altKey, ctrlKey, metaKey }) => {
      if (!MEANS_NOTHING.has(key) && !altKey && !ctrlKey && !metaKey) this.end();
    });
  }

  begin() {
    document.body.classList.add("rests");
  }

  end() {
    document.body.classList.remove("rests");
  }
}
