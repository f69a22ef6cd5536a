"""The answers of one conversation: one at a time, each a task of the conversation and not of a page."""

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable
from typing import Literal, get_args

from mcpsecurity.client import SignInRequiredError
from mcpsecurity_webclient.chat.agent.answer_stream import AnswerWriter
from mcpsecurity_webclient.chat.agent.errors import (
    REFUSED,
    failure_of,
    only_thought,
    report_in,
    sign_in_needed,
)
from mcpsecurity_webclient.chat.agent.prompting import PromptingService
from mcpsecurity_webclient.chat.event_types import Publish, RunDone, RunStarted
from mcpsecurity_webclient.chat.history import texts_of
from mcpsecurity_webclient.chat.models import INTERRUPTED, Run
from mcpsecurity_webclient.chat.persistence.autosave import ConversationSaver
from mcpsecurity_webclient.chat.state import ConversationState
from mcpsecurity_webclient.chat.tools.batch import ToolCallBatch
from mcpsecurity_webclient.chat.views import Trigger
from mcpsecurity_webclient.errors import (
    NothingToDoError,
    StaleConversationError,
    StoreError,
    UnknownRequestError,
)
from mcpsecurity_webclient.languages import gettext as _
from mcpsecurity_webclient.telemetry import trace_run

_log = logging.getLogger(__name__)
_STOP_SECONDS = 5.0
_KNOWN = 50
_CUT_OFF = ("length", "broken_off", "stopped")

Again = Literal["regenerate", "retry", "continue"]
"""The ways to answer the last message again; see `ChatService.again`."""

AGAIN: tuple[Again, ...] = get_args(Again)


