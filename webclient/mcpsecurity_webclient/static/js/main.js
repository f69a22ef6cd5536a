/** Puts the page together. The work is in the modules it imports; here they are connected. */

import { Attachments } from "./composer/attachments.js";
import { Catalog } from "./composer/catalog.js";
import { Composer } from "./composer/composer.js";
import { Conversation } from "./conversation/conversation.js";
import { Draft } from "./composer/draft.js";
import { Files } from "./composer/files.js";
import { Follower } from "./conversation/scroll.js";
import { Queue } from "./composer/queue.js";
import { PaletteOpener } from "./composer/paletteopener.js";
import { attempt } from "./protocol/attempt.js";
import { Commands } from "./protocol/commands.js";
import { ServerClock } from "./protocol/clock.js";
import { serverTitle } from "./protocol/state.js";
import { Store } from "./protocol/store.js";
import { Stream } from "./protocol/stream.js";
import { Countdowns } from "./requests/countdown.js";
import { leave } from "./requests/focus.js";
import { settleAfterPresses } from "./requests/presses.js";
import { Typed } from "./requests/typed.js";
import { Account } from "./shell/account.js";
import { Announcer } from "./shell/announcer.js";
import { Chats, titleWords } from "./shell/chats.js";
import { Grants } from "./shell/grants.js";
import { keepFocus } from "./shell/keepfocus.js";
import { Mode } from "./shell/mode.js";
import { Models } from "./shell/models.js";
import { Notifications } from "./shell/notifications.js";
import { reporter } from "./shell/report.js";
import { Servers } from "./shell/servers.js";
import { makeRoomFor } from "./shell/shelf.js";
import { Shortcuts } from "./shell/shortcuts.js";
import { Status } from "./shell/status.js";
import { ToolsOpener } from "./shell/toolsopener.js";
import { Toasts } from "./shell/toasts.js";
import { Waiting } from "./shell/waiting.js";
import { Welcome } from "./shell/welcome.js";
import { ContextWindow } from "./shell/window.js";
import { byId } from "./ui/dom.js";
import { t } from "./ui/texts.js";

const RESYNC_PAUSE_MS = 2000;
const UNDO_MS = 10_000;
/** Events after which a refused message is no longer offered again. */
const BEGINS = new Set(["run.started", "queue.changed"]);

