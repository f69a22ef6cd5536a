/**
 * What the page knows, as a pure function of the events it has seen: `reduce(state, event)` returns the next state and
 * changes nothing. Parts that did not change stay the same objects, so views compare with `===`. An event that was
 * seen before changes nothing; one that shows a gap sets `gap`, which asks for a new snapshot.
 */

import { begin, deliver, finish, resume } from "./text.js";

/** @type {Readonly<PageState>} */
export const INITIAL = Object.freeze({
  ready: false, gap: false, epoch: "", seq: 0, connection: "connecting", ended: null,
  user: null, servers: [], mode: "manual", model: null, models: [], context: null, title: "", grants: [], toolsOff: [], forks: [], queue: [],
  order: [], messages: {}, calls: {}, elicitations: {}, samplings: {}, outcomes: {},
  run: null, lastRun: null, awaits: null, catalogVersion: 0, chatsVersion: 0,
});

/** Events that say nothing of the chat itself, and have no place in its order. */
const WITHOUT_ORDER = ["session.expired", "chats.changed"];

/**
 * @param {PageState} state
 * @param {ChatEvent | PageEvent} event
 * @returns {PageState}
 */
export function reduce(state, event) {
  const apply = HANDLERS[event.name];
  if (event.name.startsWith("page.")) return apply(state, event.data);
  if (!apply) return { ...state, seq: Math.max(state.seq, event.seq) };
  if (WITHOUT_ORDER.includes(event.name)) return apply(state, event.data);
  if (event.name === "snapshot") return { ...apply(state, event.data), epoch: event.epoch, seq: event.data.seq ?? event.seq };
  if (!state.ready || event.epoch !== state.epoch) return state.gap ? state : { ...state, gap: true };
  if (event.seq <= state.seq) return state;
  if (event.seq > state.seq + 1) return { ...state, gap: true };
  return { ...apply(state, event.data), seq: event.seq };
}

/** Return the state after an event that cannot be applied: only its place in the order counts. */
export function passOver(state, { name, epoch, seq }) {
  const counts = name !== "snapshot" && epoch === state.epoch && seq > state.seq;
  return counts ? { ...state, seq } : state;
}

/** @type {{[Name in keyof ChatEvents]: (state: PageState, data: EventData<Name>) => PageState}} */
const CHAT_HANDLERS = {
  snapshot,
  "message.added": (state, { message }) => ({ ...withMessage(state, finish(message)), awaits: message.message_id }),
  "message.delta": delta,
  "message.done": (state, { message }) => withMessage(state, finish(message)),
  "message.left_out": leftOut,
  "message.feedback": (state, { message_id: id, feedback }) =>
    state.messages[id] ? put(state, "messages", id, { ...state.messages[id], feedback }) : state,
  "branch.changed": branchChanged,
  "queue.changed": (state, { queue }) => ({ ...state, queue: queue ?? [] }),
  "run.started": runStarted,
  "run.done": (state, { status, error, usage, run_id }) => ({ ...state, run: null, lastRun: { run_id, status, error, usage } }),
  "tool.proposed": (state, { call, at }) => withCall(withCallInMessage(state, call, at), call),
  "tool.decided": decided,
  "tool.started": (state, { call_id, started_at }) => changeCall(state, call_id, { status: "running", started_at, sign_in: undefined }),
  "tool.sign_in_needed": (state, { call_id, sign_in }) => changeCall(state, call_id, { sign_in }),
  "tool.progress": (state, { call_id, progress, total, message }) =>
    changeCall(state, call_id, { progress: { progress, total, message } }),
  "tool.done": (state, { call_id, status, duration_ms, content, structured, truncated, unasked, refused, at }) =>
    changeCall(asked(state, at), call_id, { sign_in: undefined, status, duration_ms, content, structured, truncated, unasked, refused }),
  "request.extended": extended,
  "elicitation.requested": (state, { elicitation }) => put(state, "elicitations", elicitation.elicitation_id, elicitation),
  "elicitation.resolved": resolved,
  "sampling.requested": (state, { sampling }) => put(state, "samplings", sampling.sampling_id, sampling),
  "sampling.resolved": (state, { sampling_id }) => drop(state, "samplings", sampling_id),
  "mode.changed": (state, { mode = state.mode }) => ({ ...state, mode }),
  "context.changed": (state, { context }) => ({ ...state, context: context ?? state.context }),
  "model.changed": (state, { model }) => ({ ...state, model: model ?? state.model }),
  "grants.changed": (state, { grants }) => ({ ...state, grants: grants ?? [] }),
  "tools.changed": (state, { off }) => ({ ...state, toolsOff: off ?? [] }),
  "servers.changed": (state, { servers }) => ({ ...state, servers: servers ?? [] }),
  "catalog.changed": (state) => ({ ...state, catalogVersion: state.catalogVersion + 1 }),
  "title.changed": (state, { title }) => ({ ...state, title: title ?? "" }),
  "session.expired": (state, { reason, sign_in_url }) => ({ ...state, ended: { reason, signInUrl: sign_in_url } }),
  "chats.changed": (state) => ({ ...state, chatsVersion: state.chatsVersion + 1 }),
  toast: (state) => state,
};