class Runs:
    """Starts, stops and ends the runs of a conversation; `state.run` is the current one.

    `sign_in_needed` is called when the acting session's tokens are no longer accepted, `ended` when a run
    has come to its end or the person has stopped it.
    """

    def __init__(
        self,
        state: ConversationState,
        prompting: PromptingService,
        saver: ConversationSaver,
        publish: Publish,
        *,
        sign_in_needed: Callable[[SignInRequiredError], None],
        ended: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._state = state
        self._prompting = prompting
        self._saver = saver
        self._publish = publish
        self._transcript = state.transcript
        self._sign_in_needed = sign_in_needed
        self._ended = ended
        self._clock = clock
        self._known: deque[str] = deque(maxlen=_KNOWN)
        self._closed = False

    def start(self, trigger: Trigger, pending: ToolCallBatch | None = None, after: str | None = None) -> str:
        """Start a run, from the calls in `pending` if there are any; return its id. `after` is the
        message after which it stands, if others stood there before.

        A conversation that was closed meanwhile starts no run: the next process that opens it offers to try
        again.
        """
        run = Run(secrets.token_urlsafe(9), trigger)
        self._known.append(run.run_id)
        if self._closed:
            return run.run_id
        self._state.run = run
        self._state.updated_at = self._clock()
        started: RunStarted = {"trigger": trigger}
        if after:
            started["after"] = after
        self._publish("run.started", started)
        answer = trace_run(
            self._state.chat_id, lambda: self._answer(run, pending), outcome=lambda: run.status
        )
        run.task = asyncio.create_task(answer, name=f"run {run.run_id}")
        return run.run_id

    def again(self, trigger: Trigger, *, settled: bool) -> str:
        """Drop the last answer and start another; with `settled`, from the results of the calls that were
        made or declined. Returns the run's id. Raises `NothingToDoError` if nothing was asked yet."""
        if not any(message.role == "user" for message in self._state.messages):
            raise NothingToDoError
        self._state.drop_answer(settled=settled)
        self._transcript.take_question_back_in()
        self._mark_question(None)
        return self.start(trigger, after=self._state.messages[-1].message_id)

    def go_on(self) -> str:
        """Have the model go on with its last answer; return the run's id. Raises `NothingToDoError` if that
        was not cut off."""
        last = self._state.messages[-1] if self._state.messages else None
        if last is None or last.finish_reason not in _CUT_OFF or not last.text.strip() or last.calls:
            raise NothingToDoError
        self._transcript.ask_to_go_on()
        return self.start("continue")

    def take_stop(self, run_id: str) -> None:
        """Note that the person stops this run: queued messages are sent then, however long stopping takes.

        Raises:
            UnknownRequestError: there never was such a run here, or it was long ago.
            NothingToDoError: this run has ended.
        """
        if run_id not in self._known:
            raise UnknownRequestError
        if self._state.run is None or self._state.run.run_id != run_id:
            raise NothingToDoError
        self._state.run.stopped = True

    async def end(self) -> None:
        """Stop the run that is under way: its calls are cancelled, its text stays. It may take longer than
        this waits."""
        if self._state.run is not None and self._state.run.task is not None:
            self._state.run.task.cancel()
            await asyncio.wait([self._state.run.task], timeout=_STOP_SECONDS)

    async def aclose(self) -> None:
        """Stop the run that is under way, and start no other."""
        self._closed = True
        await self.end()

    async def wait(self, seconds: float) -> None:
        """Wait for the run to end, at most so many seconds."""
        if self._state.run is not None and self._state.run.task is not None:
            await asyncio.wait([self._state.run.task], timeout=seconds)

    async def _answer(self, run: Run, pending: ToolCallBatch | None) -> None:
        """Write one answer. However it ends, the pages get `run.done`, and the next run can start."""
        writer = AnswerWriter(run, self._state, self._publish, self._clock)
        ending: RunDone = {"status": "failed"}
        try:
            if pending is not None:
                await self._prompting.carry_out(pending, self._transcript.history)
            completion = await self._prompting.answer(self._transcript.history, writer)
            ending = {"status": completion.status, "usage": completion.usage}
            if completion.only_thought:
                ending["error"] = only_thought(completion.finish_reason).to_json()
            if self._is_held_back:
                self._leave_out_question()
        except asyncio.CancelledError:
            writer.broken_off("stopped")
            ending = {"status": "stopped"}
            if self._state.leaving:
                ending = {"status": "failed", "error": INTERRUPTED.to_json()}
        except Exception as error:  # noqa: BLE001 - the task's boundary: told to the person, logged with an id
            ending = self._failed(error, writer)
        finally:
            self._state.updated_at, run.status = self._clock(), ending["status"]
            try:
                await self._keep_answer()
            finally:
                if not self._left_open:  # then another process goes on with it
                    self._publish("run.done", ending)
                self._state.run = None
                if not self._closed and (run.stopped or run.status in ("completed", "max_rounds")):
                    self._ended()

    @property
    def _left_open(self) -> bool:
        """Whether calls stay open for the process that opens the conversation next."""
        return self._state.leaving and self._state.waiting > 0

    async def _keep_answer(self) -> None:
        """Save the answer before its end is published."""
        try:
            await self._saver.save()
        except StaleConversationError as error:
            _log.warning("an answer is not saved: %s", error)
            self._not_saved(_("This answer is not saved: the chat was changed elsewhere. Load it again."))
        except StoreError as error:
            _log.warning("an answer is not saved yet: %s", error)
            self._saver.schedule()
            self._not_saved(
                _("This answer is not saved yet. It will be, as soon as the chats can be reached.")
            )

    def _not_saved(self, text: str) -> None:
        self._publish("toast", {"level": "warning", "code": "not_saved", "message": text, "retryable": False})

    def _mark_question(self, reason: Literal["content_filter"] | None) -> None:
        """Mark the person's last message as left out of requests for `reason`, or as sent again (None)."""
        said = next((message for message in reversed(self._state.messages) if message.role == "user"), None)
        if said is not None and said.left_out != reason:
            said.left_out = reason
            self._publish("message.left_out", {"message_id": said.message_id, "reason": reason})

    @property
    def _is_held_back(self) -> bool:
        """Whether the filter removed the whole answer. So Gemini refuses messages, and would refuse them
        again with every later one."""
        last = self._state.messages[-1]
        return last.finish_reason == "content_filter" and not last.text.strip()

    def _leave_out_question(self) -> None:
        """Stop sending the person's last message, with what followed it."""
        self._transcript.leave_out_question()
        self._mark_question("content_filter")

    def _failed(self, error: Exception, writer: AnswerWriter) -> RunDone:
        if (needed := sign_in_needed(error)) is not None:
            writer.broken_off("broken_off")
            self._sign_in_needed(needed)
            text = _("Please sign in again; your chat is kept.")
            return {"status": "failed", "error": {"code": "sign_in", "message": text, "retryable": True}}
        error_id = secrets.token_hex(4)
        failure = failure_of(error, error_id)
        writer.broken_off("content_filter" if failure.code == "content_filter" else "broken_off")
        if failure.code == "internal":
            _log.error("run failed (error %s)", error_id, exc_info=error)
        else:
            _log.warning("run failed: %s%s", failure.code, report_in(error, texts_of(self._transcript.turns)))
        if failure is REFUSED:
            self._leave_out_question()
        return {"status": "failed", "error": failure.to_json()}
