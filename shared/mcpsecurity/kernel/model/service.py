"""A chat completion service of Semantic Kernel for Azure OpenAI and all that is compatible with OpenAI."""

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Any, Literal, Self

from openai import APIStatusError, AsyncAPIResponse, BadRequestError, OpenAIError
from pydantic import PrivateAttr
from semantic_kernel.connectors.ai.prompt_execution_settings import PromptExecutionSettings
from semantic_kernel.contents import (
    AuthorRole,
    ChatHistory,
    ChatMessageContent,
    StreamingChatMessageContent,
    StreamingTextContent,
    TextContent,
)
from semantic_kernel.exceptions import ServiceContentFilterException, ServiceResponseException
from semantic_kernel.utils.telemetry.model_diagnostics.decorators import (
    trace_chat_completion,
    trace_streaming_chat_completion,
)

from mcpsecurity.kernel.model import completions, responses
from mcpsecurity.kernel.model.answer import REASONING, Answer
from mcpsecurity.kernel.model.base import FunctionCallingModel
from mcpsecurity.kernel.model.clients import GetBearer, ModelClients, pieces_of
from mcpsecurity.kernel.model.errors import BrokenOffError, NotAStreamError, ProviderError
from mcpsecurity.kernel.model.settings import ChatModelSettings
from mcpsecurity.kernel.model.stream import read_body
from mcpsecurity.kernel.model.thoughts import thinks_by_name
from mcpsecurity.model_dialect import Dialect, Way, unstreamed
from mcpsecurity.model_endpoint import Api, ModelEndpoint, read_endpoint
from mcpsecurity.model_error import error_of, refusal_of
from mcpsecurity.model_listing import Told, listings, told_in
from mcpsecurity.model_refusal import kind_of

_MAX_TRIES = 8
_PASSING = frozenset({500, 502, 503, 504})
_PAUSE_SECONDS = 0.5
_REFUSED = 400
_BAD = (400, 422)
_NOT_ITS_REASONING = "invalid_encrypted_content"
_NOT_ITS_SIGNATURE = re.compile(
    r"(corrupted|invalid) .{0,20}signature|signature .{0,30}(not valid|invalid)"
    r"|encrypted content .{0,60}not be (verified|decrypted)|item with id .{1,100} not found",
    re.IGNORECASE,
)
"""Code and words of the refusal of reasoning that another deployment made."""