/** @type {{[Name in keyof PageEvents]: (state: PageState, data: PageEvents[Name]) => PageState}} */
const PAGE_HANDLERS = {
  "page.connection": (state, { connection }) => ({ ...state, connection }),
  "page.ended": (state, { signInUrl }) => ({ ...state, ended: { signInUrl } }),
  "page.left": leaveChat,
};

/** @type {Record<string, (state: PageState, data: any) => PageState>} */
const HANDLERS = { ...CHAT_HANDLERS, ...PAGE_HANDLERS };

/** The names of the events that the stream listens to. */
export const EVENTS = Object.keys(CHAT_HANDLERS);

/** How much of a chat waits for the person: proposed calls, and questions of servers. */
export function waitingCount({ calls, elicitations, samplings }) {
  const proposed = Object.values(calls).filter(({ status }) => status === "proposed").length;
  return proposed + Object.keys(elicitations).length + Object.keys(samplings).length;
}

/** Return what a server is called: its title, or its key where it has none (any more). */
export function serverTitle({ servers }, name) {
  return servers.find((server) => server.name === name)?.title || name;
}

/**
 * Another chat is opened in this page. State that all chats share stays, so that nothing flickers.
 * @param {PageState} state
 * @returns {PageState}
 */
function leaveChat({ user, servers, model, models, mode, chatsVersion, catalogVersion }) {
  return { ...INITIAL, user, servers, model, models, mode, chatsVersion, catalogVersion };
}

/**
 * @param {PageState} state
 * @param {EventData<"snapshot">} data
 * @returns {PageState}
 */
function snapshot(state, data) {
  const unfinished = data.run?.message_id ?? null;
  const messages = known(data.messages, "message_id").map((sent) => {
    const message = { ...sent, text: sent.text ?? "", calls: sent.calls ?? [] };
    return message.message_id === unfinished ? resume(message) : finish(message);
  });
  return {
    ...INITIAL,
    ready: true,
    connection: state.connection,
    catalogVersion: state.catalogVersion + 1,
    chatsVersion: state.chatsVersion,
    outcomes: state.outcomes,
    lastRun: data.run || messages.at(-1)?.message_id !== state.order.at(-1) ? null : state.lastRun,
    user: data.user, servers: data.servers ?? [], mode: data.mode ?? INITIAL.mode, model: data.model, models: data.models ?? [], context: data.context ?? null, title: data.title ?? "",
    grants: data.grants ?? [], toolsOff: data.tools_off ?? [], forks: data.forks ?? [], queue: data.queue ?? [], run: data.run ?? null,
    order: messages.map((message) => message.message_id),
    messages: keyed(messages, "message_id"),
    calls: keyed(known(data.calls, "call_id"), "call_id"),
    elicitations: keyed(known(data.elicitations, "elicitation_id"), "elicitation_id"),
    samplings: keyed(known(data.samplings, "sampling_id"), "sampling_id"),
  };
}

/**
 * @param {PageState} state
 * @param {EventData<"message.delta">} data
 */
function delta(state, data) {
  const known = state.messages[data.message_id];
  const message = deliver(known ?? begin(data.message_id, data.at), data);
  if (message === null) return { ...state, gap: true };
  return message === known ? state : withMessage(state, message);
}

/**
 * Another version is open: what stood after a message is replaced.
 * @param {PageState} state
 * @param {EventData<"branch.changed">} data
 * @returns {PageState}
 */
function branchChanged(state, { after, messages, calls, forks }) {
  const kept = after === null ? [] : state.order.slice(0, state.order.lastIndexOf(after) + 1);
  const brought = known(messages, "message_id").map((message) => finish({ ...message, text: message.text ?? "", calls: message.calls ?? [] }));
  const order = [...kept, ...brought.map((message) => message.message_id)];
  return {
    ...state, order, forks: forks ?? [], lastRun: null,
    messages: { ...pick(state.messages, kept), ...keyed(brought, "message_id") },
    calls: { ...state.calls, ...keyed(known(calls, "call_id"), "call_id") },
  };
}

