"""A person's conversation: messages, runs, and everything that waits for the person."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from mcp import types
from semantic_kernel import Kernel
from semantic_kernel.connectors.ai.chat_completion_client_base import ChatCompletionClientBase
from semantic_kernel.contents import ChatHistory

from mcpsecurity.client import SignInRequiredError
from mcpsecurity_webclient.chat.agent.prompting import PromptingService
from mcpsecurity_webclient.chat.agent.runs import Runs
from mcpsecurity_webclient.chat.agent.sampling import ModelSampler
from mcpsecurity_webclient.chat.event_types import EventName, EventPayload, StateView, ToolDone
from mcpsecurity_webclient.chat.events import EventBus
from mcpsecurity_webclient.chat.mcp.servers import McpServers, ServerCallbacks
from mcpsecurity_webclient.chat.models import ApprovalMode, Message, Run, User
from mcpsecurity_webclient.chat.persistence.autosave import ConversationSaver
from mcpsecurity_webclient.chat.persistence.event_replay import EventReplayer
from mcpsecurity_webclient.chat.persistence.recovery import recover_pending_calls
from mcpsecurity_webclient.chat.persistence.serialization import (
    calls_from,
    messages_from,
    parts_of,
    turns_from,
    under_way,
)
from mcpsecurity_webclient.chat.requests.elicitation import ElicitationCoordinator
from mcpsecurity_webclient.chat.requests.pending_requests import Remembered, RequestLog, State
from mcpsecurity_webclient.chat.requests.sampling import SamplingRequests
from mcpsecurity_webclient.chat.tools.calls import ToolCalls
from mcpsecurity_webclient.chat.transcript import Transcript
from mcpsecurity_webclient.chat.user_message import Turns, composed, message_id_of
from mcpsecurity_webclient.errors import BusyError, ReplayMismatchError
from mcpsecurity_webclient.settings import WebSettings
from mcpsecurity_webclient.store import Conversation, ConversationStore, Owner

__all__ = ["ChatService"]

_log = logging.getLogger(__name__)

SYSTEM = (
    "You are a helpful assistant in a web chat. Use the tools when they help. Tools run only when the person "
    "approves; when a call was declined, say so and go on without it. Answer briefly, in Markdown."
)
_TITLE = 60
_LOOK_SECONDS = 0.1
_KEPT_SOON = frozenset({"message.done", "tool.done", "mode.changed", "grants.changed", "title.changed"})


class ChatService:
    """One conversation of one signed-in person. It belongs to her, not to a page or a connection.

    `sid` is the session that acts: whose tokens the MCP servers get. `make_servers` makes the conversation's
    MCP servers for its callbacks; `service` is the kernel's model. `store` keeps what is said as `owner`'s: a
    message is there before anybody is told that it was taken. `sign_in_needed` hears that the acting
    session's tokens are of no use any more.
    """

    def __init__(
        self,
        chat_id: str,
        user: User,
        sid: str,
        settings: WebSettings,
        *,
        service: ChatCompletionClientBase,
        events: EventBus,
        asking: RequestLog,
        coordinator: ElicitationCoordinator,
        store: ConversationStore,
        owner: Owner,
        make_servers: Callable[[ServerCallbacks], McpServers],
        sign_in_needed: Callable[["ChatService", SignInRequiredError], None],
        clock: Callable[[], float],
    ) -> None:
        self.chat_id = chat_id
        self.user = user
        self.sid = sid
        self.events = events
        self.asking = asking
        self.title = "New conversation"
        self.created_at = self.updated_at = clock()
        self.keeper = ConversationSaver(store, owner, self._captured)
        events.keep_soon = self.keeper.soon
        self.messages: list[Message] = []
        self._taking = False  # a message is being saved
        self._clock = clock
        self._settings = settings
        self._service = service
        self._coordinator = coordinator
        self._transcript = Transcript(ChatHistory(system_message=SYSTEM))
        kernel = Kernel()
        kernel.add_service(service)
        self._sampling = SamplingRequests(
            ModelSampler(service).sample,
            self.publish,
            log=asking,
            timeout=settings.approval_timeout,
            leaving=lambda: self.desk.leaving,
            clock=clock,
        )
        self.servers = make_servers(
            ServerCallbacks(
                elicitation=self._elicitation,
                sampling=self._sampling.callback if settings.sampling else None,
                changed=self._servers_changed,
                catalog_changed=lambda: self.publish("catalog.changed", {}),
            )
        )
        self.desk = ToolCalls(
            self.servers,
            self.publish,
            save=self.keeper.save,
            timeout=settings.approval_timeout,
            clock=clock,
        )
        prompting = PromptingService(kernel, service, self.desk, max_rounds=settings.max_rounds)
        self._runs = Runs(
            self,
            kernel,
            prompting,
            self._transcript,
            model=settings.model_name,
            sign_in_needed=lambda error: sign_in_needed(self, error),
            clock=clock,
        )

    @property
    def run(self) -> Run | None:
        """The answer that is being written."""
        return self._runs.current

    def publish(self, name: EventName, payload: EventPayload) -> None:
        """Tell every page of this conversation."""
        self.events.publish(name, self.run.run_id if self.run else None, payload)
        if name == "tool.done":
            self._coordinator.withdraw(self.chat_id, cast("ToolDone", payload)["call_id"])
        if name in _KEPT_SOON:
            self.keeper.soon()

    async def restore(self, kept: Conversation) -> None:
        """Go on with a conversation that was kept. What was under way then has ended, but for calls that wait
        for the person: these are open again. What pages have heard since it was kept counts, if it is known.

        Raises:
            StoreError: it was changed since it was loaded, or cannot be reached.
        """
        if self.events.mark() is None:
            self.keeper.begin_at(kept.revision)
        else:  # another process may still believe to have it
            await self.keeper.claim(kept)
        questions = await self.asking.left()
        events = await self.events.recover(*kept.state.get("log", ("", 0)))
        # Nothing is awaited from here on: what is half there must not be saved.
        self.title, self.created_at, self.updated_at = kept.title, kept.created_at, kept.updated_at
        self.messages = messages_from(kept.parts)
        self.desk.mode = ApprovalMode(kept.state["mode"])
        self.desk.calls = calls_from(kept.parts)
        granted = [g for g in kept.state["grants"] if len(g) == 3]  # older ones name no definition
        self.desk.grants = {(server, tool): digest for server, tool, digest in granted}
        self._transcript.restore(turns_from(kept.parts), kept.state)
        run = kept.state.get("run")
        catching_up = EventReplayer(self, self._transcript, under_way(kept.parts), run)
        try:
            for event in events or ():
                catching_up.apply(event)
        except ReplayMismatchError as error:
            _log.warning("pages get a snapshot: %s of something that is not kept", error)
            self.events.renew()
        pending = recover_pending_calls(self.desk.calls, self._transcript.turns, self._clock())
        self._end_questions(questions, run)
        catching_up.end(self.events.publish, goes_on=pending is not None)
        if events:
            self.keeper.soon()
        if pending is not None:
            self._runs.start("resume", pending)

    def snapshot(self) -> StateView:
        """Return all that a page has to know."""
        shown = {call_id for message in self.messages for call_id in message.calls}
        return {
            "user": self.user.to_json(),
            "servers": [server.to_json() for server in self.servers.all],
            "mode": self.desk.mode.value,
            "model": {"name": self._runs.model, "offline": self._runs.model.startswith("offline")},
            "title": self.title,
            "messages": [message.to_json() for message in self.messages],
            "run": self.run.to_json() if self.run else None,
            "calls": [call.to_json() for key, call in self.desk.calls.items() if key in shown],
            "elicitations": [asked.to_json() for asked in self._coordinator.of(self.chat_id)],
            "samplings": self._sampling.to_json(),
            "grants": self.desk.grants_json(),
        }

    async def begin(
        self,
        text: str,
        *,
        attachments: list[dict[str, str]] | None = None,
        prompt: dict[str, Any] | None = None,
        request_id: str | None = None,
    ) -> tuple[str | None, str]:
        """Take a person's message and start answering; return the ids of run and message.

        With the `request_id` of a message that was taken before, by whatever process, that one is meant; the
        run is None if its answer has ended.

        Raises:
            BusyError: an answer is being written.
            BridgeError: a prompt or an attachment cannot be had.
            StoreError: the message cannot be saved, and was not taken.
        """
        message_id = message_id_of(self.chat_id, request_id or secrets.token_urlsafe(9))
        if not self._taking and any(message.message_id == message_id for message in self.messages):
            return self._run_of(message_id), message_id
        self._must_be_idle()
        said, turns = await composed(self.servers, message_id, text, attachments, prompt)
        self._must_be_idle()
        said.at = self._clock()
        await self._take(said, turns)
        self.publish("message.added", {"message": said.to_json()})
        self._take_title(said.text)
        return self._runs.start("message"), said.message_id

    def regenerate(self) -> str:
        """Drop the last answer and write another. Returns the run's id.

        Raises:
            BusyError: an answer is being written.
            NothingToDoError: nothing was asked yet.
        """
        self._must_be_idle()
        return self._runs.again("regenerate", settled=False)

    def retry(self) -> str:
        """Answer again, from the results of the calls that were made: none of them is made again. Returns the
        run's id. Raises what `regenerate` raises."""
        self._must_be_idle()
        return self._runs.again("retry", settled=True)

    def go_on(self) -> str:
        """Have the model go on with its last answer, which was cut off. Returns the run's id.

        Raises:
            BusyError: an answer is being written.
            NothingToDoError: the last answer was not cut off.
        """
        self._must_be_idle()
        return self._runs.go_on()

    async def stop(self, run_id: str) -> None:
        """Stop a run: its calls are cancelled, its questions withdrawn, what was said stays.

        Raises:
            UnknownRequestError: there never was such a run here, or it was long ago.
            NothingToDoError: this run has ended.
        """
        self._runs.check(run_id)
        await self._end_run()

    def answer_elicitation(self, elicitation_id: str, action: str, content: dict[str, Any] | None) -> None:
        """Hand a person's answer to the coordinator, which raises what it cannot take."""
        self._coordinator.answer(self.chat_id, elicitation_id, action, content)

    def decide_sampling(self, sampling_id: str, *, approve: bool) -> None:
        """Let a server use the model once, or not."""
        self._sampling.decide(sampling_id, approve=approve)

    def rename(self, title: str) -> None:
        """Give the conversation another title."""
        self.title = title[:_TITLE]
        self.publish("title.changed", {"title": self.title})

    def act_as(self, sid: str) -> None:
        """Let another session of the person act from now on."""
        self.sid = sid

    async def end_session(self, sid: str) -> None:
        """End what is open on behalf of a session; the conversation stays."""
        if sid == self.sid:
            await self._end_run()
            await self.servers.aclose()

    async def rest(self) -> None:
        """Let go of what an unused conversation does not need: connections, which the next use opens again,
        and the events of the past."""
        if self.run is None and not self._taking:
            self.events.forget()
            await self.servers.aclose()

    async def aclose(self) -> None:
        """End the run, the questions, the pages' streams and the connections, and keep what is new."""
        self._cancel_questions()
        await self._runs.aclose()
        await self.asking.aclose()
        await self.events.aclose()
        await self.servers.aclose()
        await self.keeper.aclose()

    async def leave(self) -> None:
        """Close the conversation as `aclose` does, but leave open what waits for the person: whoever opens
        the conversation next goes on with it."""
        await self.desk.leave()
        await self.aclose()

    async def finish(self, seconds: float) -> None:
        """Let the answer that is being written come to its end, unless it only waits for the person."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.run is not None and not self._waits():
                    await self._runs.wait(_LOOK_SECONDS)

    def _end_questions(self, questions: list[Remembered], run_id: str | None) -> None:
        """End the questions that another process had open: who answers late is told why that is too late."""
        for kind, id_, state in questions:
            ended: State = "ended" if state == "open" else state
            if kind == "elicitation":
                self._coordinator.remember(self.chat_id, id_, ended)
            else:
                self._sampling.remember(id_, ended)
            if state == "open" and kind == "elicitation":
                self.events.publish(
                    "elicitation.resolved",
                    run_id,
                    {"elicitation_id": id_, "action": "cancel", "by": "restart"},
                )
            elif state == "open":
                self.events.publish("sampling.resolved", run_id, {"sampling_id": id_, "decision": "decline"})

    def _waits(self) -> bool:
        """Tell whether the answer goes on only when the person has said something."""
        asked = self._coordinator.of(self.chat_id) or self._sampling.to_json()
        at_work = any(call.status in ("approved", "running") for call in self.desk.calls.values())
        return bool(asked) or (self.desk.waiting > 0 and not at_work)

    def _run_of(self, message_id: str) -> str | None:
        """Return the run that answers a message that is there; it gets one if nothing came after it."""
        if self.run is None and self.messages[-1].message_id == message_id:
            return self._runs.start("message")
        return self.run.run_id if self.run is not None else None

    async def _take(self, said: Message, turns: Turns) -> None:
        """Take the person's message: it is saved when this returns, or else it was never there."""
        marks, length = self._transcript.marks(), len(self._transcript.turns)
        self._taking = True
        self._transcript.ask(turns)
        self.messages.append(said)
        self.updated_at = self._clock()
        try:
            await self.keeper.save()
        except BaseException:
            self.messages.remove(said)
            self._transcript.undo(marks, length)
            raise
        finally:
            self._taking = False

    def _captured(self, revision: int, writer: str) -> Conversation:
        mark = self.events.mark()
        return Conversation(
            chat_id=self.chat_id,
            title=self.title,
            created_at=self.created_at,
            updated_at=self.updated_at,
            state={
                "mode": self.desk.mode.value,
                "grants": [[*which, digest] for which, digest in sorted(self.desk.grants.items())],
                **self._transcript.marks(),
                **({"log": mark, "run": self.run.run_id if self.run else None} if mark else {}),
            },
            parts=parts_of(self.messages, self.desk.calls, self._transcript.turns),
            revision=revision,
            writer=writer,
        )

    async def _end_run(self) -> None:
        self._cancel_questions()
        await self._runs.end()

    def _cancel_questions(self) -> None:
        self._coordinator.cancel_all(self.chat_id, "restart" if self.desk.leaving else "stop")

    def _elicitation(self, server: str) -> Any:
        async def ask(_: Any, params: types.ElicitRequestParams) -> types.ElicitResult | types.ErrorData:
            return await self._coordinator.ask(self, server, params, self.desk.running_on(server))

        return ask

    def _servers_changed(self) -> None:
        self.publish("servers.changed", {"servers": [server.to_json() for server in self.servers.all]})

    def _take_title(self, text: str) -> None:
        if sum(message.role == "user" for message in self.messages) == 1 and text:
            line = " ".join(text.split())
            self.rename(line if len(line) <= _TITLE else line[: _TITLE - 1] + "…")

    def _must_be_idle(self) -> None:
        if self.run is not None or self._taking:
            raise BusyError
