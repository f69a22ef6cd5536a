"""An MCP server's sampling request, answered by the chat model."""

import logging
from collections.abc import Callable

from mcp import types
from semantic_kernel.connectors.ai.chat_completion_client_base import ChatCompletionClientBase
from semantic_kernel.contents import ChatHistory, FinishReason

from mcpsecurity.kernel.model import ChatModelSettings
from mcpsecurity_webclient.chat.agent.errors import MODEL_ERRORS, failure_of, report_in
from mcpsecurity_webclient.chat.history import texts_of
from mcpsecurity_webclient.chat.requests.sampling import message_text

__all__ = ["ModelSampler"]

_log = logging.getLogger(__name__)
_MAX_TOKENS = 2000
_STOP_REASONS = {str(FinishReason.LENGTH): "maxTokens", str(FinishReason.CONTENT_FILTER): "contentFilter"}


class ModelSampler:
    """Asks the model on behalf of a server. The caller has had the request approved.

    The model gets the server's own words and nothing else: neither the operator's system prompt nor the
    conversation, and no tools. What the person saw is what is sent. `service` returns the model that answers
    the conversation.
    """

    def __init__(self, service: Callable[[], ChatCompletionClientBase]) -> None:
        self._service = service

    async def sample(
        self, params: types.CreateMessageRequestParams
    ) -> types.CreateMessageResult | types.ErrorData:
        """Return the model's answer, or why it gave none in words that the server may hear."""
        history = ChatHistory(system_message=params.systemPrompt)
        for message in params.messages:
            history.add_message({"role": message.role, "content": message_text(message)})
        settings = ChatModelSettings(max_output_tokens=min(params.maxTokens, _MAX_TOKENS))
        try:
            answer = await self._service().get_chat_message_content(history, settings)
        except MODEL_ERRORS as error:
            failure = failure_of(error, "")
            _log.warning("sampling failed: %s%s", failure.code, report_in(error, texts_of(history.messages)))
            return types.ErrorData(code=types.INTERNAL_ERROR, message=failure.message)
        if answer is None or not str(answer):
            return types.ErrorData(code=types.INTERNAL_ERROR, message="The model gave no answer")
        return types.CreateMessageResult(
            role="assistant",
            content=types.TextContent(type="text", text=str(answer)),
            model=answer.ai_model_id or "model",
            stopReason=_STOP_REASONS.get(str(answer.finish_reason), "endTurn"),
        )
