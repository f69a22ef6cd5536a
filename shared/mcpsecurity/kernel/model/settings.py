"""Settings of one request."""

from typing import Annotated, Any, Literal

from pydantic import Field
from semantic_kernel.connectors.ai.prompt_execution_settings import PromptExecutionSettings

__all__ = ["ChatModelSettings"]


class ChatModelSettings(PromptExecutionSettings):
    """Settings of one request, for every API; a deployment that refuses an optional one is asked without it.

    `max_tokens` and `max_completion_tokens`, which other connectors of Semantic Kernel know, are taken for
    `max_output_tokens`.
    """

    ai_model_id: str | None = None
    max_output_tokens: Annotated[int | None, Field(gt=0)] = None
    temperature: Annotated[float | None, Field(ge=0, le=2)] = None
    top_p: Annotated[float | None, Field(ge=0, le=1)] = None
    reasoning_effort: str | None = None
    reasoning_summary: Literal["auto", "concise", "detailed"] | None = None
    parallel_tool_calls: bool | None = None
    response_format: dict[str, Any] | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    user: str | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | None = None

    def unpack_extension_data(self) -> None:
        """Take over what settings of other classes have."""
        super().unpack_extension_data()
        limits = (self.extension_data.get(name) for name in ("max_completion_tokens", "max_tokens"))
        if self.max_output_tokens is None:
            self.max_output_tokens = next((limit for limit in limits if limit), None)