class ChatModel(FunctionCallingModel):
    """A model, asked by Responses or by Chat Completions, whichever its deployment takes.

    model = ChatModel.at("https://RESOURCE.openai.azure.com/openai/v1/", "gpt-5.6", key=key)
    kernel.add_service(model)

    A refusal that names the other API is followed once and remembered; so is one that names an optional
    parameter. A status 500, 502, 503 or 504 is tried once more. If nothing came in a stream, a whole answer
    is asked for. Nothing else is repeated: an answer that is paid for may be under way.

    The last message of a stream has the calls, and in its `metadata`: `usage`, `model`, `finish_reason` as
    the endpoint says it, `refusal`, `reasoning_summary`, `unreadable` (how many events were no JSON) and
    `reasoning`, as far as there is something to tell. Those before it have `refusal_delta` and
    `reasoning_summary_delta`: what they add, and `text_was_thought`: all text before that part is a thought,
    which the first answer of a model shows only by the end of it, `</think>`. Later ones wait for that, and
    so does the first one of a model whose name says that it thinks (DeepSeek-R1, QwQ, Qwen's Thinking).

    Raises (when asked):
        ServiceContentFilterException: the provider's filter refused the messages; its cause has the details.
        ServiceResponseException: anything else; its cause is the `openai.OpenAIError`, or one of
            `BrokenOffError`, `NotAStreamError` and `ProviderError`.
        What `bearer` raises.
    """

    _clients: ModelClients = PrivateAttr()
    _dialect: Dialect = PrivateAttr()
    _defaults: Mapping[str, Any] = PrivateAttr(default_factory=dict)
    _begins_in_thought: bool = PrivateAttr(default=False)
    _endpoint: ModelEndpoint = PrivateAttr()

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
            options: further ones of `ModelClients`: `headers`, `timeout` in seconds, `tls`: an
                `ssl.SSLContext`, `proxies`: False to use none, `make_http`.

        Raises:
            EndpointError: no model can be reached at the address.
        """
        endpoint = read_endpoint(url, azure=azure, api_version=api_version)
        made = cls(ai_model_id=model or endpoint.deployment or "")
        made._endpoint = endpoint
        made._clients = ModelClients(endpoint, key=key, bearer=bearer, **options)
        made._dialect = Dialect.of(endpoint, api)
        made._begins_in_thought = thinks_by_name(made.ai_model_id)
        made._defaults = _set_options(defaults) if defaults is not None else {}
        return made

    @property
    def api(self) -> Literal["responses", "chat"]:
        """The API in use."""
        return "responses" if self._dialect.way == "responses" else "chat"

    @property
    def wants_thoughts(self) -> bool:
        """Whether the endpoint has asked to be sent what the model thought for older answers, too."""
        return self._dialect.thoughtful

    async def told(self) -> Told:
        """Return what the endpoint tells of the model where it lists its models.

        Raises:
            httpx2.HTTPError, httpx2.StreamError, OSError: the lists cannot be read.
        """
        told = Told()
        for number, url in enumerate(listings(self._endpoint)):
            listing = await self._clients.listed(url)
            told = told.joined(told_in(listing, self.ai_model_id))
            if told.window is not None or (number == 0 and listing is None):
                break
        return told

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._clients.close()

    def service_url(self) -> str:
        """Return the base URL that requests go to."""
        return self._clients.url

    @trace_chat_completion(FunctionCallingModel.MODEL_PROVIDER_NAME)
    async def _inner_get_chat_message_contents(
        self, chat_history: ChatHistory, settings: PromptExecutionSettings
    ) -> list[ChatMessageContent]:
        answer = Answer(begins_in_thought=self._begins_in_thought)
        async with aclosing(self._arrivals(chat_history, settings, answer)) as arrivals:
            async for _ in arrivals:
                pass
        text = answer.text.take()
        told = {"refusal": answer.refusal.take(), "reasoning_summary": answer.summary.take()}
        return [
            ChatMessageContent(
                role=AuthorRole.ASSISTANT,
                items=[*([TextContent(text=text)] if text else []), *answer.call_items()],
                ai_model_id=self.ai_model_id,
                finish_reason=answer.finish_reason(),
                metadata={**answer.metadata(), **{name: said for name, said in told.items() if said}},
            )
        ]

    @trace_streaming_chat_completion(FunctionCallingModel.MODEL_PROVIDER_NAME)
    async def _inner_get_streaming_chat_message_contents(
        self, chat_history: ChatHistory, settings: PromptExecutionSettings, function_invoke_attempt: int = 0
    ) -> AsyncGenerator[list[StreamingChatMessageContent], Any]:
        answer, refusal, summary = Answer(begins_in_thought=self._begins_in_thought), "", ""
        taken_back = False

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

        async with aclosing(self._arrivals(chat_history, settings, answer)) as arrivals:
            async for _ in arrivals:
                text, refused, thought = answer.text.take(), answer.refusal.take(), answer.summary.take()
                items = [StreamingTextContent(choice_index=0, text=text)] if text else []
                if refused or thought:
                    refusal, summary = refusal + refused, summary + thought
                    was_thought, taken_back = answer.taken_back and not taken_back, answer.taken_back
                    pieces = {
                        "refusal_delta": refused,
                        "reasoning_summary_delta": thought,
                        "text_was_thought": was_thought,
                    }
                    yield part(items, metadata={name: piece for name, piece in pieces.items() if piece})
                elif items:
                    yield part(items)
        told = {"refusal": refusal, "reasoning_summary": summary}
        metadata = {**answer.metadata(), **{name: said for name, said in told.items() if said}}
        yield part(answer.call_items(), finish_reason=answer.finish_reason(), metadata=metadata)

    async def _arrivals(
        self, history: ChatHistory, settings: PromptExecutionSettings, answer: Answer
    ) -> AsyncGenerator[None, None]:
        """Ask, fill an answer, and yield each time that something of it arrived."""
        options, streamed = {**self._defaults, **_set_options(settings)}, True
        try:
            for tries_left in reversed(range(_MAX_TRIES)):
                async with self._asked(history, options, streamed=streamed) as (way, body, response):
                    api = responses if way == "responses" else completions
                    try:
                        pieces = pieces_of(response, streamed=streamed)
                        async for _ in read_body(pieces, api.read, api.UNWANTED, answer):
                            yield
                        if answer.parts or not streamed:
                            break
                        streamed = False  # llama-cpp-python tells so that something is wrong, but not what
                    except ProviderError as error:
                        error.headers = response.headers
                        if answer.begun or not (tries_left and self._learned(error, way, body)):
                            raise
                        answer.parts = 0
            answer.limited(options.get("max_output_tokens"))
            self._begins_in_thought = answer.began_in_thought
        except APIStatusError as error:
            if isinstance(error, BadRequestError) and error.code == "content_filter":
                raise ServiceContentFilterException("The model's filter refused the messages") from error
            raise ServiceResponseException("The model's endpoint refused the request", error) from error
        except (OpenAIError, BrokenOffError, NotAStreamError, ProviderError) as error:
            raise ServiceResponseException("The model did not answer", error) from error

    def _learned(self, error: ProviderError, way: Way, body: Mapping[str, Any]) -> bool:
        """Learn from a refusal that comes with status 200, as LM Studio sends it."""
        return self._dialect.learn(refusal_of(_REFUSED, error.body), way, body)

    @asynccontextmanager
    async def _asked(
        self, history: ChatHistory, options: Mapping[str, Any], *, streamed: bool
    ) -> AsyncGenerator[tuple[Way, Mapping[str, Any], AsyncAPIResponse[Any]], None]:
        """Yield the response to a question, how it was sent, and as what; refusals are learned from."""
        passing, sealed = 1, True
        async with AsyncExitStack() as sent:
            for attempt in range(_MAX_TRIES):
                way = self._dialect.way
                make = responses.request if way == "responses" else completions.request
                made = make([m if sealed else _unsealed(m) for m in history.messages], options)
                model = options.get("ai_model_id") or self.ai_model_id
                body = self._dialect.shaped({"model": model, **made})
                if not streamed:
                    body = unstreamed(body)
                try:
                    response = await sent.enter_async_context(self._clients.posted(way, body))
                    break
                except APIStatusError as error:
                    if passing and _may_pass(error):
                        passing -= 1
                        await asyncio.sleep(_PAUSE_SECONDS)
                    elif sealed and (_is_of_another(error) or _refuses_thoughts(error, body)):
                        sealed = False
                    elif attempt + 1 == _MAX_TRIES or not self._dialect.learn(
                        refusal_of(error.status_code, error.body), way, body
                    ):
                        raise
            yield way, body, response


def _is_of_another(error: APIStatusError) -> bool:
    """Tell whether a deployment refuses reasoning that is not its own."""
    told = error.code == _NOT_ITS_REASONING
    return told or _NOT_ITS_SIGNATURE.search(error_of(error.body).get("message", "")) is not None


def _refuses_thoughts(error: APIStatusError, body: Mapping[str, Any]) -> bool:
    """Tell whether a server refuses the plain thoughts that it has sent by Responses."""
    plain = any(item.get("type") == "reasoning" and "content" in item for item in body.get("input", ()))
    return plain and error.status_code in _BAD and "reasoning" in error_of(error.body).get("message", "")


def _may_pass(error: APIStatusError) -> bool:
    """Tell whether the same request may succeed now: llama.cpp and LiteLLM refuse pictures with 500."""
    kind = kind_of(error.status_code, error_of(error.body))
    return error.status_code in _PASSING and kind in ("passing", "loading", "busy")


def _set_options(settings: PromptExecutionSettings) -> dict[str, Any]:
    """Return what settings set."""
    excluded = {"service_id", "extension_data", "function_choice_behavior"}
    return settings.model_dump(exclude=excluded, exclude_none=True)


def _unsealed(message: ChatMessageContent) -> ChatMessageContent:
    """Return a message without its reasoning."""
    if REASONING not in message.metadata:
        return message
    metadata = {name: value for name, value in message.metadata.items() if name != REASONING}
    return message.model_copy(update={"metadata": metadata})
