"""A server's sampling request, answered by a model of Semantic Kernel."""

from dataclasses import replace

from mcp import types
from semantic_kernel.contents import ChatHistory, FinishReason
from semantic_kernel.exceptions import ServiceException

from mcpsecurity.client.parts import message_text
from mcpsecurity.kernel.context import ContextUse, ModelInUse
from mcpsecurity.kernel.context.errors import overflow_in
from mcpsecurity.kernel.context.tokens import tokens_of_turns
from mcpsecurity.kernel.model import ChatModelSettings

TOO_LONG = types.ErrorData(
    code=types.INVALID_PARAMS, message="The request is longer than what the model reads for one answer"
)
"""The error for a server whose request is too long: nothing of what a person approved is left out."""

_MAX_TOKENS = 2000
_STOP_REASONS = {str(FinishReason.LENGTH): "maxTokens", str(FinishReason.CONTENT_FILTER): "contentFilter"}


def fits(params: types.CreateMessageRequestParams, model: ModelInUse, use: ContextUse) -> bool:
    """Tell whether a request and its answer have room in the model's context window, by estimate. `use` has
    what the model counted before."""
    asked = replace(model, answer=_most_of_answer(params))
    return tokens_of_turns(_history(params).messages) * use.ratio <= asked.room


async def sample(
    params: types.CreateMessageRequestParams, model: ModelInUse, use: ContextUse
) -> types.CreateMessageResult | types.ErrorData:
    """Return the model's answer, or an error if it has none. The caller has had the request approved.

    The model gets the server's own words and nothing else: no other system prompt, no conversation, no tools.
    It gets all of them: the error for a request that does not fit, or that the model finds too long, is
    `TOO_LONG`.

    Raises:
        Exception: the model's service raised it.
    """
    if not fits(params, model, use):
        return TOO_LONG
    settings = ChatModelSettings(max_output_tokens=_most_of_answer(params))
    try:
        answer = await model.service.get_chat_message_content(_history(params), settings)
    except ServiceException as error:
        if overflow_in(error) is None:
            raise
        return TOO_LONG
    if answer is None or not str(answer):
        return types.ErrorData(code=types.INTERNAL_ERROR, message="The model gave no answer")
    return types.CreateMessageResult(
        role="assistant",
        content=types.TextContent(type="text", text=str(answer)),
        model=answer.ai_model_id or "model",
        stopReason=_STOP_REASONS.get(str(answer.finish_reason), "endTurn"),
    )


def _history(params: types.CreateMessageRequestParams) -> ChatHistory:
    history = ChatHistory(system_message=params.systemPrompt)
    for message in params.messages:
        history.add_message({"role": message.role, "content": message_text(message)})
    return history


def _most_of_answer(params: types.CreateMessageRequestParams) -> int:
    return min(params.maxTokens, _MAX_TOKENS)
