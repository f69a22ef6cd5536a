"""The chat model: Azure OpenAI behind Semantic Kernel's connector, one for all conversations."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import httpx2  # what `openai` speaks HTTP with
import openai
from openai import AsyncAzureOpenAI, DefaultAsyncHttpxClient
from semantic_kernel.connectors.ai.chat_completion_client_base import ChatCompletionClientBase
from semantic_kernel.connectors.ai.open_ai import (
    AzureChatCompletion,
    OpenAIChatPromptExecutionSettings,
)
from semantic_kernel.contents import (
    AuthorRole,
    ChatMessageContent,
    FinishReason,
    FunctionCallContent,
    StreamingChatMessageContent,
    StreamingTextContent,
    TextContent,
)

from mcpsecurity.identity_token import UNUSED_ENDPOINT, token_provider
from mcpsecurity_webclient.chat.agent.model_stream import AnswerReader, EventSplitter
from mcpsecurity_webclient.errors import BrokenOffError, NotAStreamError
from mcpsecurity_webclient.settings import WebSettings

__all__ = ["chat_model"]

_PASSING = frozenset({500, 502, 503, 504})
_PAUSE_SECONDS = 0.5
_DONE = "[DONE]"
_DRAIN_SECONDS = 0.1
_MAX_ANSWER = 8 * 2**20


class _RetryingClient(DefaultAsyncHttpxClient):
    """Asks once more when the model's endpoint answers that it has a passing fault.

    A timeout is not repeated, as the answer would be paid for twice, nor is 429: the person decides whether
    to wait. A redirect is not followed: the key and the conversation are for the address that is configured.
    """

    async def send(self, request: Any, **options: Any) -> Any:
        """Send a request, at most twice."""
        response = await super().send(request, **options)
        if response.status_code not in _PASSING:
            return response
        await response.aclose()
        await asyncio.sleep(_PAUSE_SECONDS)
        return await super().send(request, **options)


class _ChatModel(AzureChatCompletion):
    """Reads answers with `AnswerReader`, so that nothing in a stream loses what was said before it.

    The last message of a stream has the calls, and in `metadata` what Semantic Kernel has no word for:
    `refusal` (each message: what it adds to it), `finish_reason` as the endpoint says it, `unreadable` (how
    many chunks were no JSON), `usage` and `model`.
    """

    async def _inner_get_streaming_chat_message_contents(
        self, chat_history: Any, settings: Any, function_invoke_attempt: int = 0
    ) -> AsyncGenerator[list[StreamingChatMessageContent], Any]:
        """Stream one answer.

        Raises:
            openai.APIError: the request was refused, or not answered.
            BrokenOffError, NotAStreamError, ProviderError: something else than an answer came.
        """
        body = self._request(chat_history, settings, stream=True)
        reader = AnswerReader()
        async with self._response(body) as response:
            async for text, refusal in _pieces(response.iter_bytes(), reader):
                if text or refusal:
                    yield [self._message(_text_items(text), {"refusal": refusal}, function_invoke_attempt)]
        known = {
            "finish_reason": reader.finish,
            "unreadable": reader.unreadable,
            "usage": reader.usage,
            "model": reader.model,
        }
        last = self._message(_calls(reader), known, function_invoke_attempt)
        last.finish_reason = _known_reason(reader.finish)
        yield [last]

    async def _inner_get_chat_message_contents(
        self, chat_history: Any, settings: Any
    ) -> list[ChatMessageContent]:
        """Return one answer that is not streamed. Raises what streaming raises."""
        body = self._request(chat_history, settings, stream=False)
        reader, answer = AnswerReader(), bytearray()
        async with self._response(body) as response:
            async for piece in response.iter_bytes():
                answer += piece
                if len(answer) > _MAX_ANSWER:
                    raise NotAStreamError
        pieces = [*reader.read(answer.decode(errors="replace")), *reader.end()]
        if reader.chunks == 0:
            raise NotAStreamError
        text = "".join(pieces)
        return [
            ChatMessageContent(
                role=AuthorRole.ASSISTANT,
                items=[*([TextContent(text=text)] if text else []), *_calls(reader)],
                finish_reason=_known_reason(reader.finish),
                ai_model_id=self.ai_model_id,
                metadata={"finish_reason": reader.finish, "usage": reader.usage, "model": reader.model},
            )
        ]

    def _request(self, chat_history: Any, settings: Any, *, stream: bool) -> dict[str, Any]:
        """Return a request as `openai` takes it."""
        if not isinstance(settings, OpenAIChatPromptExecutionSettings):
            settings = self.get_prompt_execution_settings_from_settings(settings)
        settings.stream, settings.stream_options = stream, {"include_usage": True} if stream else None
        settings.messages = self._prepare_chat_history_for_request(chat_history)
        settings.ai_model_id = settings.ai_model_id or self.ai_model_id
        body: dict[str, Any] = settings.prepare_settings_dict()
        if not body.get("tools"):
            body.pop("parallel_tool_calls", None)
        return body

    @asynccontextmanager
    async def _response(self, body: dict[str, Any]) -> AsyncIterator[Any]:
        """Ask, and tell what breaks the connection; within the body of an error `openai` lets it through."""
        try:
            async with self.client.chat.completions.with_streaming_response.create(**body) as response:
                yield response
        except httpx2.TimeoutException as error:
            raise openai.APITimeoutError(error.request) from error
        except (httpx2.RequestError, httpx2.StreamError, OSError) as error:
            raise BrokenOffError("the connection broke") from error

    def _message(self, items: Any, metadata: dict[str, Any], attempt: int) -> StreamingChatMessageContent:
        return StreamingChatMessageContent(
            role=AuthorRole.ASSISTANT,
            choice_index=0,
            items=items,
            ai_model_id=self.ai_model_id,
            metadata=metadata,
            function_invoke_attempt=attempt,
        )


async def _pieces(body: AsyncIterator[bytes], reader: AnswerReader) -> AsyncIterator[tuple[str, str]]:
    """Yield what each event adds to text and refusal, until the answer ends."""
    events, done = EventSplitter(), False
    async for data in _data(body, events):
        if done := data.startswith(_DONE) or reader.full:
            await _drain(body)
            break
        yield reader.read(data)
    yield reader.end()
    if reader.chunks == 0 and not events.empty and not (done and reader.unreadable == 0):
        raise NotAStreamError
    if not done and reader.finish is None:
        raise BrokenOffError("the stream ended before the answer did")


async def _data(body: AsyncIterator[bytes], events: EventSplitter) -> AsyncIterator[str]:
    async for piece in body:
        for data in events.feed(piece):
            yield data
    for data in events.end():
        yield data


async def _drain(body: AsyncIterator[bytes]) -> None:
    """Read what comes after the end, so that the connection can be used again; if it does not come, it
    cannot."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for _ in body:
                pass


