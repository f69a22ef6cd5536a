"""The part of a chat model of Semantic Kernel that is the same for all of ours."""

from collections.abc import Callable
from typing import ClassVar

from semantic_kernel.connectors.ai.chat_completion_client_base import ChatCompletionClientBase
from semantic_kernel.connectors.ai.function_call_choice_configuration import FunctionCallChoiceConfiguration
from semantic_kernel.connectors.ai.function_calling_utils import (
    kernel_function_metadata_to_response_function_call_format,
)
from semantic_kernel.connectors.ai.function_choice_type import FunctionChoiceType
from semantic_kernel.connectors.ai.prompt_execution_settings import PromptExecutionSettings

from mcpsecurity.kernel.model.settings import ChatModelSettings


class FunctionCallingModel(ChatCompletionClientBase):
    """A model whose settings are `ChatModelSettings`, which carry the functions that it can call."""

    MODEL_PROVIDER_NAME: ClassVar[str] = "openai"
    SUPPORTS_FUNCTION_CALLING: ClassVar[bool] = True

    def get_prompt_execution_settings_class(self) -> type[PromptExecutionSettings]:
        """Return the class of the settings."""
        return ChatModelSettings

    def _update_function_choice_settings_callback(
        self,
    ) -> Callable[[FunctionCallChoiceConfiguration, PromptExecutionSettings, FunctionChoiceType], None]:
        return _offer_functions

    def _reset_function_choice_settings(self, settings: PromptExecutionSettings) -> None:
        if isinstance(settings, ChatModelSettings):
            settings.tools = settings.tool_choice = None


def _offer_functions(
    configuration: FunctionCallChoiceConfiguration,
    settings: PromptExecutionSettings,
    choice: FunctionChoiceType,
) -> None:
    """Put the functions that Semantic Kernel offers into the settings of a request."""
    functions = configuration.available_functions
    if functions and isinstance(settings, ChatModelSettings):
        settings.tool_choice = choice.value
        settings.tools = [
            kernel_function_metadata_to_response_function_call_format(function) for function in functions
        ]
