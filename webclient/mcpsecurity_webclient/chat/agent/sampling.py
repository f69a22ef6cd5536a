"""An MCP server's sampling request, answered by the chat model."""

import logging
from collections.abc import Callable

from mcp import types
from semantic_kernel.connectors.ai.chat_completion_client_base import ChatCompletionClientBase

from mcpsecurity.client.parts import message_text
from mcpsecurity.kernel.sampling import sample
from mcpsecurity_webclient.chat.agent.errors import MODEL_ERRORS, failure_of, report_in

__all__ = ["ModelSampler"]

_log = logging.getLogger(__name__)


class ModelSampler:
    """Asks the model on behalf of a server. The caller has had the request approved: what the person saw is
    what is sent. `service` returns the model that answers the conversation.
    """

    def __init__(self, service: Callable[[], ChatCompletionClientBase]) -> None:
        self._service = service

    async def sample(
        self, params: types.CreateMessageRequestParams
    ) -> types.CreateMessageResult | types.ErrorData:
        """Return the model's answer, or why it gave none in words that the server may hear."""
        try:
            return await sample(self._service(), params)
        except MODEL_ERRORS as error:
            failure = failure_of(error, "")
            sent = [params.systemPrompt or "", *map(message_text, params.messages)]
            _log.warning("sampling failed: %s%s", failure.code, report_in(error, sent))
            return types.ErrorData(code=types.INTERNAL_ERROR, message=failure.message)
