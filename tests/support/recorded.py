"""Refusals as they were recorded from runtimes that ran a model on loopback, with their versions."""

from typing import Any

from mcpsecurity.model_refusal import Kind

__all__ = ["REFUSALS"]

REFUSALS: dict[str, tuple[Kind, int | None, Any]] = {
    "mlx-lm 0.32.2's pictures": ("no_pictures", 404, {"error": "Only 'text' content type is supported."}),
    "mlx-lm 0.32.2's name": (
        "no_model",
        404,
        {"error": "Cannot find an appropriate cached snapshot folder for the specified revision"},
    ),
    "mlx-lm's name, with a network": (
        "no_model",
        404,
        {"error": "Repository Not Found for url: https://huggingface.co/api/x/nope/revision/main."},
    ),
    "transformers 5.24.0's name": (
        "no_model",
        400,
        {"detail": "Server is pinned to '/weights/tiny'; requested 'nope'."},
    ),
    "vLLM 0.32.0's key": ("credentials", 401, {"error": "Unauthorized"}),
    "vLLM 0.32.0's dead engine": (
        "passing",
        None,
        {
            "error": {
                "message": "EngineCore encountered an issue. See stack trace (above) for the root cause.",
                "type": "InternalServerError",
                "param": None,
                "code": 500,
            }
        },
    ),
    "LiteLLM 1.108.7's pictures": (
        "no_pictures",
        500,
        {
            "error": {
                "message": "litellm.InternalServerError: InternalServerError: OpenAIException - image input "
                "is not supported - hint: if this is unexpected, you may need to provide the mmproj",
                "type": "internal_server_error",
                "code": "500",
            }
        },
    ),
    "LiteLLM 1.108.7's length": (
        "too_long",
        400,
        {
            "error": {
                "message": "litellm.ContextWindowExceededError: litellm.BadRequestError: OpenAIException - "
                "request (9031 tokens) exceeds the available context size (4096 tokens), try increasing it",
                "type": "invalid_request_error",
                "code": "400",
            }
        },
    ),
}
"""What each means, its status (None: an event of a stream), and its body."""
