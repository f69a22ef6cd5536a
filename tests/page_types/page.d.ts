/** Types that several modules of the chat page name in their comments. */

import type { Attachments as AttachmentsClass } from "../../webclient/mcpsecurity_webclient/static/js/composer/attachments.js";
import type { Catalog as CatalogClass } from "../../webclient/mcpsecurity_webclient/static/js/composer/catalog.js";
import type { Composer as ComposerClass } from "../../webclient/mcpsecurity_webclient/static/js/composer/composer.js";
import type { Draft as DraftClass } from "../../webclient/mcpsecurity_webclient/static/js/composer/draft.js";
import type { Palette as PaletteClass } from "../../webclient/mcpsecurity_webclient/static/js/composer/palette.js";
import type { Follower as FollowerClass } from "../../webclient/mcpsecurity_webclient/static/js/conversation/scroll.js";
import type { ServerClock as ServerClockClass } from "../../webclient/mcpsecurity_webclient/static/js/protocol/clock.js";
import type { Commands as CommandsClass } from "../../webclient/mcpsecurity_webclient/static/js/protocol/commands.js";
import type { Countdowns as CountdownsClass } from "../../webclient/mcpsecurity_webclient/static/js/requests/countdown.js";
import type { Waiting as WaitingClass } from "../../webclient/mcpsecurity_webclient/static/js/shell/waiting.js";
import type { Notifications as NotificationsClass } from "../../webclient/mcpsecurity_webclient/static/js/shell/notifications.js";
import type { Typed as TypedClass } from "../../webclient/mcpsecurity_webclient/static/js/requests/typed.js";
import type { Toasts as ToastsClass } from "../../webclient/mcpsecurity_webclient/static/js/shell/toasts.js";
import type { Waiting as WaitingClass } from "../../webclient/mcpsecurity_webclient/static/js/shell/waiting.js";

declare global {
  /** A message in the page's state; `pending` text is not drawn yet. */
  type MessageState = MessageView & Record<string, any>;
  type CallState = CallView & { edited?: boolean };

  /** How a server's question ended, until the next answer begins. */
  interface OutcomeState {
    elicitation_id: string;
    call_id?: string;
    server: string;
    mode: "form" | "url";
    url?: string;
    host?: string;
    action: ElicitationResolved["action"];
    by: ElicitationResolved["by"];
  }

  /** What the page knows of its chat (static/js/protocol/state.js). */
  interface PageState {
    ready: boolean;
    gap: boolean;
    epoch: string;
    seq: number;
    connection: string;
    ended: { signInUrl: string; reason?: string } | null;
    user: UserView | null;
    servers: ServerView[];
    mode: "manual" | "elicitation";
    model: ModelView | null;
    models: ModelView[];
    context: ContextView | null;
    title: string;
    grants: GrantView[];
    toolsOff: ToolRef[];
    forks: ForkView[];
    queue: QueuedView[];
    order: string[];
    messages: Record<string, MessageState>;
    calls: Record<string, CallState>;
    elicitations: Record<string, ElicitationView>;
    samplings: Record<string, SamplingView>;
    outcomes: Record<string, OutcomeState>;
    run: Omit<RunView, "message_id"> | null;
    lastRun: ({ run_id: string | null } & RunDone) | null;
    catalogVersion: number;
    chatsVersion: number;
    awaits: string | null;
  }

  /** Events of the page itself. */
  interface PageEvents {
    "page.connection": { connection: string };
    "page.ended": { signInUrl: string };
    "page.left": {};
  }

  type PageEvent = {
    [Name in keyof PageEvents]: { name: Name; epoch: string; seq: number; data: PageEvents[Name] };
  }[keyof PageEvents];

  type Attachments = AttachmentsClass;
  type Catalog = CatalogClass;
  type Composer = ComposerClass;
  type Draft = DraftClass;
  type Palette = PaletteClass;
  type Follower = FollowerClass;
  type ServerClock = ServerClockClass;
  type Toasts = ToastsClass;
  type Typed = TypedClass;
  type Notifications = NotificationsClass;
  type Waiting = WaitingClass;

  /** What main.js hands to the views. */
  interface PageContext {
    commands: CommandsClass;
    countdowns: CountdownsClass;
    /** Say something to a screen reader. */
    announce: (words: string) => void;
    /** Show a failed command. */
    report: (error: Error, again?: () => Promise<unknown>) => void;
    clock: ServerClockClass;
    /** Drop the last answer and ask the model for another. */
    regenerate?: () => Promise<unknown>;
    /** Ask the model again, from the results of its calls. */
    retry?: () => Promise<unknown>;
    /** Have the model go on with an answer that was cut off. */
    goOn?: () => Promise<unknown>;
    /** Let the person change what she wrote last; false: she wrote nothing yet. */
    editLast?: () => boolean;
    /** Show a short notice. */
    tell?: (message: string) => void;
    /** Say that a part of the page did not come. */
    missing?: (message: string, again: () => Promise<unknown>) => void;
    /** Open a chat in this page. */
    open?: (chatId: string) => void;
    /** The person works on the open chat, which has these words as its title if it has none: it comes to the top. */
    rising?: <T>(act: () => Promise<T>, words?: string) => Promise<T>;
    /** The person's message was taken. */
    sent?: () => void;
    /** Keep an element in view while the text below it grows. */
    keep?: (element: HTMLElement) => void;
    /** Say that something was widened, with the way back. */
    undo?: (message: string, undo: () => Promise<unknown>) => () => void;
    /** What was typed and is not sent yet. */
    typed?: TypedClass;
    /** Return what a server is called. */
    serverTitle?: (name: string) => string;
    /** What had the focus was decided: it goes to the next that waits, or to the message. */
    leave?: (settled: HTMLElement) => void;
  }
}
