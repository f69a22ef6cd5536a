"""A server's sampling request, answered by a model of Semantic Kernel."""

from mcp import types
from semantic_kernel.connectors.ai.chat_completion_client_base import ChatCompletionClientBase
from semantic_kernel.contents import ChatHistory, FinishReason

from mcpsecurity.client.parts import message_text
from mcpsecurity.kernel.model import ChatModelSettings

__all__ = ["sample"]

_MAX_TOKENS = 2000
_STOP_REASONS = {str(FinishReason.LENGTH): "maxTokens", str(FinishReason.CONTENT_FILTER): "contentFilter"}


async def sample(
    service: ChatCompletionClientBase, params: types.CreateMessageRequestParams
) -> types.CreateMessageResult | types.ErrorData:
    """Return the model's answer, or an error if it has none. The caller has had the request approved.

    The model gets the server's own words and nothing else: no other system prompt, no conversation, no tools.

    Raises:
        Exception: the model's service raised it.
    """
    history = ChatHistory(system_message=params.systemPrompt)
    for message in params.messages:
        history.add_message({"role": message.role, "content": message_text(message)})
    settings = ChatModelSettings(max_output_tokens=min(params.maxTokens, _MAX_TOKENS))
    answer = await service.get_chat_message_content(history, settings)
    if answer is None or not str(answer):
        return types.ErrorData(code=types.INTERNAL_ERROR, message="The model gave no answer")
    return types.CreateMessageResult(
        role="assistant",
        content=types.TextContent(type="text", text=str(answer)),
        model=answer.ai_model_id or "model",
        stopReason=_STOP_REASONS.get(str(answer.finish_reason), "endTurn"),
    )