def _calls(reader: AnswerReader) -> list[Any]:
    return [
        FunctionCallContent(id=call_id, index=place, name=name, arguments=arguments)
        for place, (call_id, name, arguments) in enumerate(reader.calls())
    ]


def _text_items(text: str) -> list[Any]:
    return [StreamingTextContent(choice_index=0, text=text)] if text else []


def _known_reason(reason: str | None) -> FinishReason | None:
    return FinishReason(reason) if reason in [known.value for known in FinishReason] else None


@asynccontextmanager
async def chat_model(settings: WebSettings, tls: ssl.SSLContext) -> AsyncIterator[ChatCompletionClientBase]:
    """Yield the model of `settings`: with its key, or as whoever `DefaultAzureCredential` finds."""
    async with AsyncExitStack() as resources:
        http = await resources.enter_async_context(
            _RetryingClient(verify=tls, timeout=settings.model_timeout, follow_redirects=False)
        )
        provider = None
        if settings.uses_identity:
            found = token_provider(settings.token_scope, tls, settings.azure_authority_host)
            provider = await resources.enter_async_context(found)
        client = AsyncAzureOpenAI(
            azure_endpoint=settings.endpoint.resource_url,
            azure_deployment=settings.model_name,
            api_version=settings.azure_openai_api_version or "2024-10-21",
            api_key=settings.model_key,
            azure_ad_token_provider=provider,
            http_client=http,
            max_retries=0,
        )
        yield _ChatModel(  # type: ignore[call-arg]  # pydantic's plugin does not see its constructor
            deployment_name=settings.model_name, async_client=client, endpoint=UNUSED_ENDPOINT
        )
