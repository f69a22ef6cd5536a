"""The core of the browser suite once more, on two servers and two web chats behind a proxy in turn.

The tests are those of `tests/browser`; what they run on is this module's `stack`.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, BrowserContext, expect
from tests.browser.conftest import browser, context, watch
from tests.browser.person import BOB, Person
from tests.browser.playground import Playground
from tests.browser.test_approval import (
    test_a_call_is_shown_as_proposed_then_running_then_done,
    test_a_declined_call_never_reaches_the_server_and_the_model_goes_on,
    test_a_double_click_runs_once,
    test_always_allow_runs_the_next_call_unasked_until_it_is_revoked,
    test_two_calls_at_once_are_decided_one_by_one,
)
from tests.browser.test_chats import MORE_TIME, choose, row, talk
from tests.browser.test_continuity import (
    test_a_conversation_is_renamed_and_deleted,
    test_an_approval_survives_a_reload,
    test_an_open_form_survives_a_reload,
    test_conversations_are_listed_and_kept_apart,
    test_reloading_while_an_answer_streams_shows_all_of_it,
    test_the_mcp_server_is_restarted_and_the_chat_goes_on,
    test_two_tabs_show_the_same_and_the_first_answer_wins,
)
from tests.browser.test_elicitation import (
    test_every_kind_of_field_arrives_with_its_json_type,
    test_two_questions_of_one_call_are_answered_apart,
)
from tests.browser.test_main_job import (
    test_a_random_number_is_approved_and_answered,
    test_elicitation_mode_asks_by_a_form_and_submit_answers,
    test_elicitation_mode_declined_is_said_to_be_declined,
    test_nobody_opens_or_answers_in_the_chat_of_another,
    test_the_weather_in_zurich_is_told_and_drawn,
    test_two_people_each_see_only_their_own,
)
from tests.browser.test_signing_in import test_a_person_signs_in_by_the_tenants_page_and_out_again
from tests.browser.test_stopping import (
    test_escape_stops_a_running_tool,
    test_stop_while_a_call_waits_for_approval,
    test_stop_while_a_form_is_open,
    test_stop_while_text_streams,
)
from tests.browser.watch import Watch
from tests.scaling.topology import Topology

from mcpsecurity.localcloud import LocalCloud
from mcpsecurity.localcloud.entra.directory import User
from mcpsecurity.testing import LocalStack

__all__ = [
    "browser",
    "context",
    "test_a_call_is_shown_as_proposed_then_running_then_done",
    "test_a_conversation_is_renamed_and_deleted",
    "test_a_declined_call_never_reaches_the_server_and_the_model_goes_on",
    "test_a_double_click_runs_once",
    "test_a_person_signs_in_by_the_tenants_page_and_out_again",
    "test_a_random_number_is_approved_and_answered",
    "test_always_allow_runs_the_next_call_unasked_until_it_is_revoked",
    "test_an_approval_survives_a_reload",
    "test_an_open_form_survives_a_reload",
    "test_conversations_are_listed_and_kept_apart",
    "test_elicitation_mode_asks_by_a_form_and_submit_answers",
    "test_elicitation_mode_declined_is_said_to_be_declined",
    "test_escape_stops_a_running_tool",
    "test_every_kind_of_field_arrives_with_its_json_type",
    "test_nobody_opens_or_answers_in_the_chat_of_another",
    "test_reloading_while_an_answer_streams_shows_all_of_it",
    "test_stop_while_a_call_waits_for_approval",
    "test_stop_while_a_form_is_open",
    "test_stop_while_text_streams",
    "test_the_mcp_server_is_restarted_and_the_chat_goes_on",
    "test_the_weather_in_zurich_is_told_and_drawn",
    "test_two_calls_at_once_are_decided_one_by_one",
    "test_two_people_each_see_only_their_own",
    "test_two_questions_of_one_call_are_answered_apart",
    "test_two_tabs_show_the_same_and_the_first_answer_wins",
    "watch",
]


class OperatedStack:
    """What the browser's tests ask of a stack, answered by the topology."""

    def __init__(self, topology: Topology, cloud: LocalCloud, playground: Playground) -> None:
        self.url = topology.url
        self.cloud = cloud
        self.model = cloud.model
        self.playground = playground
        self._servers = topology.mcp

    async def restart_mcp(self) -> None:
        """Restart the MCP server's replicas, one after the other."""
        for replica in self._servers:
            await replica.restart()


async def test_an_approval_is_clicked_after_every_web_chat_was_restarted(
    alice: Person, topology: Topology, watch: Watch
) -> None:
    watch.allow("net::ERR|Failed to load resource")
    await alice.ask("Please generate a random number between 1 and 6")
    await expect(alice.call("get_random_number")).to_contain_text("Needs your decision")
    await asyncio.gather(*(replica.restart() for replica in topology.web))
    await alice.approve("get_random_number")
    await alice.says(r"\b[1-6]\b")
    await expect(alice.calls("get_random_number")).to_have_count(1)


async def test_a_deleted_chat_is_brought_back_by_another_replica_and_one_that_is_not_is_gone(
    alice: Person, oid: str, topology: Topology, watch: Watch
) -> None:
    watch.allow("net::ERR|Failed to load resource")
    await talk(alice, "hello", "help")
    await alice.page.evaluate(MORE_TIME)
    await choose(alice, "help", "Delete")
    await expect(alice.page.get_by_role("heading", level=1)).to_have_text("hello")
    owner = await topology.owner_of(oid)
    await owner.stop()
    await alice.notices.get_by_role("button", name="Undo").click()
    await expect(alice.page.get_by_role("heading", level=1)).to_have_text("help")
    await expect(alice.conversation.locator(".message.user")).to_contain_text("help")

    await choose(alice, "hello", "Delete")
    await expect(row(alice, "hello")).to_have_count(0)
    await alice.page.reload()  # the time for second thoughts is over
    await expect(row(alice, "help")).to_have_count(1)
    await owner.start()
    await alice.page.reload()
    await expect(row(alice, "help")).to_have_count(1)
    await expect(row(alice, "hello")).to_have_count(0)


@pytest.fixture
def oid() -> str:
    """The object id of somebody who never was here before."""
    return f"10ca1c10-0d00-4000-8000-{secrets.token_hex(6)}"


@pytest.fixture
def stack(topology: Topology, local: LocalStack, playground: Playground) -> OperatedStack:
    return OperatedStack(topology, local.cloud, playground)


@pytest.fixture
async def alice(context: BrowserContext, stack: OperatedStack, oid: str) -> Person:
    """Somebody who never was here before, signed in."""
    name = f"{oid[-12:]}@contoso.example"
    stack.cloud.tenant.directory.users[name] = User("Somebody", name, oid, home_oid=oid)
    return await Person(await context.new_page(), stack.url).sign_in(name)


@pytest.fixture
async def bob(browser: Browser, watch: Watch, stack: OperatedStack) -> AsyncIterator[Person]:
    """Bob, in a browser of his own and a conversation of his own."""
    context = await browser.new_context(locale="en-GB", timezone_id="Europe/Zurich")
    context.set_default_timeout(15_000)
    watch.observe(context)
    await watch.tell_violations(context)
    person = await Person(await context.new_page(), stack.url).sign_in(BOB)
    await person.begin_another()
    yield person
    await context.close()
