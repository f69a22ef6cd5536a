"""Context windows of models, and whether they accept images, by the models' names."""

import re

from mcpsecurity.model_endpoint import ModelEndpoint

_WINDOWS = (
    (r"gpt-4\.1", 1_000_000),
    (r"gpt-4(-\d{4})?$", 8_192),
    (r"gpt-4-32k", 32_768),
    (r"gpt-4-(turbo|1106|0125)|gpt-4o|gpt-5(\.\d)?-chat|o1-(mini|preview)", 128_000),
    (r"gpt-3\.?5", 16_385),
    (r"gpt-oss", 131_072),
    (r"gpt-[5-9]", 272_000),  # of 400,000; the rest is for the answer
    (r"o[1-9](-|$)|claude", 200_000),
    (r"gemini", 1_000_000),
)
"""Names and tokens, as OpenAI, Azure, Anthropic and Google document them; the first that fits counts."""

_SEE = re.compile(
    r"gpt-4o|gpt-4\.1|gpt-4-turbo|gpt-[5-9]|o[134](-|$)|claude|gemini|vision|llava|pixtral|-vl\b"
)
_BLIND = re.compile(r"o1-mini|o1-preview|o3-mini|gpt-oss")

_AZURE = 128_000
"""What every chat model that can still be deployed reads at least."""
_ON_THIS_MACHINE = 8_192
"""A local server's window is the one it was started with, not the model's; some silently drop the rest."""
_ELSEWHERE = 32_768


def known_window(*names: str | None) -> int | None:
    """Return the tokens that a model reads for one answer, by the first of its names that is known; None if
    none is."""
    for name in names:
        for pattern, tokens in _WINDOWS:
            if name and re.match(pattern, _bare(name)):
                return tokens
    return None


def context_window(endpoint: ModelEndpoint, *names: str | None) -> int:
    """Return the tokens that a model reads for one answer: by the first of its names that is known, else a
    careful guess for the endpoint."""
    if (known := known_window(*names)) is not None:
        return known
    if endpoint.azure or endpoint.host == "api.openai.com":
        return _AZURE
    return _ON_THIS_MACHINE if endpoint.on_this_machine else _ELSEWHERE


def sees_pictures(*names: str | None) -> bool:
    """Tell whether a model with one of these names is known to see pictures."""
    return any(name and _SEE.search(_bare(name)) and not _BLIND.match(_bare(name)) for name in names)


def _bare(name: str) -> str:
    """Return a name without its publisher: `openai/gpt-5` is `gpt-5`."""
    return name.lower().rpartition("/")[2]