/**
 * A new attempt begins after a message that stays: the answers after it are no longer part of the chat.
 * @param {PageState} state
 * @param {EventData<"run.started">} data
 * @returns {PageState}
 */
function runStarted(state, { run_id, trigger, after, at }) {
  const outcomes = Object.fromEntries(Object.entries(state.outcomes).filter(([, { call_id: callId }]) => callId));
  /** @type {PageState} */
  const next = { ...state, run: { run_id, status: "running", trigger, asked_at: at }, lastRun: null, awaits: null, outcomes };
  const last = state.order.lastIndexOf(after);
  if (last < 0) return next;
  const order = state.order.slice(0, last + 1);
  return { ...next, order, messages: pick(state.messages, order) };
}

/**
 * The model is asked again when its calls have ended.
 * @param {PageState} state
 * @returns {PageState}
 */
function asked(state, at) {
  return state.run ? { ...state, run: { ...state.run, asked_at: at } } : state;
}

/**
 * @param {PageState} state
 * @param {EventData<"message.left_out">} data
 * @returns {PageState}
 */
function leftOut(state, { message_id: id, reason }) {
  return state.messages[id] ? put(state, "messages", id, { ...state.messages[id], left_out: reason }) : state;
}

/**
 * @param {PageState} state
 * @param {EventData<"tool.decided">} data
 */
function decided(state, { call_id, decision, by, edited, arguments: args, reason }) {
  const changes = { status: decision, decided_by: by, edited };
  if (args) changes.arguments = args;
  if (reason) changes.reason = reason;
  return changeCall(state, call_id, changes);
}

/**
 * @param {PageState} state
 * @param {EventData<"request.extended">} data
 * @returns {PageState}
 */
function extended(state, { kind, id, expires_at }) {
  /** @type {"calls"|"elicitations"|"samplings"} */
  const part = `${kind}s`;
  return state[part][id] ? put(state, part, id, { ...state[part][id], expires_at }) : state;
}

/**
 * @param {PageState} state
 * @param {EventData<"elicitation.resolved">} data
 */
function resolved(state, { elicitation_id: id, action, by }) {
  const request = state.elicitations[id];
  if (!request) return state;
  const { call_id: callId, server, mode, url, host } = request;
  const outcome = { elicitation_id: id, call_id: callId, server, mode, url, host, action, by };
  return put(drop(state, "elicitations", id), "outcomes", id, outcome);
}

/**
 * @param {PageState} state
 * @returns {PageState}
 */
function withMessage(state, message) {
  const id = message.message_id;
  if (typeof id !== "string") throw new TypeError("a message without an id");
  const { calls = [], text = "" } = state.messages[id] ?? {};
  const order = state.order.includes(id) ? state.order : [...state.order, id];
  return { ...put(state, "messages", id, { ...message, calls: message.calls ?? calls, text: message.text ?? text }), order };
}

function withCall(state, call) {
  return put(state, "calls", call.call_id, call);
}

/**
 * A model may ask for tools without saying anything first: then the call is the first sign of its message.
 * @param {PageState} state
 * @param {CallView} call
 * @param {number} at  when the call was proposed
 */
function withCallInMessage(state, { call_id: callId, message_id: messageId }, at) {
  const message = state.messages[messageId] ?? begin(messageId, at);
  if (message.calls.includes(callId)) return state;
  return withMessage(state, { ...message, calls: [...message.calls, callId] });
}

/**
 * @param {PageState} state
 * @param {string} id
 * @param {Partial<CallState>} changes
 * @returns {PageState}
 */
function changeCall(state, id, changes) {
  return state.calls[id] ? put(state, "calls", id, { ...state.calls[id], ...changes }) : state;
}

function put(state, part, id, value) {
  return { ...state, [part]: { ...state[part], [id]: value } };
}

function drop(state, part, id) {
  const { [id]: _, ...rest } = state[part];
  return { ...state, [part]: rest };
}

/** Return those of `items` that say who they are. */
function known(items, key) {
  return (items ?? []).filter((item) => typeof item?.[key] === "string");
}

function keyed(items, key) {
  return Object.fromEntries(items.map((item) => [item[key], item]));
}

function pick(record, keys) {
  return Object.fromEntries(keys.map((key) => [key, record[key]]));
}
