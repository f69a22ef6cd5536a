"""A person's conversation, as the routes use it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from mcpsecurity.client import SignInRequiredError
from mcpsecurity_webclient.auth.person import Person
from mcpsecurity_webclient.chat.agent.offered_models import ModelChoice, OfferedModels
from mcpsecurity_webclient.chat.agent.prompting import PromptingService
from mcpsecurity_webclient.chat.agent.runs import Again, Runs
from mcpsecurity_webclient.chat.agent.sampling import ModelSampler
from mcpsecurity_webclient.chat.editing import Editing
from mcpsecurity_webclient.chat.event_types import LISTED_AFTER, EventName, EventPayload, ToolDone
from mcpsecurity_webclient.chat.events import EventBus, Subscription
from mcpsecurity_webclient.chat.inbox import Inbox
from mcpsecurity_webclient.chat.mcp.server import ServerCallbacks
from mcpsecurity_webclient.chat.mcp.servers import McpServers
from mcpsecurity_webclient.chat.models import ToolChoice, User
from mcpsecurity_webclient.chat.persistence.autosave import ConversationSaver
from mcpsecurity_webclient.chat.persistence.event_replay import replayed
from mcpsecurity_webclient.chat.persistence.recovery import recover_pending_calls
from mcpsecurity_webclient.chat.requests.deadlines import WaitingTime
from mcpsecurity_webclient.chat.requests.elicitation import ElicitationCoordinator
from mcpsecurity_webclient.chat.requests.pending_requests import RequestLog
from mcpsecurity_webclient.chat.requests.sampling import SamplingRequests
from mcpsecurity_webclient.chat.state import ConversationState
from mcpsecurity_webclient.chat.tool_list import ToolList
from mcpsecurity_webclient.chat.tools.approvals import Approvals
from mcpsecurity_webclient.chat.tools.calls import ToolCalls
from mcpsecurity_webclient.chat.tools.grants import Grants
from mcpsecurity_webclient.chat.tools.person_grants import PersonGrants
from mcpsecurity_webclient.chat.views import ServerView, StateView
from mcpsecurity_webclient.settings import WebSettings
from mcpsecurity_webclient.store import Conversation, ConversationStore, Owner

_POLL_SECONDS = 0.1
_SAVED_AFTER = frozenset({"message.done", "tool.done", "mode.changed", "grants.changed", "title.changed"})
"""Events after which the conversation is saved."""


@dataclass(frozen=True, slots=True)
class ChatDependencies:
    """The parts that all conversations share.

    `make_servers` makes the MCP servers of a conversation from its id, its callbacks, a function that
    returns the person in the session whose tokens the servers get, and the choice of tools. `grants_of`
    returns what a person allows in all conversations. `sign_in_needed` is called when the tokens of a
    conversation's session are no longer accepted, `listed` when a conversation
    changes in the person's list. `clock` gives seconds since 1970.
    """

    settings: WebSettings
    models: OfferedModels
    store: ConversationStore
    make_servers: Callable[[str, ServerCallbacks, Callable[[], Person], ToolChoice], McpServers]
    grants_of: Callable[[Owner], PersonGrants]
    sign_in_needed: Callable[["ChatService", SignInRequiredError], None]
    listed: Callable[["ChatService"], None]
    clock: Callable[[], float]


class ChatService:
    """One conversation of one signed-in person. It belongs to the person, not to a page or a connection.

    `state` is the conversation itself, `model_choice` which model answers. `acting` is the person in the
    session whose tokens the MCP servers get. `inbox` takes messages, `editing` changes them, `approvals`
    and `grants` take decisions about calls, `questions` and `samplings` answers to servers, `tools` chooses
    tools of the MCP `servers`. `events` carries news to the pages, `log` records
    open requests for other processes. A person's message is saved before any page is told that it was
    taken.
    """

    def __init__(
        self, chat_id: str, person: Person, shared: ChatDependencies, *, events: EventBus, log: RequestLog
    ) -> None:
        settings, clock, now = shared.settings, shared.clock, shared.clock()
        self.chat_id = chat_id
        self.acting = person
        self.events = events
        self.state = ConversationState(
            chat_id=chat_id,
            user=User(person.name, person.username),
            created_at=now,
            updated_at=now,
        )
        self.saver = ConversationSaver(shared.store, owner_of(person), self.state, events)
        self.model_choice = ModelChoice(self.state, shared.models, self._publish, self.saver.save)
        events.keep_soon = self.saver.schedule
        self._clock = clock
        self._listed = shared.listed
        self._log = log
        to_answer = WaitingTime(settings.elicitation_timeout, settings.longest_wait)
        self.questions = ElicitationCoordinator(
            self.state, self._publish, log, time_to_answer=to_answer, clock=clock
        )
        self.samplings = self._make_samplings(settings)
        self.servers = shared.make_servers(
            chat_id, self._callbacks(settings), lambda: self.acting, self.state.choice
        )
        self.tools = ToolList(self.state, self.servers, self._publish, save=self.saver.save)
        self.grants = self._make_grants(shared, person)
        self.approvals = self._make_approvals(settings)
        self._tool_calls = ToolCalls(self.state, self.approvals, self.servers, self._publish, clock=clock)
        self._runs = self._make_runs(shared)
        shown = (self.state, self.servers, self._runs, self.saver, self._publish)
        self.inbox = Inbox(*shown, sees=lambda: self.model_choice.model.sees, clock=clock)
        self.editing = Editing(
            self.state, self.servers, self.inbox, self._runs, self.saver, self._publish, clock=clock
        )

    def _make_grants(self, shared: ChatDependencies, person: Person) -> Grants:
        return Grants(
            self.state,
            shared.grants_of(owner_of(person)),
            self.servers,
            self._publish,
            save=self.saver.save,
            allowed=shared.settings.grants,
            clock=self._clock,
        )

    def _make_approvals(self, settings: WebSettings) -> Approvals:
        return Approvals(
            self.state,
            self.servers,
            self.grants,
            self._publish,
            save=self.saver.save,
            time_to_decide=_time_to_decide(settings),
            clock=self._clock,
        )

    def _make_samplings(self, settings: WebSettings) -> SamplingRequests:
        return SamplingRequests(
            ModelSampler(lambda: self.model_choice.model, self.state.context),
            self.state,
            self._publish,
            self._log,
            time_to_answer=_time_to_decide(settings),
            clock=self._clock,
        )

    def _callbacks(self, settings: WebSettings) -> ServerCallbacks:
        return ServerCallbacks(
            elicitation=self.questions.callback,
            sampling=self.samplings.callback if settings.sampling else None,
            changed=lambda: self._publish("servers.changed", {"servers": self._servers_json()}),
            catalog_changed=lambda: self._publish("catalog.changed", {}),
            watched=lambda: self.events.followed,
        )

    def _make_runs(self, shared: ChatDependencies) -> Runs:
        prompting = PromptingService(
            self.state,
            lambda: self.model_choice.model,
            self.servers,
            self._tool_calls,
            self._publish,
            max_rounds=shared.settings.max_rounds,
            system_prompt=shared.settings.system_prompt_text,
        )
        return Runs(
            self.state,
            prompting,
            self.saver,
            self._publish,
            sign_in_needed=lambda error: shared.sign_in_needed(self, error),
            ended=lambda: self.inbox.send_next(),  # noqa: PLW0108 - made later
            clock=self._clock,
        )

    async def restore(self, stored: Conversation) -> None:
        """Continue a stored conversation. Calls that wait for the person are open again; everything else that
        was under way has ended. Events that pages have received since it was stored are applied, if known.

        Raises:
            StoreError: the conversation has changed since it was loaded, or the store cannot be reached.
        """
        if self.events.mark() is None:
            self.saver.begin_at(stored.revision)
        else:  # another process may still hold it
            await self.saver.claim(stored)
        requests = await self._log.left()
        events = await self.events.recover(*stored.state.get("log", ("", 0)))
        # Nothing is awaited from here on: a state that is half restored must not be saved.
        replayer = replayed(self.state, stored, events or [], self.events)
        pending = recover_pending_calls(self.state.calls, self.state.transcript.turns, self._clock())
        run_id = stored.state.get("run")
        for kind in (self.questions, self.samplings):
            kind.end_earlier(requests, lambda name, payload: self.events.publish(name, run_id, payload))
        replayer.end(self.events.publish, goes_on=pending is not None)
        if events:
            self.saver.schedule()
        if pending is not None:
            self._runs.start("resume", pending)

    def subscribe(self, last: str | None) -> Subscription:
        """Follow the events after `last`, or from a snapshot on when those are not known."""
        return self.events.subscribe(last, self._snapshot)

    @property
    def waiting(self) -> int:
        """How many calls and requests wait for the person."""
        return self.state.waiting + len(self.questions) + len(self.samplings)

    async def pin(self, *, pinned: bool) -> None:
        """List the conversation before those that are not pinned, or no longer.

        Raises:
            StoreError: it cannot be saved.
        """
        self.state.pinned = pinned
        await self.saver.save()
        self._listed(self)

    def connect(self, person: Person) -> None:
        """Begin to connect to the servers, because a page of the person's session shows the conversation."""
        if self.state.run is None:
            self.act_as(person)
        self.servers.connect()

    async def again(self, trigger: Again) -> str:
        """Answer the last message again; return the run's id.

        `regenerate` writes another answer, and keeps the one that is there as a version. `retry` keeps the
        calls that were made or declined, with their results. `continue` has the model go on with an answer
        that was cut off.

        Raises:
            BusyError: an answer is being written.
            NothingToDoError: there is no message yet, or the answer to continue was not cut off.
        """
        self.inbox.must_be_idle()
        if trigger == "continue":
            return self._runs.go_on()
        if trigger == "regenerate":
            return await self.editing.regenerate()
        return self._runs.again(trigger, settled=True)

    async def stop(self, run_id: str) -> None:
        """Stop a run: its calls are cancelled, its questions are withdrawn, its text stays.

        Raises:
            UnknownRequestError: there is no such run here, or it was long ago.
            NothingToDoError: this run has ended.
        """
        self._runs.take_stop(run_id)
        await self._end_run()

    @property
    def sid(self) -> str:
        """The session whose tokens the MCP servers get."""
        return self.acting.sid

    def act_as(self, person: Person) -> None:
        """Use the tokens and the roles of another session of the person from now on. Calls that wait for a
        sign-in go on."""
        self.acting = person
        self._tool_calls.step_ups.signed_in(person.renewed)

    async def end_session(self, sid: str) -> None:
        """End what runs for a session; the conversation stays."""
        if sid == self.sid:
            await self._end_run()
            await self.servers.aclose()

    async def evict_idle(self) -> None:
        """Close the connections, which the next use opens again, and forget past events, unless the
        conversation is in use."""
        if not self.inbox.busy:
            self.events.forget()
            await self.servers.aclose()

    async def aclose(self) -> None:
        """End the run, the questions, the pages' streams and the connections, and save the last changes."""
        self.questions.cancel_all()
        await self.inbox.aclose()
        await self._runs.aclose()
        await self._log.aclose()
        await self.events.aclose()
        await self.servers.aclose()
        await self.saver.aclose()

    async def leave(self) -> None:
        """Close the conversation as `aclose` does, but leave requests to the person open: the next process
        that opens the conversation continues with it."""
        await self.approvals.leave()
        await self.aclose()

    async def finish(self, seconds: float) -> None:
        """Wait until the answer ends, or only waits for the person."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.state.run is not None and not self._waits():
                    await self._runs.wait(_POLL_SECONDS)

    def _publish(self, name: EventName, payload: EventPayload) -> None:
        """Give an event to every page of this conversation."""
        run = self.state.run
        self.events.publish(name, run.run_id if run else None, payload)
        if name == "tool.done":
            self.questions.withdraw(cast("ToolDone", payload)["call_id"])
        if name in _SAVED_AFTER:
            self.saver.schedule()
        if name in LISTED_AFTER:
            self._listed(self)

    def _snapshot(self) -> StateView:
        """Return everything that a page shows."""
        body = self.state.to_json() | {
            "model": self.model_choice.to_json(),
            "models": self.model_choice.offered(),
            "servers": self._servers_json(),
            "grants": self.grants.to_json(),
            "elicitations": self.questions.to_json(),
            "samplings": self.samplings.to_json(),
        }
        return cast("StateView", body)

    def _servers_json(self) -> list[ServerView]:
        return [server.to_json() for server in self.servers.all]

    def _waits(self) -> bool:
        """Tell whether the answer goes on only when the person has decided something."""
        at_work = any(call.status in ("approved", "running") for call in self.state.calls.values())
        asked = len(self.questions) + len(self.samplings)
        return asked > 0 or (self.state.waiting > 0 and not at_work)

    async def _end_run(self) -> None:
        self.questions.cancel_all()
        await self._runs.end()


def _time_to_decide(settings: WebSettings) -> WaitingTime:
    return WaitingTime(settings.approval_timeout, settings.longest_wait)


def owner_of(person: Person) -> Owner:
    """Return the owner of the person's conversations in the store."""
    return Owner(person.tenant_id, person.object_id)
