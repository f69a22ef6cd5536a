"""An MCP server's sampling request, answered by the chat model."""

import logging
from collections.abc import Callable

from mcp import types

from mcpsecurity.client.parts import message_text
from mcpsecurity.kernel.context import ContextUse, ModelInUse
from mcpsecurity.kernel.sampling import fits, sample
from mcpsecurity_webclient.chat.agent.errors import MODEL_ERRORS, failure_of, report_in
from mcpsecurity_webclient.chat.agent.offered_models import OfferedModel

_log = logging.getLogger(__name__)


class ModelSampler:
    """Asks the model on behalf of a server. The caller has had the request approved, and it is sent as the
    person saw it. `model` returns the model that answers the conversation; `use` has its token counts.
    """

    def __init__(self, model: Callable[[], OfferedModel], use: ContextUse) -> None:
        self._model = model
        self._use = use

    def fits(self, params: types.CreateMessageRequestParams) -> bool:
        """Tell whether a request is no longer than what the model reads for one answer."""
        return fits(params, self._asked, self._use)

    async def sample(
        self, params: types.CreateMessageRequestParams
    ) -> types.CreateMessageResult | types.ErrorData:
        """Return the model's answer, or why it gave none in words that the server may hear."""
        try:
            return await sample(params, self._asked, self._use)
        except MODEL_ERRORS as error:
            failure = failure_of(error, "")
            sent = [params.systemPrompt or "", *map(message_text, params.messages)]
            _log.warning("sampling failed: %s%s", failure.code, report_in(error, sent))
            return types.ErrorData(code=types.INTERNAL_ERROR, message=failure.message)

    @property
    def _asked(self) -> ModelInUse:
        model = self._model()
        return ModelInUse(model.title, model.service, model.window)
