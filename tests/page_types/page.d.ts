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
import type { Toasts as ToastsClass } from "../../webclient/mcpsecurity_webclient/static/js/shell/toasts.js";

declare global {
  type Attachments = AttachmentsClass;
  type Catalog = CatalogClass;
  type Composer = ComposerClass;
  type Draft = DraftClass;
  type Palette = PaletteClass;
  type Follower = FollowerClass;
  type ServerClock = ServerClockClass;
  type Toasts = ToastsClass;

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
    /** Let the person change a message. */
    edit?: (text: string) => void;
    /** The person's message was taken. */
    sent?: () => void;
    /** A request of a server is closed: the focus goes back to the message. */
    leaveRequest?: () => void;
  }
}
