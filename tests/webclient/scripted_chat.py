"""What tests do with a chat whose model is scripted."""

from typing import Any

from tests.webclient.scripted_model import ScriptedModel
from tests.webclient.visitor import Visitor

__all__ = ["answer", "ask", "ask_and_approve", "function_named", "run"]


async def ask(visitor: Visitor, text: str = "hello") -> dict[str, Any]:
    async with visitor.stream() as stream:
        await visitor.ask(text)
        return await stream.until("run.done")


async def ask_and_approve(visitor: Visitor, text: str = "hello") -> tuple[dict[str, Any], dict[str, Any]]:
    """Ask, approve the one call that is proposed, and return it as it ended, and the end of the run."""
    async with visitor.stream() as stream:
        await visitor.ask(text)
        await visitor.decide((await stream.until("tool.proposed"))["call"], "approve")
        done = await stream.until("run.done")
    return (await visitor.snapshot())["calls"][-1], done


async def run(visitor: Visitor, command: str) -> dict[str, Any]:
    async with visitor.stream() as stream:
        answer = await visitor.command(command)
        assert answer.status == 202, answer.body
        return await stream.until("run.done")


async def answer(visitor: Visitor) -> tuple[str, str | None]:
    last = (await visitor.snapshot())["messages"][-1]
    assert last["role"] == "assistant"
    return last["text"], last.get("finish_reason")


async def function_named(visitor: Visitor, model: ScriptedModel, name: str) -> str:
    """Return what the model calls a tool."""
    await ask(visitor)
    names: list[str] = [tool["function"]["name"] for tool in model.asked[-1]["tools"]]
    return next(found for found in names if found.endswith(name))
