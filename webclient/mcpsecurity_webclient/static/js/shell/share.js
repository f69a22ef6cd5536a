/**
 * Share a chat: its text goes to an application that the person chooses in her system's own sheet, or into the clipboard
 * where there is none. There are no links to a chat: only its owner can open it.
 */

import { t } from "../ui/texts.js";

/** A system's sheet takes no more, roughly. */
const MOST = 100_000;

/** @param {string} url  where the chat is exported as Markdown  @param {string} title  @param {PageContext} context */
export async function share(url, title, { tell }) {
  const response = await fetch(url).catch(() => null);
  if (!response) return tell(t("The chat could not be reached, so nothing was changed."));
  if (!response.ok) return tell(t("The server could not do that."));
  const text = await response.text();
  if (text.length <= MOST && navigator.canShare?.({ title, text })) {
    const shared = await navigator.share({ title, text }).then(() => true, (error) => error.name === "AbortError");
    if (shared) return;
  }
  try {
    await navigator.clipboard.writeText(text);
    tell(t("Copied as Markdown. Paste it wherever you want to share it."));
  } catch {
    tell(t("The browser did not allow copying."));
  }
}
