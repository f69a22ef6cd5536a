"""A chat completion service of Semantic Kernel for Azure OpenAI and all that is compatible with OpenAI."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from types import TracebackType
from typing import Any, ClassVar, Literal, Self

from openai import APIError, APIStatusError, BadRequestError, OpenAIError
from pydantic import PrivateAttr
from semantic_kernel.connectors.ai.chat_completion_client_base import ChatCompletionClientBase
from semantic_kernel.connectors.ai.function_call_choice_configuration import FunctionCallChoiceConfiguration
from semantic_kernel.connectors.ai.function_calling_utils import (
    kernel_function_metadata_to_response_function_call_format,
)
from semantic_kernel.connectors.ai.function_choice_type import FunctionChoiceType
from semantic_kernel.connectors.ai.open_ai.exceptions.content_filter_ai_exception import (
    ContentFilterAIException,
)
from semantic_kernel.connectors.ai.prompt_execution_settings import PromptExecutionSettings
from semantic_kernel.contents import (
    AuthorRole,
    ChatHistory,
    ChatMessageContent,
    FunctionCallContent,
    StreamingChatMessageContent,
    StreamingTextContent,
)
from semantic_kernel.exceptions import ServiceResponseException
from semantic_kernel.functions.kernel_function_metadata import KernelFunctionMetadata
from semantic_kernel.utils.telemetry.model_diagnostics.decorators import (
    trace_chat_completion,
    trace_streaming_chat_completion,
)

from mcpsecurity.kernel.model import completions, responses
from mcpsecurity.kernel.model.answer import Answer
from mcpsecurity.kernel.model.clients import GetBearer, ModelClients
from mcpsecurity.kernel.model.dialect import Dialect
from mcpsecurity.kernel.model.events import NotAStreamError, events_of
from mcpsecurity.kernel.model.settings import ChatModelSettings
from mcpsecurity.model_endpoint import Api, read_endpoint

__all__ = ["ChatModel"]

_MAX_TRIES = 6
_PASSING = frozenset({500, 502, 503, 504})
_PAUSE_SECONDS = 0.5
_FAILED = frozenset({"error", "response.failed"})


class ChatModel(ChatCompletionClientBase):
    """A model, asked by Responses or by Chat Completions, whichever its deployment takes.

    model = ChatModel.at("https://RESOURCE.openai.azure.com/openai/v1/", "gpt-5.6", key=key)
    kernel.add_service(model)

    A refusal that names the other API is followed once and remembered; so is one that names an optional
    parameter. A status 500, 502, 503 or 504 is tried once more. Nothing else is repeated: an answer that is
    paid for may be under way.

    Raises (when asked):
        ContentFilterAIException: the provider's filter refused the messages.
        ServiceResponseException: anything else; its cause is the `openai.OpenAIError`, or `NotAStreamError`.
    """

    MODEL_PROVIDER_NAME: ClassVar[str] = "openai"
    SUPPORTS_FUNCTION_CALLING: ClassVar[bool] = True

    _clients: ModelClients = PrivateAttr()
    _dialect: Dialect = PrivateAttr()
    _defaults: Mapping[str, Any] = PrivateAttr(default_factory=dict)

    @classmethod
    def at(
        cls,
        url: str,
        model: str,
        *,
        key: str | None = None,
        bearer: GetBearer | None = None,
        api: Api = "auto",
        api_version: str | None = None,
        azure: bool | None = None,
        defaults: ChatModelSettings | None = None,
        **options: Any,
    ) -> "ChatModel":
        """Return the model at an address.

        Args:
            url: any form of address that `read_endpoint` takes.
            model: the deployment's or model's name.
            key: the endpoint's key.
            bearer: returns a token for the endpoint, instead of a key.
            api: `responses`, `chat`, or `auto`: Responses where the endpoint is known to have it.
            api_version: the version of Azure's dated API; None for the v1 API.
            azure: whether the host is an Azure OpenAI resource; None decides by its name.
            defaults: settings of requests that do not set them themselves.
            options: further ones of `ModelClients`: `headers`, `timeout` in seconds, `http_client`.

        Raises:
            EndpointError: no model can be reached at the address.
        """
        endpoint = read_endpoint(url, azure=azure, api_version=api_version)
        made = cls(ai_model_id=model or endpoint.deployment or "")
        made._clients = ModelClients(endpoint, key=key, bearer=bearer, **options)
        made._dialect = Dialect.of(endpoint, api)
        made._defaults = _set_options(defaults) if defaults is not None else {}
        return made

    @property
    def api(self) -> Literal["responses", "chat"]:
        """The API in use."""
        return self._dialect.api

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._clients.close()

    def get_prompt_execution_settings_class(self) -> type[PromptExecutionSettings]:
        """Return the class of the settings."""
        return ChatModelSettings

    def service_url(self) -> str:
        """Return the base URL that requests go to."""
        return self._clients.url

    @trace_chat_completion(MODEL_PROVIDER_NAME)
    async def _inner_get_chat_message_contents(
        self, chat_history: ChatHistory, settings: PromptExecutionSettings
    ) -> list[ChatMessageContent]:
        answer = Answer()
        async for _ in self._pieces(chat_history, settings, answer):
            pass
        return [answer.message(self.ai_model_id)]

    @trace_streaming_chat_completion(MODEL_PROVIDER_NAME)
    async def _inner_get_streaming_chat_message_contents(
        self, chat_history: ChatHistory, settings: PromptExecutionSettings, function_invoke_attempt: int = 0
    ) -> AsyncGenerator[list[StreamingChatMessageContent], Any]:
        answer = Answer()

        def part(items: list[Any], **more: Any) -> list[StreamingChatMessageContent]:
            return [
                StreamingChatMessageContent(
                    role=AuthorRole.ASSISTANT,
                    items=items,
                    choice_index=0,
                    ai_model_id=self.ai_model_id,
                    function_invoke_attempt=function_invoke_attempt,
                    **more,
                )
            ]

        async with aclosing(self._pieces(chat_history, settings, answer)) as pieces:
            async for text in pieces:
                yield part([StreamingTextContent(choice_index=0, text=text)])
        end = answer.message(self.ai_model_id)
        calls = [item for item in end.items if isinstance(item, FunctionCallContent)]
        yield part(calls, finish_reason=end.finish_reason, metadata=end.metadata)

    async def _pieces(
        self, history: ChatHistory, settings: PromptExecutionSettings, answer: Answer
    ) -> AsyncGenerator[str, None]:
        """Ask, fill an answer, and yield its text as it comes: what arrives together, together."""
        options = {**self._defaults, **_set_options(settings)}
        try:
            async with aclosing(self._events(history, options)) as arrived:
                async for api, events in arrived:
                    read = responses.read if api == "responses" else completions.read
                    if text := "".join([read(event, answer) for event in events]):
                        yield text
        except APIStatusError as error:
            if isinstance(error, BadRequestError) and error.code == "content_filter":
                raise ContentFilterAIException("The model's filter refused the messages", error) from error
            raise ServiceResponseException("The model's endpoint refused the request", error) from error
        except (OpenAIError, NotAStreamError) as error:
            raise ServiceResponseException("The model did not answer", error) from error

    async def _events(
        self, history: ChatHistory, options: Mapping[str, Any]
    ) -> AsyncGenerator[tuple[str, list[dict[str, Any]]], None]:
        """Yield the events of an answer with the API that they belong to; refusals are learned from."""
        passing = 1
        for attempt in range(_MAX_TRIES):
            api = self._dialect.api
            make = responses.request if api == "responses" else completions.request
            made = make(history.messages, options)
            body = self._dialect.shaped({"model": options.get("ai_model_id") or self.ai_model_id, **made})
            try:
                async with self._clients.posted(api, body) as response:
                    unwanted = responses.UNWANTED if api == "responses" else completions.UNWANTED
                    async for events in events_of(response.iter_bytes(), unwanted):
                        for event in events:
                            _raise_error(event, response.http_request)
                        yield api, events
                return
            except APIStatusError as error:
                if error.status_code in _PASSING and passing:
                    passing -= 1
                    await asyncio.sleep(_PAUSE_SECONDS)
                elif attempt + 1 == _MAX_TRIES or not self._dialect.learn(error, body):
                    raise

    def _update_function_choice_settings_callback(
        self,
    ) -> Callable[[FunctionCallChoiceConfiguration, PromptExecutionSettings, FunctionChoiceType], None]:
        return _offer_functions

    def _reset_function_choice_settings(self, settings: PromptExecutionSettings) -> None:
        if isinstance(settings, ChatModelSettings):
            settings.tools = settings.tool_choice = None


def _set_options(settings: PromptExecutionSettings) -> dict[str, Any]:
    """Return what settings set."""
    excluded = {"service_id", "extension_data", "function_choice_behavior"}
    return settings.model_dump(exclude=excluded, exclude_none=True)


def _offer_functions(
    configuration: FunctionCallChoiceConfiguration,
    settings: PromptExecutionSettings,
    choice: FunctionChoiceType,
) -> None:
    functions = configuration.available_functions
    if functions and isinstance(settings, ChatModelSettings):
        settings.tool_choice = choice.value
        settings.tools = [_tool(function) for function in functions]


def _tool(function: KernelFunctionMetadata) -> dict[str, Any]:
    """Return a function as a tool. Functions of `import_mcp_tools` have a whole schema; for others, Semantic
    Kernel makes one of their parameters."""
    tool: dict[str, Any] = kernel_function_metadata_to_response_function_call_format(function)
    whole = (function.additional_properties or {}).get("parameters")
    return {**tool, "parameters": whole} if isinstance(whole, dict) else tool


def _raise_error(event: Mapping[str, Any], request: Any) -> None:
    """Raise the error that an event tells of.

    Raises:
        openai.APIError: with the provider's message and code.
    """
    error = event.get("error")
    if event.get("type") == "response.failed":
        response = event.get("response")
        error = response.get("error") if isinstance(response, Mapping) else None
    elif event.get("type") == "error" and not isinstance(error, Mapping):
        error = event
    if isinstance(error, Mapping) or event.get("type") in _FAILED:
        body = dict(error) if isinstance(error, Mapping) else {}
        raise APIError(
            str(body.get("message") or "The model's endpoint reported a failure"), request, body=body
        )
