/** Commands to the server: one POST for one thing a person decided (docs/chat-protocol.md). */

import { t } from "../ui/texts.js";
import { writeExact } from "./exact.js";

const RETRIES = 2;
const RETRY_AFTER_MS = 400;
const GATEWAY = [502, 503, 504];

/** A command that the server refused, or could not be asked. `message` is written for a person. */
export class CommandError extends Error {
  /** @param {number} status  @param {{code?: string, message?: string, retryable?: boolean, fields?: any, sign_in_url?: string}} error */
  constructor(status, { code = "failed", message, retryable = false, fields = {}, sign_in_url: signInUrl } = {}) {
    super(message ?? t("The server could not do that."));
    this.name = "CommandError";
    this.status = status;
    this.code = code;
    this.retryable = retryable;
    this.fields = fields;
    this.signInUrl = signInUrl;
  }
}

export class Commands {
  /** @param {{chatId: string, csrfToken: string, reached?: () => void, fetch?: any}} given  `reached` is called when the chat answers */
  constructor({ chatId, csrfToken, reached = () => {}, fetch = (path, request) => globalThis.fetch(path, request) }) {
    /** @type {Map<Promise<any>, string>} the choices that are on their way, each with its chat's address */
    this._choices = new Map();
    this.open(chatId);
    this._csrfToken = csrfToken;
    this._reached = reached;
    this._fetch = fetch;
  }

  /** Send the commands that follow to another chat. */
  open(chatId) {
    this.chatId = chatId;
    this._base = pathOf(chatId);
  }

  newChat() {
    return this._post("/api/chats", {});
  }

  /** @param {{attachments?: any[], prompt?: any, files?: any[], queue?: boolean}} extras */
  message(text, extras = {}) {
    return this._ask("messages", { text, time_zone: timeZone(), ...extras });
  }

  mode(mode) {
    return this._choose("mode", { mode });
  }

  /** Have another model answer. */
  model(name) {
    return this._choose("model", { model: name });
  }

  /** @param {{reason?: string, arguments?: Object, always?: string}} extras */
  decide(call, decision, extras = {}) {
    const path = `calls/${encodeURIComponent(call.call_id)}/decision`;
    return this._chat(path, { decision, args_hash: call.args_hash, ...extras });
  }

  decideBatch(batchId, decision) {
    return this._chat(`batches/${encodeURIComponent(batchId)}/decision`, { decision });
  }

  /** @param {"accept"|"decline"|"cancel"} action */
  /** @param {string} elicitationId  @param {"accept"|"decline"|"cancel"} action  @param {any} [content] */
  answer(elicitationId, action, content) {
    const path = `elicitations/${encodeURIComponent(elicitationId)}`;
    return this._chat(path, content === undefined ? { action } : { action, content });
  }

  decideSampling(samplingId, decision) {
    return this._chat(`samplings/${encodeURIComponent(samplingId)}`, { decision });
  }

  /** @param {string} kind  call, elicitation or sampling */
  moreTime(kind, id) {
    return this._chat(`${kind}s/${encodeURIComponent(id)}/more-time`, {});
  }

  stop(runId) {
    return this._chat(`runs/${encodeURIComponent(runId)}/stop`, {});
  }

  regenerate() {
    return this._ask("regenerate", {});
  }

  /** Ask again, from the results that are there. */
  retry() {
    return this._ask("retry", {});
  }

  /** Have an answer that was cut off gone on with. */
  goOn() {
    return this._ask("continue", {});
  }

  /** @param {string} messageId  @param {string} text  @param {{files: number[], attachments: number[]}} kept  what stays of them */
  editMessage(messageId, text, kept) {
    return this._ask(`messages/${encodeURIComponent(messageId)}/edit`, { text, time_zone: timeZone(), ...kept });
  }

  deleteMessage(messageId) {
    return this._chat(`messages/${encodeURIComponent(messageId)}/delete`, {});
  }

  /** @param {string} messageId  @param {"up"|"down"|null} feedback */
  rate(messageId, feedback) {
    return this._chat(`messages/${encodeURIComponent(messageId)}/feedback`, { feedback });
  }

  /** Open a version, counted from 1, of the messages after one (null: of all messages). */
  openVersion(after, open) {
    return this._chat("branches", { after, open });
  }

  /** Remove a message that waits for the end of the answer. */
  takeBack(messageId, chatId = this.chatId) {
    return this._post(`${pathOf(chatId)}/queue/${encodeURIComponent(messageId)}/take-back`, {});
  }

