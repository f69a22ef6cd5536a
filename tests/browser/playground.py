"""An MCP server that nobody here wrote, as far as the chat knows: tools for what ours does not do.

Each tool's name has a word of its own, so that the offline model finds it.
"""

import asyncio
from typing import Annotated, Any

from mcp.server.fastmcp import Context, FastMCP
from mcp.types import (
    CallToolResult,
    CreateMessageResult,
    ElicitResult,
    ImageContent,
    SamplingMessage,
    TextContent,
    ToolAnnotations,
)
from pydantic import Field

__all__ = ["NASTY", "PICTURE", "Playground"]

NASTY = "<img src=x onerror=\"console.error('hacked')\"><script>console.error('hacked')</script>"
PICTURE = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR42mM4oKCAFTEMLQkAKj9AAQUJSn0AAAAASUVORK5CYII="
)
SURVEY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "title": "Name", "description": "As in your passport.", "minLength": 2},
        "email": {"type": "string", "title": "E-mail", "format": "email"},
        "site": {"type": "string", "title": "Web site", "format": "uri"},
        "born": {"type": "string", "title": "Day of birth", "format": "date"},
        "meeting": {"type": "string", "title": "Meeting", "format": "date-time"},
        "children": {"type": "integer", "title": "Children", "minimum": 0, "maximum": 20},
        "height": {"type": "number", "title": "Height", "minimum": 0.5, "default": 1.75},
        "smoker": {"type": "boolean", "title": "Smoker"},
        "terms": {"type": "boolean", "title": "I accept the terms"},
        "colour": {"type": "string", "title": "Colour", "enum": ["red", "green"], "default": "green"},
        "size": {
            "type": "string",
            "title": "Size",
            "oneOf": [{"const": "s", "title": "Small"}, {"const": "l", "title": "Large"}],
        },
        "rating": {"type": "string", "title": "Rating", "enum": ["1", "2"], "enumNames": ["Bad", "Good"]},
        "hobbies": {
            "type": "array",
            "title": "Hobbies",
            "minItems": 1,
            "maxItems": 2,
            "items": {"anyOf": [{"const": c, "title": c.title()} for c in ("chess", "music", "running")]},
        },
    },
    "required": ["name", "born", "children", "terms", "size", "hobbies"],
}

Ctx = Context[Any, Any, Any]
AnyNumber = Annotated[Any, Field(json_schema_extra={"type": "number"})]


