"""What a model's endpoint tells of the model, asked in the background."""

import asyncio
import logging
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

import httpx2  # what `openai` speaks HTTP with

from mcpsecurity.kernel.model.service import ChatModel
from mcpsecurity.model_listing import Told
from mcpsecurity.model_settings import ModelSettings
from mcpsecurity.runtime.tasks import end_tasks

_log = logging.getLogger(__name__)
_TIMES: Final = 3
_SECONDS: Final = 10.0


class Inquiry:
    """Asks at the start what a model's endpoint tells of it, and after answers while it has told no window,
    three times in all: a local server may start later, and some tell of a model only once it is loaded.

    Azure OpenAI and OpenAI tell nothing and are not asked, nor is an endpoint whose window is set, or that is
    asked as an identity. A failure is logged; the window stays a guess.

    Attributes:
        told: what it has told so far.
    """

    def __init__(
        self, model: ChatModel, settings: ModelSettings, heard: Callable[[Told], None] = lambda _: None
    ) -> None:
        """`heard` is called with what was told."""
        self.told = Told()
        self._model = model
        self._heard = heard
        asks = settings.context_window is None and not (
            settings.endpoint.is_openais or settings.uses_identity
        )
        self._left = _TIMES if asks else 0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.ask()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            await end_tasks(self._task)

    def ask(self) -> None:
        """Ask, unless the window is known or has been asked for often enough."""
        if self._left and self.told.window is None and (self._task is None or self._task.done()):
            self._left -= 1
            self._task = asyncio.create_task(self._ask(), name="ask what a model's endpoint tells")

    async def _ask(self) -> None:
        name = self._model.ai_model_id
        try:
            async with asyncio.timeout(_SECONDS):
                self.told = await self._model.told()
        except (httpx2.HTTPError, httpx2.StreamError, OSError) as error:  # TimeoutError is an OSError
            _log.info("the endpoint of the model %s does not list its models: %s", name, type(error).__name__)
            return
        if self.told.window is not None:
            _log.info("the model %s reads %d tokens, as its endpoint tells", name, self.told.window)
        self._heard(self.told)
