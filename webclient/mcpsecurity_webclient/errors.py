"""Every error that the web client raises itself, in one tree. `web/errors.py` turns them into HTTP answers.

WebClientError
├── CommandError               a command of a page cannot be carried out
│   ├── UnknownRequestError    the conversation has no such call, question, sampling request or run
│   ├── UnknownServerError     nobody signs in for a server of this name
│   ├── AlreadyDecidedError    the call or request was decided before, in this or another tab
│   ├── RequestExpiredError    the deadline of the call or request has passed
│   ├── NoMoreTimeError        the deadline cannot be moved any further
│   ├── RequestEndedError      the request ended with the process that made it
│   ├── InvalidArgumentsError  edited arguments do not fit the tool's schema
│   ├── BusyError              an answer is being written
│   ├── NothingToDoError       the run has ended, or there is no answer to write again
│   ├── TooManyChatsError      all conversations that the person may have open are busy
│   └── TooManyStreamsError    the session has as many open pages as are allowed
├── UnreadableCallError        a tool call's arguments are not a JSON object
├── ReplayMismatchError        an event does not match the stored conversation
├── SignInError                a sign-in failed
└── StoreError                 a conversation could not be read or written
    ├── StoreUnavailableError  the database cannot be reached, or refuses
    ├── LaterSchemaError       a later release has brought the database up to date
    └── StaleConversationError the conversation was changed or deleted elsewhere since it was read
"""


class WebClientError(Exception):
    """The root of the tree."""


class CommandError(WebClientError):
    """A command of a page cannot be carried out."""


class UnknownRequestError(CommandError):
    """The conversation has no such call, question, sampling request or run."""


class UnknownServerError(CommandError):
    """Nobody signs in for a server of this name."""


class AlreadyDecidedError(CommandError):
    """The call or request was decided before, in this or another tab."""


class RequestExpiredError(CommandError):
    """The deadline of the call or request has passed."""


class NoMoreTimeError(CommandError):
    """The deadline of the call or request is the latest that the operator allows."""


class RequestEndedError(CommandError):
    """The request ended with the process that made it."""


class InvalidArgumentsError(CommandError):
    """Edited arguments do not fit; `fields` maps their names to messages."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__("the arguments do not fit")
        self.fields = fields


class BusyError(CommandError):
    """An answer is being written; one at a time."""


class NothingToDoError(CommandError):
    """The run to stop has ended, or there is no answer to write again."""


class TooManyChatsError(CommandError):
    """The person has as many conversations open as are allowed, and all of them are busy."""


class TooManyStreamsError(CommandError):
    """The session has as many open pages as are allowed."""


class UnreadableCallError(WebClientError):
    """A tool call's arguments are not a JSON object; the text is for the model."""


class ReplayMismatchError(WebClientError):
    """An event does not match the stored conversation."""


class SignInError(WebClientError):
    """A sign-in failed. The message is for the person, `code` is Entra ID's (AADSTS65004, for example), and
    `status` is the HTTP status of the page that shows the message."""

    def __init__(self, message: str, code: str | None = None, *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class StoreError(WebClientError):
    """A conversation could not be read or written."""


class StoreUnavailableError(StoreError):
    """The database cannot be reached, or refuses."""


class LaterSchemaError(StoreError):
    """A later release has brought the database up to date: this one does not know its schema."""

    def __init__(self, found: str, known: str) -> None:
        super().__init__(
            f"a later release has brought the database up to date (schema {found}, this one knows {known}): "
            "start that release, or restore a copy of the database from before"
        )


class StaleConversationError(StoreError):
    """The conversation was changed or deleted elsewhere since it was read."""
