"""The five journeys of docs/tour.md, in Firefox and in WebKit."""

from tests.browser.engines.visitor import Visitor
from tests.browser.person import soon
from tests.browser.stack import Stack

DICE = "Please generate a random number between 1 and 6"
QUESTION = {"css": ".request"}


async def test_ask_approve_answer(alice: Visitor) -> None:
    await alice.look("empty")
    await alice.ask(DICE)
    await alice.sees(r"max\s+7", css=".card[data-status=proposed]")
    await alice.press("Approve")
    await alice.says(r"\b[1-6]\b")
    await alice.look("approved")
    await alice.ask(DICE)
    await alice.press("Edit arguments")
    await alice.write("41", role="field", name="min")
    await alice.write("42", role="field", name="max")
    await alice.sees(r"41 \(changed\)", css=".preview")
    await alice.look("editing")
    await alice.press("Approve with changes")
    await alice.says(r"\b41\b")
    await alice.ask(DICE)
    await alice.press("with a reason")
    await alice.write("not now", role="field", name="Tell the assistant why")
    await alice.keys("Enter")
    await alice.says("declined")


async def test_when_a_server_asks(alice: Visitor) -> None:
    await alice.ask("What is the weather in Springfield?")
    await alice.press("Approve")
    await alice.set("Missouri", role="field", name="Place")
    await alice.look("choice")
    await alice.press("Send answer")
    await alice.says("Springfield")
    await alice.look("forecast")
    await alice.set("elicitation", css="#mode")
    await alice.sees("without asking you", css=".toast")
    await alice.ask("Plan a trip")
    await alice.write("Lisbon", role="field", name="Destination", within=QUESTION)
    await alice.reload()
    await alice.finds("elicitation", css="#mode")
    await alice.finds("Lisbon", role="field", name="Destination", within=QUESTION)
    for day in ("First day", "Last day"):
        await alice.set(soon(), role="field", name=day, within=QUESTION)
    await alice.write("2", role="field", name="Travellers", within=QUESTION)
    await alice.press("Food", QUESTION, css="input[type=checkbox]")
    await alice.look("trip")
    await alice.press("Send answer")
    await alice.says("Lisbon")


async def test_answers_are_drawn_stopped_and_given_again(alice: Visitor, stack: Stack) -> None:
    await alice.ask("What is the weather in Zurich?")
    await alice.press("Approve")
    await alice.says("Zurich")
    await alice.sees("", role="img", name="Forecast for Zurich")
    stack.model.pace = 0.05
    await alice.ask("hello")
    await alice.sees("Hello", css=".message.assistant .prose", nth=-1)
    stack.model.pace = 60.0  # the answer pauses until it is stopped
    await alice.press("Stop")
    await alice.sees("You stopped this answer", css="#conversation")
    stack.model.pace = 0.0
    await alice.press("Try again")
    await alice.sees_none(css=".ending button", name="Try again")
    await alice.says("offline model")
    await stack.cut_streams()
    await alice.ask("hello")
    await alice.says("offline model")


async def test_change_your_mind(alice: Visitor) -> None:
    await alice.ask("hello there")
    await alice.says("offline model")
    await alice.press("Edit message")
    await alice.write("good morning", role="field", name="What you said")
    await alice.look("edit")
    await alice.press("Save and ask")
    await alice.sees("2 of 2", css=".versions")
    await alice.sees("good morning", css=".bubble")
    await alice.press("Version before")
    await alice.sees("hello there", css=".bubble")
    await alice.press("Good answer")
    await alice.ask("Run a marathon")
    await alice.sees("Needs your decision", css=".card")
    await alice.ask_meanwhile("and what then?")
    await alice.reload()
    await alice.sees("and what then?", css="#queue")
    await alice.press("Take back")
    await alice.sees_none(css="#queue")
    await alice.finds("and what then?", css="#message")
    await alice.sees("", css="[aria-pressed=true]", name="Good answer")
    await alice.press("Account", css="#account")
    await alice.sees("Dark", css=".account-menu")
    await alice.look("account")


async def test_choose_the_tools(alice: Visitor) -> None:
    dialog = {"css": "#tools-dialog"}
    await alice.press("Chat menu", css="#chat-options")
    await alice.press("Tools", css="#open-tools")
    await alice.sees("playground", css="#tools-dialog")
    await alice.look("tools")
    await alice.write("marathon", css="#tools-search")
    await alice.press("Marathon", dialog, css=".tool-row summary")
    await alice.sees("kilometres", css="#tools-dialog")
    await alice.press("Use Marathon", dialog, role="switch")
    await alice.press("Close", dialog)
    await alice.ask("Run a marathon")
    await alice.sees("", role="button", name="Regenerate")
    assert await alice.count(css=".card") == 0
    await alice.ask(DICE)
    await alice.press("Don't ask again", css=".grant-choice input")
    await alice.press("Approve")
    await alice.says(r"\b[1-6]\b")
    await alice.ask(DICE)
    await alice.says(r"\b[1-6]\b")
    await alice.press("Revoke", css="#grants button")
    await alice.sees_none(css="#grants")
    await alice.press("Message", css="#message")
    await alice.type("/in_range")
    await alice.sees("in_range", role="option", name="in_range")
    await alice.look("palette")
    await alice.keys("Enter")
    await alice.sees("", css=".prompt-form")
    await alice.type("3")
    await alice.keys("Tab")
    await alice.type("9")
    await alice.keys("Enter")
    await alice.sees(r"min\s+3", css=".card[data-status=proposed]")
