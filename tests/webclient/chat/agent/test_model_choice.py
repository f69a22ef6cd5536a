"""People choose which of several models answers; what a model says its name is, is kept."""

from pathlib import Path
from typing import Any

from tests.browser.stack import Stack
from tests.support.served import on_loopback
from tests.webclient.conftest import NewPerson, ServeWeb
from tests.webclient.scripted_model import ScriptedModel
from tests.webclient.visitor import Visitor

from mcpsecurity.localcloud.openai.faults import ModelFault

NAMES = ("offline-model", "offline-reasoning", "offline-vision")


def listed(stack: Stack, *names: str, **more: Any) -> dict[str, Any]:
    """Return settings with deployments of the local cloud as models, by other names."""
    cloud = stack.cloud
    common = {"endpoint": cloud.openai_endpoint, "key": cloud.openai_api_key, **more}
    models = [{"name": name.removeprefix("offline-"), "model": name, **common} for name in names]
    return {"listed_models": models}


async def answered(visitor: Visitor, text: str = "Hello!") -> dict[str, Any]:
    """Ask, approve what is proposed, and return the last message."""
    async with visitor.stream() as stream:
        await visitor.ask(text)
        while True:
            event = await stream.next()
            if event.name == "tool.proposed":
                await visitor.decide(event.data["call"], "approve")
            if event.name == "run.done":
                assert event.data["status"] == "completed", event.data
                break
    return dict((await visitor.snapshot())["messages"][-1])


async def test_another_model_answers_from_the_next_message_on(
    stack: Stack, serve_web: ServeWeb, visitors: NewPerson
) -> None:
    async with serve_web(**listed(stack, *NAMES)) as url:
        visitor = await visitors(url=url).sign_in()
        known = await visitor.snapshot()
        assert [model["name"] for model in known["models"]] == ["model", "reasoning", "vision"]
        assert known["model"]["name"] == "model"
        assert (await answered(visitor))["model"] == "offline-model"
        async with visitor.stream() as stream:
            assert (await visitor.command("model", {"model": "reasoning"})).status == 202
            changed = await stream.until("model.changed")
        assert changed["model"]["name"] == "reasoning"
        assert (await answered(visitor))["model"] == "offline-reasoning"
        other = await visitors(url=url, user=visitor.user).sign_in()
        assert (await other.snapshot())["model"]["name"] == "reasoning", "each tab and browser sees it"
        await visitor.new_chat()
        assert (await visitor.snapshot())["model"]["name"] == "model", "another conversation has its own"


async def test_a_conversation_goes_on_with_a_model_of_another_api(
    stack: Stack, serve_web: ServeWeb, visitors: NewPerson
) -> None:
    """A reasoning model's calls and thoughts came by Responses; Chat Completions takes what stays of them."""
    models = listed(stack, "offline-reasoning")["listed_models"]
    models += listed(stack, "offline-model", api="chat")["listed_models"]
    async with serve_web(listed_models=models) as url:
        visitor = await visitors(url=url).sign_in()
        for name in ("reasoning", "model", "reasoning"):
            assert (await visitor.command("model", {"model": name})).status == 202
            message = await answered(visitor, "Please generate a random number between 1 and 6")
            assert message["model"] == f"offline-{name}"
            assert "calls" not in message or message["calls"] == []


async def test_thoughts_of_a_model_are_not_sent_to_another(
    stack: Stack, serve_web: ServeWeb, visitors: NewPerson
) -> None:
    """An answer that failed after a call left encrypted thoughts behind, which only their model can read."""
    other = ScriptedModel()
    async with on_loopback(other.app()) as other_url:
        models = listed(stack, "offline-reasoning")["listed_models"]
        models += [{"name": "other", "endpoint": other_url, "key": "k", "api": "responses"}]
        async with serve_web(listed_models=models) as url:
            visitor = await visitors(url=url).sign_in()
            async with visitor.stream() as stream:
                await visitor.ask("Please generate a random number between 1 and 6")
                call = (await stream.until("tool.proposed"))["call"]
                stack.model.faults.upcoming.append(ModelFault.rate_limit())
                await visitor.decide(call, "approve")
                assert (await stream.until("run.done"))["status"] == "failed"
                await visitor.command("model", {"model": "other"})
                await visitor.command("retry")
                await stream.until("run.done")
    kinds = [item["type"] for item in other.bodies[0]["input"]]
    assert kinds == ["message", "message", "function_call", "function_call_output"]


async def test_the_choice_outlives_the_process_and_a_model_that_is_gone_is_told(
    stack: Stack, serve_web: ServeWeb, visitors: NewPerson, tmp_path: Path
) -> None:
    database = f"sqlite:///{tmp_path / 'chats.sqlite3'}"
    async with serve_web(**listed(stack, *NAMES), database_url=database) as url:
        visitor = await visitors(url=url).sign_in()
        await answered(visitor)
        await visitor.command("model", {"model": "vision"})
        user, chat_id = visitor.user, visitor.chat_id
    for offered, name, instead in ((NAMES, "vision", None), (NAMES[:2], "model", "vision")):
        async with serve_web(**listed(stack, *offered), database_url=database) as url:
            visitor = await visitors(url=url, user=user).sign_in()
            await visitor.open(f"/chats/{chat_id}")
            model = (await visitor.snapshot())["model"]
            assert (model["name"], model.get("instead_of")) == (name, instead)
            assert (await answered(visitor))["model"] == f"offline-{name}"


async def test_only_a_model_that_is_offered_can_be_chosen(
    stack: Stack, serve_web: ServeWeb, visitors: NewPerson
) -> None:
    async with serve_web(**listed(stack, *NAMES[:2])) as url:
        visitor = await visitors(url=url).sign_in()
        assert (await visitor.command("model", {"model": "vision"})).status == 404
        assert (await visitor.command("model", {"model": None})).status == 400
        assert (await visitor.snapshot())["model"]["name"] == "model"


async def test_servers_questions_are_answered_by_the_chosen_model_in_their_own_words_only(
    stack: Stack, serve_web: ServeWeb, visitors: NewPerson
) -> None:
    """What the person approved is what the model gets: no operator's prompt, no conversation, no tools."""
    other = ScriptedModel()
    async with on_loopback(other.app()) as other_url:
        models = listed(stack, "offline-model")["listed_models"]
        models += [{"name": "other", "endpoint": other_url, "key": "k", "api": "chat"}]
        async with serve_web(listed_models=models, sampling=True, system_prompt="Ahoy {date}.") as url:
            visitor = await visitors(url=url).sign_in()
            await visitor.command("mode", {"mode": "elicitation"})
            async with visitor.stream() as stream:
                await visitor.ask("Compose a poem")
                sampling = (await stream.until("sampling.requested"))["sampling"]
                await visitor.command("model", {"model": "other"})
                await visitor.command(f"samplings/{sampling['sampling_id']}", {"decision": "approve"})
                await stream.until("run.done")
    (asked,) = other.asked
    assert [message["role"] for message in asked["messages"]] == ["user", "user"]
    assert "tools" not in asked
    assert "Ahoy" not in str(asked)