  sendQueued(messageId) {
    return this._ask(`queue/${encodeURIComponent(messageId)}/send`, {});
  }

  revoke({ server, tool, scope, args_hash: hash }) {
    return this._choose("grants", { server, tool, scope, ...(hash ? { args_hash: hash } : {}) });
  }

  /** Turn a tool, or with "" the whole server, on or off in this chat. */
  turnTool(server, tool, on) {
    return this._choose("tools", { server, tool, on });
  }

  /** Forget the person's tokens for one server. */
  signOutOf(server) {
    return this._chat(`servers/${encodeURIComponent(server)}/sign-out`, {});
  }

  rename(chatId, title) {
    return this._post(`${pathOf(chatId)}/rename`, { title });
  }

  pin(chatId, pinned) {
    return this._post(`${pathOf(chatId)}/pin`, { pinned });
  }

  /** Delete a chat, even if the page goes meanwhile. */
  remove(chatId) {
    return this._post(`${pathOf(chatId)}/delete`, {}, { keepalive: true });
  }

  /** @param {string} search  words that a conversation has in its title or its messages; none: all */
  chats(search = "") {
    return this._read(search ? `/api/chats?search=${encodeURIComponent(search)}` : "/api/chats");
  }

  /** Return {chat_id, title} of the open chat; an error if it no longer exists. */
  chat() {
    return this._read(this._base);
  }

  catalog() {
    return this._read(`${this._base}/catalog`);
  }

  /** Return values for an argument of a prompt or a resource template. */
  complete(server, kind, of, name, values) {
    return this._chat("complete", { server, kind, of, name, values });
  }

  tools() {
    return this._read(`${this._base}/tools`);
  }

  /** Where a file of a message is, counted from 0. */
  fileUrl(messageId, number) {
    return `${this._base}/messages/${encodeURIComponent(messageId)}/files/${number}`;
  }

  session() {
    return this._read("/api/session");
  }

  get eventsUrl() {
    return `${this._base}/events`;
  }

  /** Send a choice that holds for later messages. */
  _choose(path, body) {
    const chosen = this._chat(path, body);
    const settled = () => this._choices.delete(chosen);
    this._choices.set(chosen, this._base);
    chosen.then(settled, settled);
    return chosen;
  }

  /** Ask the model for something once the server has every choice that was made before; not if it refused one. */
  async _ask(path, body) {
    const base = this._base;
    await Promise.all([...this._choices].filter(([, of]) => of === base).map(([chosen]) => chosen));
    return this._post(`${base}/${path}`, body);
  }

  _chat(path, body) {
    return this._post(`${this._base}/${path}`, body);
  }

  _read(path) {
    return this._request(path, { headers: { Accept: "application/json" } });
  }

  /** Sending a command again is safe when no answer of the chat has come: it knows a command by `client_request_id`. */
  async _post(path, body, options = {}) {
    const request = {
      ...options,
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": this._csrfToken },
      body: writeExact({ ...body, client_request_id: requestId() }),
    };
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this._request(path, request);
      } catch (error) {
        if (error.code !== "offline" || attempt >= RETRIES) throw error;
        await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER_MS * (attempt + 1)));
      }
    }
  }

  async _request(path, request) {
    let response;
    try {
      response = await this._fetch(path, { credentials: "same-origin", cache: "no-store", redirect: "error", ...request });
    } catch {
      throw new CommandError(0, { code: "offline", message: unreachable(), retryable: true });
    }
    const body = await response.json().catch(() => ({}));
    if (!response.ok) throw new CommandError(response.status, body.error ?? ofProxy(response.status));
    this._reached();
    return body;
  }
}

/** Return the name of the person's time zone; undefined where the browser does not tell. */
function timeZone() {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || undefined;
}

function unreachable() {
  return navigator.onLine ? t("The chat could not be reached, so nothing was changed.") : t("There was no connection, so nothing was changed.");
}

/** Return the error of a response that is not the chat's own: a proxy answers while the chat is being restarted. */
function ofProxy(status) {
  if (!GATEWAY.includes(status)) return {};
  return { code: "offline", message: t("The chat does not answer at the moment; it may be restarting."), retryable: true };
}

/** Return the address of a chat's commands. */
export function pathOf(chatId) {
  return `/api/chats/${encodeURIComponent(chatId)}`;
}

/** 128 random bits. `crypto.randomUUID` would need https, which a test deployment may not have. */
function requestId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
