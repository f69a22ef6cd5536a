"""Calls that a model writes as text, because its server does not know how this model writes them.

The words are those of models' templates (Hermes and Qwen, Llama, Mistral, DeepSeek, Granite, gpt-oss,
Gemma), which servers such as vLLM, SGLang, llama.cpp and LM Studio make calls of if they are told to.
"""

import re
from collections.abc import Iterable

_LONGEST = 100_000
_MARK = re.compile(
    r"<\|?(tool_call|function_call|python_(tag|start|end))\|?>|<(function|invoke)[ =]|\[TOOL_CALLS\]"
    r"|functools\[|<｜tool▁calls▁begin｜>|<\|channel\|>|```tool_(code|call)"
)
_JSON = re.compile(r"""["'](arguments|parameters)["']\s*:\s*["'{]""")
_NAME = """["']name["']\\s*:\\s*["']{name}["']"""


def writes_call(text: str, functions: Iterable[str]) -> bool:
    """Tell whether a text has a call of one of these functions in it.

    It is one of a template's marks with the function's name, or JSON with that name and arguments.
    """
    text = text[:_LONGEST]
    named = [name for name in functions if name and name in text]
    if not named:
        return False
    if _MARK.search(text):
        return True
    names = "|".join(map(re.escape, named))
    return bool(_JSON.search(text) and re.search(_NAME.format(name=f"({names})"), text))