class Playground:
    """The server, what its tools were told, and what holds them up."""

    def __init__(self) -> None:
        self.answers: list[ElicitResult] = []
        self.sampled: list[CreateMessageResult] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.poem_prompt = f"hello {NASTY}"
        self.proceed = asyncio.Event()
        self.answered = asyncio.Event()
        self.visit_url = "https://example.com/connect"
        self.mcp: FastMCP[None] = FastMCP("playground")
        self._add_questions()
        self._add_results()
        self._add_demolition()
        self._add_ledger()
        self._add_errand()
        self._add_texts()
        self._add_notes()
        self._add_marathon()

    def reset(self) -> None:
        """Forget what was called, answered and published; hold everything up again."""
        for name in ("publish_newspaper", "run_marathon"):
            self.mcp.remove_tool(name)
        self._add_marathon()
        self.answers.clear()
        self.calls.clear()
        self.sampled.clear()
        self.proceed, self.answered = asyncio.Event(), asyncio.Event()
        self.visit_url = "https://example.com/connect"
        self.poem_prompt = f"hello {NASTY}"

    def _add_questions(self) -> None:
        @self.mcp.tool(title="Survey")
        async def fill_survey(context: Ctx) -> str:
            """Fill in a survey."""
            return await self._ask(context, "Please take part in our survey.", SURVEY)

        @self.mcp.tool(title="Handshake")
        async def do_handshake(context: Ctx) -> str:
            """Do a handshake."""
            return await self._ask(context, "Shake hands?", {"type": "object", "properties": {}})

        @self.mcp.tool(title="Interview")
        async def hold_interview(context: Ctx) -> str:
            """Hold an interview."""
            questions = [
                {"type": "object", "properties": {n: {"type": "string", "title": n}}}
                for n in ("First", "Second")
            ]
            found = await asyncio.gather(*(self._ask(context, "A question", q) for q in questions))
            return " and ".join(found)

        @self.mcp.tool(title="Poem")
        async def compose_poem(context: Ctx) -> str:
            """Compose a poem."""
            prompt = SamplingMessage(role="user", content=TextContent(type="text", text=self.poem_prompt))
            picture = SamplingMessage(
                role="user", content=ImageContent(type="image", data=PICTURE, mimeType="image/png")
            )
            result = await context.session.create_message([picture, prompt], max_tokens=50)
            self.sampled.append(result)
            return f"Poem: {result.content.type}"

        @self.mcp.tool(title="Visa")
        async def request_visa(context: Ctx) -> str:
            """Request a visa."""
            result = await context.session.elicit_url(
                "Please apply there.", self.visit_url, "visa-1", context.request_id
            )
            self._note(result)
            return f"Visa: {result.action}"

    def _add_results(self) -> None:
        @self.mcp.tool(title="Voyage")
        async def begin_voyage(context: Ctx) -> str:
            """Begin a voyage."""
            await context.report_progress(7)
            await self.proceed.wait()
            return "The voyage is over."

        @self.mcp.tool(title="Painting")
        def paint_painting() -> CallToolResult:
            """Paint a painting."""
            image = ImageContent(type="image", data=PICTURE, mimeType="image/png")
            text = TextContent(type="text", text="A small red square.")
            return CallToolResult(content=[image, text])

        @self.mcp.tool(title="Explosion")
        def cause_explosion() -> str:
            """Cause an explosion."""
            raise ValueError("The powder was wet.")

    def _add_marathon(self) -> None:
        """Add what changes while tests run, as the last, so that it keeps its place."""

        @self.mcp.tool(title="Newspaper")
        async def publish_newspaper(context: Ctx) -> str:
            """Publish a newspaper."""
            self.mcp.remove_tool("run_marathon")
            self.mcp.add_tool(run_marathon, title="Marathon", description="Run a marathon, and pay for it.")
            await context.session.send_tool_list_changed()
            return "It says that a marathon costs money now."

        @self.mcp.tool(title="Marathon")
        async def run_marathon(context: Ctx, kilometres: int = 4) -> str:
            """Run a marathon."""
            self.calls.append(("run_marathon", {"kilometres": kilometres}))
            await context.report_progress(1, kilometres, "Running hard")
            await self.proceed.wait()
            await context.report_progress(kilometres, kilometres, "Nearly there")
            return "The marathon is over."

    def _add_demolition(self) -> None:
        @self.mcp.tool(title="Demolish house", annotations=ToolAnnotations(destructiveHint=True))
        def demolish_house(street: str = "Elm Street") -> str:
            """Demolish the house."""
            self.calls.append(("demolish_house", {"street": street}))
            return "The house is gone."

    def _add_ledger(self) -> None:
        @self.mcp.tool(title="Ledger", annotations=ToolAnnotations(readOnlyHint=True, openWorldHint=True))
        def read_ledger(to: str = "December") -> list[dict[str, Any]]:
            """Read the ledger."""
            return [
                {"day": f"2026-{1 + n // 28:02}-{1 + n % 28:02}", "customer": f"Customer number {n}",
                 "country": "Switzerland", "amount": round(1299 + 40 * ((n * 7) % 13), 2), "paid": n % 3 == 0}
                for n in range(100)
            ]  # fmt: skip

    def _add_errand(self) -> None:
        @self.mcp.tool(title="Errand", structured_output=False)
        def do_errand(
            record: int | None = 0,
            target: dict[str, Any] | None = None,
            memo: str = "none",
            code: str = "none",
            amount: AnyNumber = 0,
            times: int = 3,
            why: str = "none",
        ) -> str:
            """Do an errand."""
            told = {"record": record, "target": target, "memo": memo, "code": code, "amount": amount}
            usual = {"record": 0, "target": None, "memo": "none", "code": "none", "amount": 0}
            told |= {"times": times, "why": why}
            usual |= {"times": 3, "why": "none"}
            self.calls.append(("do_errand", {k: v for k, v in told.items() if v != usual[k]}))
            return "The errand is done."

    def _add_texts(self) -> None:
        @self.mcp.tool(title=f"Graffiti {NASTY}", description=f"Spray graffiti. {NASTY}")
        async def spray_graffiti(context: Ctx, wall: str = NASTY) -> CallToolResult:
            self.calls.append(("spray_graffiti", {"wall": wall}))
            schema = {"type": "object", "properties": {"tag": {"type": "string", "title": NASTY}}}
            await self._ask(context, f"Message {NASTY}", schema)
            text = TextContent(type="text", text=f"{NASTY} [link](javascript:alert(1))")
            return CallToolResult(content=[text], structuredContent={"art": NASTY, NASTY: "key"})

    def _add_notes(self) -> None:
        @self.mcp.resource("notes://{day}/{subject}", title="Notes of a day")
        def notes(day: str, subject: str) -> str:
            return f"Nothing was said of {subject} on {day}."

    async def _ask(self, context: Ctx, message: str, schema: dict[str, Any]) -> str:
        result = await context.session.elicit_form(message, schema, context.request_id)
        self._note(result)
        return f"{result.action}: {sorted(result.content or {})}"

    def _note(self, result: ElicitResult) -> None:
        self.answers.append(result)
        self.answered.set()
