"""What lists of models tell of one model. Those with a version were recorded from it."""

from typing import Any

import pytest

from mcpsecurity.model_endpoint import read_endpoint
from mcpsecurity.model_listing import Told, listings, models_in, told_in

GGUF = "/models/SmolLM2-135M-Instruct.Q4_1.gguf"
LLAMA_CPP = {  # llama.cpp b11549, started with a context of 4,096 tokens
    "models": [{"name": GGUF, "model": GGUF, "capabilities": ["completion"], "details": {"format": "gguf"}}],
    "object": "list",
    "data": [
        {
            "id": GGUF,
            "aliases": [GGUF],
            "tags": [],
            "object": "model",
            "architecture": {"input_modalities": ["text"], "output_modalities": ["text"]},
            "owned_by": "llamacpp",
            "meta": {"vocab_type": 2, "n_vocab": 49152, "n_ctx": 4096, "n_ctx_train": 8192, "ftype": "Q4_1"},
        }
    ],
}
VLLM = {  # vLLM 0.32.0, started with --max-model-len 2048
    "object": "list",
    "data": [
        {"id": "tiny", "object": "model", "owned_by": "vllm", "root": "/models/tiny", "max_model_len": 2048}
    ],
}
LITELLM = {  # LiteLLM 1.108.7; the first model has limits in `model_info`
    "data": [
        {"id": "described", "object": "model", "owned_by": "openai", "max_input_tokens": 4096},
        {"id": "other", "object": "model", "created": 1677610602, "owned_by": "openai"},
    ],
    "object": "list",
}
TRANSFORMERS = {  # transformers 5.24.0
    "object": "list",
    "data": [{"owned_by": "local", "id": "/models/tiny", "object": "model", "status": {"value": "loaded"}}],
}
MLX = {  # mlx-lm 0.32.2
    "object": "list",
    "data": [{"id": "/models/tiny", "object": "model", "created": 1796045099}],
}
LM_STUDIO = {  # lmstudio.ai/docs/developer/rest/endpoints
    "object": "list",
    "data": [
        {
            "id": "qwen2-vl-7b-instruct",
            "type": "vlm",
            "state": "loaded",
            "max_context_length": 32768,
            "loaded_context_length": 4096,
        },
        {"id": "gpt-oss-20b", "type": "llm", "state": "not-loaded", "max_context_length": 131072},
    ],
}
OLLAMA = {"models": [{"name": "qwen3:latest", "model": "qwen3:latest", "context_length": 4096}]}
OPENROUTER = {
    "data": [
        {
            "id": "openai/gpt-5",
            "context_length": 400000,
            "architecture": {"input_modalities": ["text", "image"]},
        },
        {"id": "qwen/qwen3", "context_length": 40960, "architecture": {"input_modalities": ["text"]}},
    ]
}
MISTRAL = {
    "data": [
        {"id": "mistral-large-latest", "max_context_length": 262144, "capabilities": {"vision": True}},
        {"id": "codestral", "aliases": ["codestral-latest"], "max_context_length": 256000},
    ]
}


@pytest.mark.parametrize(
    ("listing", "model", "told"),
    [
        (LLAMA_CPP, GGUF, Told(4096, images=False)),
        (LLAMA_CPP, "any name", Told(4096, images=False)),
        (VLLM, "tiny", Told(2048)),
        (LITELLM, "described", Told(4096)),
        (LITELLM, "other", Told()),
        (LITELLM, "missing", Told()),
        (TRANSFORMERS, "/models/tiny", Told()),
        (MLX, "/models/tiny", Told()),
        (LM_STUDIO, "qwen2-vl-7b-instruct", Told(4096, images=True)),
        (LM_STUDIO, "gpt-oss-20b", Told(None, images=False)),
        (OLLAMA, "qwen3", Told(4096)),
        (OLLAMA, "Qwen3:latest", Told(4096)),
        (OLLAMA, "llama3", Told()),
        (OPENROUTER, "openai/gpt-5", Told(400_000, images=True)),
        (OPENROUTER, "qwen/qwen3", Told(40_960, images=False)),
        (MISTRAL, "mistral-large-latest", Told(262_144, images=True)),
        (MISTRAL, "codestral-latest", Told(256_000)),
        ([{"id": "a", "context_length": 32768}, {"id": "b"}], "a", Told(32_768)),  # Together
        ({"data": [{"id": "m", "context_window": 131072}]}, "m", Told(131_072)),  # Groq
        ({"data": [{"id": "claude", "max_input_tokens": 1000000}]}, "claude", Told(1_000_000)),  # Anthropic
    ],
)
def test_a_list_tells_the_window_and_whether_the_model_sees(listing: Any, model: str, told: Told) -> None:
    assert told_in(listing, model) == told


@pytest.mark.parametrize("window", [0, -1, 511, 100_000_001, True, "4096", 4096.5, None, [4096], {"n": 1}])
def test_a_window_that_is_none_is_ignored(window: Any) -> None:
    assert told_in({"data": [{"id": "m", "max_model_len": window}]}, "m") == Told()


@pytest.mark.parametrize(
    "listing",
    [
        None,
        "list",
        7,
        {},
        [],
        {"data": None},
        {"data": "m"},
        {"data": [None, "m", 1, [], {}]},
        {"data": [{"id": ["m"], "aliases": "m", "meta": 4096, "architecture": [], "capabilities": "vision"}]},
        {"data": [{"id": "m", "architecture": {"input_modalities": "image"}, "capabilities": {"vision": 1}}]},
        {"error": {"message": "no list"}},
    ],
)
def test_what_is_no_list_of_models_tells_nothing(listing: Any) -> None:
    assert told_in(listing, "m") == Told()


def test_names_are_those_by_which_models_are_asked() -> None:
    assert models_in(LLAMA_CPP) == [GGUF]
    assert models_in(LITELLM) == ["described", "other"]
    assert models_in(OLLAMA) == ["qwen3:latest"]


@pytest.mark.parametrize(
    ("url", "found"),
    [
        (
            "http://localhost:11434/v1",
            [
                "http://localhost:11434/v1/models",
                "http://localhost:11434/api/v0/models",
                "http://localhost:11434/api/ps",
            ],
        ),
        ("http://localhost:8080/engine", ["http://localhost:8080/engine/models"]),
        ("https://gateway.example.com/v1", ["https://gateway.example.com/v1/models"]),
    ],
)
def test_only_this_machine_is_asked_for_the_lists_of_local_servers(url: str, found: list[str]) -> None:
    assert list(listings(read_endpoint(url))) == found
