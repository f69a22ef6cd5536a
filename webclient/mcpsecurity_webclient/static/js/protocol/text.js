/**
 * A message's text as it arrives. Blocks that are complete pile up in `stable`; `html` is the unfinished last block and
 * is replaced by each piece. A message that is `done` has all of it in `html`.
 */

/**
 * Return `message` with one more piece of text, the same object if it has the piece already, or null when pieces in
 * between are missing. `offset` counts characters as the server does: code points, not UTF-16 units. With `reset` the text
 * so far is not part of the answer, and this piece begins it.
 * @param {MessageState} message
 * @param {MessageDelta} delta
 */
export function deliver(message, { offset, text = "", html = message.html, stable, reset }) {
  if (message.done) return message;
  const before = reset ? { ...message, text: "", stable: "", length: 0 } : message;
  if (!(offset >= before.length)) return message;
  if (offset > before.length) return null;
  return {
    ...before,
    text: before.text + text,
    length: offset + codePoints(text),
    stable: before.stable + (stable ?? ""),
    html,
  };
}

/**
 * Return an assistant message without any text yet.
 * @returns {MessageState}
 */
export const begin = (id, at) => ({
  message_id: id, role: "assistant", text: "", html: "", stable: "", length: 0, at, calls: [], done: false,
});

/** Return a message from a snapshot that is still being written. */
export const resume = (message) => ({
  ...message,
  stable: message.stable ?? "",
  html: message.html ?? "",
  length: codePoints(message.text),
  done: false,
});

/** Return a finished message: it does not change any more. */
export function finish(message) {
  return { ...message, html: (message.stable ?? "") + (message.html ?? ""), stable: "", done: true };
}

function codePoints(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
