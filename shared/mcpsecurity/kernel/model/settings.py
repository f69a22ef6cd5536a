"""Settings of one request."""

import logging
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator
from semantic_kernel.connectors.ai.prompt_execution_settings import PromptExecutionSettings
from semantic_kernel.connectors.utils.structured_output_schema import (
    generate_structured_output_response_format_schema,
)
from semantic_kernel.schema.kernel_json_schema_builder import KernelJsonSchemaBuilder

_log = logging.getLogger(__name__)
_LIMITS = ("max_completion_tokens", "max_tokens")
_OURS = frozenset({*_LIMITS, "messages", "stream", "stream_options", "structured_json_response"})
"""Settings that other connectors have, and settings that every request has."""


class ChatModelSettings(PromptExecutionSettings):
    """Settings of one request, for every API; a deployment that refuses an optional one is asked without it.

    Settings of other connectors of Semantic Kernel are taken as far as they have the same names; `max_tokens`
    and `max_completion_tokens` are taken for `max_output_tokens`. Others are left out, and a warning in the
    log names them. `response_format` may be a class, such as a Pydantic model: its JSON schema is asked for.
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

    @field_validator("response_format", mode="before")
    @classmethod
    def _schema_of_class(cls, value: Any) -> Any:
        """Return the format of a class, as Semantic Kernel's own connectors make it."""
        if not isinstance(value, type):
            return value
        schema = KernelJsonSchemaBuilder.build(parameter_type=value, structured_output=True)
        return generate_structured_output_response_format_schema(name=value.__name__, schema=schema)

    def unpack_extension_data(self) -> None:
        """Take over what settings of other classes have."""
        super().unpack_extension_data()
        data = self.extension_data
        if unknown := sorted(
            n for n in data if n not in self.keys and n not in _OURS and data[n] is not None
        ):
            _log.warning(
                "a ChatModel has no settings of these names, and leaves them out: %s", ", ".join(unknown)
            )
        limits = (data.get(name) for name in _LIMITS)
        if self.max_output_tokens is None:
            self.max_output_tokens = next((limit for limit in limits if limit), None)
