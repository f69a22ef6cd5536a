"""What an endpoint's list of models tells of one: how much it reads, and whether it sees pictures.

`GET /v1/models` of OpenAI has neither. vLLM, llama.cpp, LiteLLM, OpenRouter, Mistral, Groq, Together and
Anthropic add them, each by other names. LM Studio and Ollama tell the window of a model that they have loaded
in lists of their own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mcpsecurity.model_endpoint import ModelEndpoint

_WINDOWS = (
    "loaded_context_length",  # LM Studio
    "max_model_len",  # vLLM, SGLang
    "context_length",  # OpenRouter, Together, Fireworks, Ollama
    "context_window",  # Groq
    "max_input_tokens",  # LiteLLM, Anthropic
)
_WINDOW_OF_HOSTED = "max_context_length"
"""Mistral's name of the window; LM Studio calls so what the model could read if it were loaded with more."""
_LEAST, _MOST = 512, 100_000_000
_LOCAL_LISTS = ("/api/v0/models", "/api/ps")
_LATEST = ":latest"
"""Ollama's tag of a model that is named without one."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a list tells of one model; None for what it does not: `window` in tokens, `images`: whether it
    sees them."""

    window: int | None = None
    images: bool | None = None

    def joined(self, other: "Told") -> "Told":
        """Return what this or another list tells; this one counts first."""
        images = other.images if self.images is None else self.images
        return Told(self.window or other.window, images)


def listings(endpoint: ModelEndpoint) -> Iterator[str]:
    """Yield the addresses of the lists that an endpoint may have, the usual one first."""
    yield f"{endpoint.base_url}/models"
    root = endpoint.base_url.removesuffix("/v1")
    if endpoint.on_this_machine and root != endpoint.base_url:
        yield from (root + path for path in _LOCAL_LISTS)


def models_in(listing: Any) -> list[str]:
    """Return the names in a list of models."""
    return [name for entry in _entries(listing) if (name := next(_names(entry), None))]


def told_in(listing: Any, model: str) -> Told:
    """Return what a list tells of a model.

    The only model of a server counts by any name: llama.cpp's answers to all of them. Ollama's list of loaded
    models, which have no `id`, is not a list of all.
    """
    entries = list(_entries(listing))
    named = (entry for entry in entries if _plain(model) in map(_plain, _names(entry)))
    only = entries[0] if len(entries) == 1 and "id" in entries[0] else None
    entry = next(named, only)
    return Told() if entry is None else Told(_window(entry), _images(entry))


def _plain(name: str) -> str:
    return name.lower().removesuffix(_LATEST)


def _entries(listing: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the models of a list: Together leaves the wrapping out, and Ollama names it otherwise."""
    found = listing
    if isinstance(listing, Mapping):
        found = listing.get("data", listing.get("models"))
    for entry in found if isinstance(found, list) else ():
        if isinstance(entry, Mapping):
            yield entry


def _names(entry: Mapping[str, Any]) -> Iterator[str]:
    aliases = entry.get("aliases")
    several = aliases if isinstance(aliases, list) else []
    for name in (entry.get("id"), entry.get("name"), entry.get("model"), *several):
        if isinstance(name, str) and name:
            yield name


def _window(entry: Mapping[str, Any]) -> int | None:
    """Return the first window of an entry that is one. `n_ctx_train` of llama.cpp is what its model could
    read, as is LM Studio's `max_context_length`."""
    meta = entry.get("meta")
    told = [meta.get("n_ctx") if isinstance(meta, Mapping) else None, *map(entry.get, _WINDOWS)]
    if "state" not in entry:
        told.append(entry.get(_WINDOW_OF_HOSTED))
    return next((n for n in told if type(n) is int and _LEAST <= n <= _MOST), None)


def _images(entry: Mapping[str, Any]) -> bool | None:
    """Return whether the model sees pictures, as llama.cpp, OpenRouter, Mistral and LM Studio tell."""
    architecture, capabilities = entry.get("architecture"), entry.get("capabilities")
    if isinstance(architecture, Mapping) and isinstance(kinds := architecture.get("input_modalities"), list):
        return "image" in kinds
    if isinstance(capabilities, Mapping) and isinstance(sees := capabilities.get("vision"), bool):
        return sees
    return {"vlm": True, "llm": False}.get(str(entry.get("type"))) if "state" in entry else None