function start() {
  const { chatId, username } = document.body.dataset;
  const csrfToken = document.querySelector('meta[name="csrf-token"]').getAttribute("content");
  const store = new Store();
  const clock = new ServerClock();
  const toasts = new Toasts();
  const announcer = new Announcer();
  let unreached = () => {}; // removes the notice that the chat does not answer
  const commands = new Commands({ chatId, csrfToken, reached: () => unreached() });
  const draft = new Draft({ username, chatId });
  const unsaid = new Map(); // by chat: a function that removes the offer to try again
  const tell = reporter(toasts, (signInUrl) => store.note("ended", { signInUrl }), () => chats.showRunning());
  const report = (error, again) => {
    const { chatId: id } = commands;
    const dismiss = tell(error, again);
    if (again && dismiss) unsaid.set(id, dismiss);
    else if (error.code === "offline" && dismiss) unreached = dismiss;
  };
  const extend = (kind, id) => commands.moreTime(kind, id).catch((error) => report(error));
  /** @type {PageContext} */
  const context = { commands, report, clock, announce: announcer.say, countdowns: new Countdowns(clock, announcer.say, extend) };
  /** Return a function that acts in the chat that is open now, even if another one is opened meanwhile. */
  const here = (act) => {
    const { chatId: id } = commands;
    return () => {
      open(id);
      return act();
    };
  };
  const answering = (command) => {
    const run = () => {
      const again = here(run);
      return command().then(() => follower.goToEnd(), (error) => report(error, again));
    };
    return run;
  };
  context.regenerate = answering(() => chats.rising(() => commands.regenerate()));
  context.retry = answering(() => commands.retry());
  context.goOn = answering(() => commands.goOn());
  context.tell = (message) => toasts.show({ level: "info", message });
  context.missing = (message, again) => toasts.show({ level: "warning", message, again });
  context.rising = (act, words) => chats.rising(act, words);
  context.sent = () => follower.goToEnd();
  context.keep = (element) => follower.keep(element);
  context.typed = new Typed({ username, chatId });
  context.undo = (message, undo) => toasts.offerUndo(message, undo, UNDO_MS);
  context.serverTitle = (name) => serverTitle(store.state, name);
  context.leave = (element) => leave(element, () => composer.focus());

  const log = byId("conversation");
  const follower = new Follower(log, byId("conversation-content"), byId("jump"));
  const catalog = new Catalog(context);
  const files = new Files(context);
  const composer = new Composer(context, draft, new Attachments(catalog, context), files);
  composer.use(new PaletteOpener(context, composer, catalog));
  const conversation = new Conversation(byId("conversation-content"), context);
  const queue = new Queue(context, composer);
  context.editLast = () => queue.takeLastBack() || conversation.editLast(() => composer.focus());
  const notifications = new Notifications();
  const waiting = new Waiting(log, follower, notifications, () => chats.showRunning());
  makeRoomFor(byId("shelf"), log);
  keepFocus(context.leave);
  settleAfterPresses(log);
  const chats = new Chats(context, toasts, waiting);
  new Account({ announce: announcer.say, notifications });
  new Shortcuts(waiting);
  /** @type {Array<{update: (state: any) => void}>} */
  const views = [composer, files, new Welcome((text) => composer.say(text)), queue, catalog, conversation, new Status(() => stream.restart()), follower, new Mode(context), new Models(context), new ContextWindow(context), new Servers(context), new ToolsOpener(context), new Grants(context), waiting, chats, notifications];

  store.draw((state, previous) => {
    if (state.ended && !previous.ended) endSession();
    for (const view of views) attempt(`the view ${view.constructor.name}`, () => view.update(state));
  });
  store.listen((event, state) => {
    announcer.hear(event, state);
    if (event.name === "toast") showToast(event.data);
    if (BEGINS.has(event.name)) unsaid.get(commands.chatId)?.();
  });

  function showToast({ level, message, retryable }) {
    toasts.show({ level, message, again: retryable ? here(context.retry) : undefined });
  }

  const stream = new Stream({
    url: commands.eventsUrl,
    onEvent: receive,
    onConnection: (connection) => store.note("connection", { connection }),
    mayReconnect: () => mayReconnect(commands, store, chatGone),
    isIdle: () => store.state.run === null && !(leftRunning && notifications.on),
  });
  let resyncAt = 0;
  let leftRunning = false; // then another chat may come to wait for the person

  function receive(event) {
    if (event.name === "snapshot") clock.set(event.data.server_now);
    else clock.learn(event.data.at);
    store.dispatch(event);
    if (store.state.gap && performance.now() > resyncAt) {
      resyncAt = performance.now() + RESYNC_PAUSE_MS;
      stream.restart();
    }
  }

  /** Show another chat in this page; `isBack`: the browser has been there before. */
  function open(id, isBack = false) {
    byId("chats").hidePopover();
    if (id !== commands.chatId) {
      if (!isBack) history.pushState({ chatId: id }, "", `/chats/${encodeURIComponent(id)}`);
      notifications.leave();
      leftRunning ||= store.state.run !== null;
      document.body.dataset.chatId = id;
      commands.open(id);
      draft.open(id);
      store.note("left", {});
      composer.load();
      stream.open(commands.eventsUrl);
      follower.goToEnd();
    }
    if (matchMedia("(pointer: fine)").matches) composer.focus();
  }

  context.open = open;
  history.replaceState({ chatId }, "");
  window.addEventListener("popstate", ({ state }) => state?.chatId && open(state.chatId, true));

  /** The chat was deleted elsewhere, or another person has signed in: then the page is not hers. False: it is not known yet. */
  async function chatGone() {
    const isHers = await commands.session().then(({ user }) => user.username === username, ({ status }) => (status === 401 ? false : null));
    if (isHers === null) return false;
    if (!isHers) {
      location.assign("/");
      return true;
    }
    const { ready, order, title } = store.state;
    if (ready && order.length > 0) context.tell(t("“{title}” was deleted.", { title: titleWords(title) }));
    composer.carryDraft();
    await chats.leave(commands.chatId);
    return true;
  }

  function endSession() {
    stream.close();
    composer.carryDraft();
  }

  byId("sign-out").addEventListener("submit", () => {
    draft.clear();
    stream.pause();
    chats.pause();
  });
  stream.start();
  if (matchMedia("(pointer: fine)").matches) composer.focus();
}

/** The stream was refused: the session has ended, the chat is gone, or the server has trouble and it is worth waiting. */
async function mayReconnect(commands, store, chatGone) {
  try {
    await commands.chat();
    return true;
  } catch (error) {
    if (error.status === 401) store.note("ended", { signInUrl: error.signInUrl });
    else if (error.status === 404) return !(await chatGone());
    return error.status !== 401;
  }
}

start();
