/** What a person prefers in this browser. Cookies, so that the server draws the first page right (web/preferences.py). */

const YEAR_S = 31536000;

/**
 * Keep a choice, or forget it when it is "".
 * @param {"theme"|"language"} name
 * @param {string} value
 */
export function prefer(name, value) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=${value}; Path=/; SameSite=Lax; Max-Age=${value ? YEAR_S : 0}${secure}`;
}

/** Show the page light or dark, or as the system is ("").  @param {string} theme */
export function applyTheme(theme) {
  const root = document.documentElement;
  if (theme) root.dataset.theme = theme;
  else delete root.dataset.theme;
  document.querySelector('meta[name="color-scheme"]')?.setAttribute("content", theme || "light dark");
  for (const meta of document.querySelectorAll("meta[data-scheme]")) {
    const scheme = meta.getAttribute("data-scheme");
    meta.setAttribute("media", theme ? (theme === scheme ? "all" : "not all") : `(prefers-color-scheme: ${scheme})`);
  }
}
