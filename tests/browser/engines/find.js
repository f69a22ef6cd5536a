/* What the tests of other engines find and do in a page, where Playwright does not reach: by role and name, as people do.
   Evaluates to an object of functions. An element is described by {role, name, within, css, nth}. */
({
  roles: {
    button: "button, summary, [role=button]",
    link: "a[href]",
    textbox: "textarea, input:not([type]), input[type=text], input[type=email], input[type=search]",
    field: "input, textarea, select",
    group: "[role=group], fieldset, article, section",
    dialog: "dialog, [role=dialog]",
    option: "[role=option]",
    row: "tr",
    switch: "[role=switch]",
    img: "img, [role=img]",
  },

  nameOf(element) {
    const labelled = element.getAttribute("aria-labelledby");
    if (labelled) return labelled.split(/\s+/).map((id) => document.getElementById(id)?.textContent ?? "").join(" ");
    const legend = element.matches("fieldset") ? element.querySelector("legend")?.textContent : undefined;
    const label = [...(element.labels ?? [])].map(({ textContent }) => textContent).join(" ");
    return element.getAttribute("aria-label") ?? (legend || label || element.textContent || element.title);
  },

  isShown(element) {
    return element.checkVisibility({ visibilityProperty: true });
  },

  /** Return the shown elements that match. A name is a part of the accessible name, without regard to case. */
  all({ role, name = "", within = null, css = null }) {
    const roots = within ? this.all(within) : [document];
    const found = roots.flatMap((root) => [...root.querySelectorAll(css ?? this.roles[role])]);
    const wanted = name.toLowerCase();
    return found.filter((element) => this.isShown(element) && this.nameOf(element).replaceAll(/\s+/g, " ").trim().toLowerCase().includes(wanted));
  },

  one(what) {
    const found = this.all(what);
    return found.at(what.nth ?? 0) ?? null;
  },

  /** Return the text that a person sees there, or would if she scrolled to it; null if there is no such element. */
  text(what) {
    const element = this.one(what);
    return element ? (element.innerText || element.textContent) : null;
  },

  count(what) {
    return this.all(what).length;
  },

  /** Return where to press an element; null while it is not there, is off, moves, or is covered by another. */
  async target(what) {
    const element = this.one(what);
    if (!element || element.matches("[aria-disabled=true], :disabled")) return null;
    element.scrollIntoView({ block: "center", behavior: "instant" });
    const before = this.middle(element);
    await new Promise((done) => setTimeout(done, 60));
    const { x, y } = this.middle(element);
    if (Math.abs(x - before.x) + Math.abs(y - before.y) > 1) return null;
    const hit = document.elementFromPoint(x, y);
    const isHit = hit && (element.contains(hit) || [...(element.labels ?? [])].some((label) => label.contains(hit)));
    return isHit ? { x, y } : null;
  },

  middle(element) {
    const box = element.getBoundingClientRect();
    return { x: Math.floor(box.x + box.width / 2), y: Math.floor(box.y + box.height / 2) };
  },

  focus(what) {
    const element = this.one(what);
    element?.focus();
    return element !== null && document.activeElement === element;
  },

  /** Give a field a value that keys cannot write in the same way everywhere: a date, a choice. */
  set({ value, ...what }) {
    const element = this.one(what);
    if (!element) return false;
    element.focus();
    const option = element.matches("select") ? [...element.options].find(({ label, value: key }) => label.includes(value) || key === value) : null;
    element.value = option ? option.value : value;
    element.dispatchEvent(new Event("input", { bubbles: true }));
    element.dispatchEvent(new Event("change", { bubbles: true }));
    return element.value !== "";
  },

  valueOf(what) {
    return this.one(what)?.value ?? null;
  },
})
