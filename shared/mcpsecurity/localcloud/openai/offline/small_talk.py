"""What people say beside their requests: hello, thanks, what can you do, and sums."""

import operator
import re
from collections.abc import Callable, Sequence

from mcpsecurity.localcloud.openai.offline.fill import best_tool
from mcpsecurity.localcloud.openai.offline.languages import Prompt, phrase
from mcpsecurity.localcloud.openai.offline.tool_sentences import describe_tool, greeting, list_tools
from mcpsecurity.localcloud.openai.offline.tools import Tool

_LISTS = re.compile(
    r"\b(?:what|which)\b.{0,12}\btools?\b.{0,20}\b(?:have|are|available|offer|use|there|know)\b"
    r"|\b(?:list|show)\b.{0,16}\btools\b|\bwhat (?:else )?can you do\b|\bwhat are you (?:able|good)\b"
    r"|\bhow can you help\b|\bwhat do you (?:do|offer|know)\b(?! about)"
    r"|\bhow does (?:this|it|that) (?:all )?work\b|\bwhat can i (?:do|ask|say|try)\b",
    re.IGNORECASE,
)
_NEEDS = re.compile(
    r"\bwhat (?:do|does)\b.*\b(?:need|take|require|expect)\b|\bhow (?:do|can) i use\b"
    r"|\b(?:arguments?|parameters?|inputs?)\b|\bwhat (?:information|details)\b",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"^\W*(?:thanks|thank (?:you|u)|thx|great|perfect|cool|ok(?:ay)?|nice|well done)\b", re.IGNORECASE
)
_BYE = re.compile(r"^\W*(?:bye|goodbye|see you|good night)\b", re.IGNORECASE)
_YES_NO = re.compile(
    r"^\W*(?:yes|yeah|yep|sure|no|nope|no,? (?:thanks|thank you)|never mind)\W*$", re.IGNORECASE
)
_HOW = re.compile(r"\bhow are you\b|\bhow is it going\b", re.IGNORECASE)
_WHO = re.compile(
    r"\bwho are you\b|\bwhat are you\b|\byour name\b|\bare you (?:a|an|chatgpt|gpt|real|human)\b"
    r"|\bwhich model\b|\bwhat model\b|\babout yourself\b|\bwho made you\b",
    re.IGNORECASE,
)
_HELLO = re.compile(
    r"^\W*(?:hi|hello|hey|good (?:morning|day|evening|afternoon)|greetings|help|test"
    r"|(?:can|could) you help(?: me)?(?: please)?\W*$|are you there)\b",
    re.IGNORECASE,
)
_GREETING = re.compile(
    r"^\W*(?:hi|hello|hey|good (?:morning|day|evening|afternoon)|greetings)(?: there)?\b[\s,.!:–-]*(?=\w)",
    re.IGNORECASE,
)
_SUM = re.compile(
    r"^\W*(?:what(?: is|'s|’s)|how much is|calculate|compute)?\s*(-?\d{1,12}(?:\.\d{1,6})?)\s*"
    r"(\+|-|\*|x|×|/|÷|plus|minus|times|divided by)\s*(-?\d{1,12}(?:\.\d{1,6})?)\s*[=?.!]*\s*$",
    re.IGNORECASE,
)
_PERCENT = re.compile(
    r"^\W*(?:what(?: is|'s|’s)|how much is|calculate)?\s*(\d{1,9}(?:\.\d{1,6})?)\s*(?:%|percent) of\s*"
    r"(\d{1,12}(?:\.\d{1,6})?)\W*$",
    re.IGNORECASE,
)
_OPERATORS: dict[str, Callable[[float, float], float]] = {
    **dict.fromkeys(("+", "plus"), operator.add),
    **dict.fromkeys(("-", "minus"), operator.sub),
    **dict.fromkeys(("*", "x", "×", "times"), operator.mul),
    **dict.fromkeys(("/", "÷", "divided by"), operator.truediv),
}


def about_tools(prompt: Prompt, tools: Sequence[Tool]) -> str | None:
    """Return the answer to a question about the model or its tools; None when it is no such question."""
    if _LISTS.search(prompt.text):
        return list_tools(tools, prompt.language)
    if _WHO.search(prompt.text):
        return phrase("who", prompt.language)
    if _NEEDS.search(prompt.text):
        tool = best_tool(tools, prompt.text)
        return describe_tool(tool, prompt.language) if tool is not None else None
    return None


def chat(prompt: Prompt, tools: Sequence[Tool]) -> str | None:
    """Return the answer to a prompt that wants no tool; None if there is no such answer."""
    text, language = prompt.text, prompt.language
    if match := _PERCENT.match(text):
        return f"**{float(match[1]) * float(match[2]) / 100:.12g}**"
    if match := _SUM.match(text):
        return _sum(float(match[1]), match[2].lower(), float(match[3]))
    if _HOW.search(text):
        return phrase("fine", language)
    for pattern, key in ((_THANKS, "welcome"), (_BYE, "bye"), (_YES_NO, "all_right")):
        if pattern.match(text):
            return phrase(key, language)
    return greeting(tools, language) if _HELLO.match(text) else None


def without_greeting(text: str) -> str:
    """Return a prompt without the greeting before a request."""
    return _GREETING.sub("", text)


def _sum(left: float, sign: str, right: float) -> str:
    if sign in ("/", "÷", "divided by") and right == 0:
        return "A number cannot be divided by zero."
    return f"**{_OPERATORS[sign](left, right):.12g}**"
