"""The reasoning effort that is nearest to one that a deployment refuses, among those that its refusal lists.

Refusals of OpenAI, Azure, GitHub Copilot, Groq, Mistral, Moonshot, Ollama, OpenRouter, SGLang and vLLM list
them.
"""

import re

_SCALE = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""What vendors call efforts, the least first. "default" of Groq is the one that no effort asks for."""
_CONCERNS = re.compile(r"effort|reasoning|think|levels?\b", re.IGNORECASE)
_LISTS = re.compile(
    r"support\w*(?: \w+)? (?:are|is|values?)|supported:|supports(?: only)?|valid (?:levels|values|options)"
    r"|must be|should be|expected|one of|allowed|available|accept\w*|choose",
    re.IGNORECASE,
)
"""What stands before the list of those that are known."""
_ANOTHER = re.compile(r"thinking level (\w+ is not supported|is unsupported:)", re.IGNORECASE)
"""How Gemini refuses one level without a list of the others."""
_WORD = re.compile(rf"(?<![\w./-])(?:{'|'.join(_SCALE)})(?![\w-])", re.IGNORECASE)


def nearest_effort(
    effort: str, param: str, message: str, refused: frozenset[str] = frozenset()
) -> str | None:
    """Return the effort to send instead; None if a refusal lists none, or does not concern the effort. If it
    says that another would do, any may.

    Of two that are equally near, the lower one counts, which costs less. `none` turns thinking off: it is
    near to `minimal` only, which it has replaced since GPT-5.1.

    Args:
        effort: what was sent.
        param: the parameter that is refused; "" if the refusal does not say.
        message: the refusal's words.
        refused: efforts that were refused before.
    """
    listed, another = _LISTS.search(message), _ANOTHER.search(message)
    if effort not in _SCALE or not (listed or another) or not _CONCERNS.search(f"{param} {message}"):
        return None
    known = set(_SCALE[1:])
    if another is None and listed is not None:
        known = {word.lower() for word in _WORD.findall(message, listed.end())}
    known -= {effort, *refused}
    if effort != "minimal":
        known.discard("none")
    wanted = _SCALE.index(effort)
    return min(known, key=lambda each: (abs(_SCALE.index(each) - wanted), _SCALE.index(each)), default=None)
