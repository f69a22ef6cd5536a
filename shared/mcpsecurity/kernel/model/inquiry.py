"""What a model's endpoint tells of the model, asked in the background."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final, Self

import httpx2  # what `openai` speaks HTTP with

from mcpsecurity.kernel.model.service import ChatModel
from mcpsecurity.model_listing import Told
from mcpsecurity.model_settings import ModelSettings
from mcpsecurity.runtime.tasks import end_tasks

_log = logging.getLogger(__name__)
_TIMES: Final = 3
_SECONDS: Final = 10.0
_AGAIN_HERE: Final = 60.0
_AGAIN_ELSEWHERE: Final = 3600.0
"""Seconds for which a window that was told counts: a server on this machine is started anew more often."""


class Inquiry:
    """Asks at the start what a model's endpoint tells of it, and after answers while it has told no window,
    three times in all: a local server may start later, and some tell of a model only once it is loaded.
    A window that it has told is asked for again a minute later (elsewhere than on this machine: an hour),
    as the server may have been started with another one.

    Azure OpenAI and OpenAI tell nothing and are not asked, nor is an endpoint whose window is set, or that is
    asked as an identity. A failure is logged; the window stays a guess.

    Attributes:
        told: what it has told so far.
    """

    def __init__(
        self,
        model: ChatModel,
        settings: ModelSettings,
        heard: Callable[[Told], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`heard` is called with what was told. `clock` returns seconds."""
        self.told = Told()
        self._model = model
        self._heard = heard
        asks = settings.context_window is None and not (
            settings.endpoint.is_openais or settings.uses_identity
        )
        self._left = _TIMES if asks else 0
        self._clock = clock
        self._again = _AGAIN_HERE if settings.endpoint.on_this_machine else _AGAIN_ELSEWHERE
        self._asked_at = 0.0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.ask()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            await end_tasks(self._task)

    def ask(self) -> None:
        """Ask, unless the window has been told lately, or was asked for often enough in vain."""
        if (self._task is None or self._task.done()) and self._is_due():
            self._asked_at = self._clock()
            self._task = asyncio.create_task(self._ask(), name="ask what a model's endpoint tells")

    def _is_due(self) -> bool:
        if self.told.window is not None:
            return self._clock() - self._asked_at >= self._again
        self._left = max(self._left, 0) - 1
        return self._left >= 0

    async def _ask(self) -> None:
        name = self._model.ai_model_id
        try:
            async with asyncio.timeout(_SECONDS):
                told = await self._model.told()
        except (httpx2.HTTPError, httpx2.StreamError, OSError) as error:  # TimeoutError is an OSError
            _log.info("the endpoint of the model %s does not list its models: %s", name, type(error).__name__)
            return
        if told.window is None and self.told.window is not None:
            return  # it is being started
        before, self.told = self.told, told
        if told.window not in (None, before.window):
            _log.info("the model %s reads %d tokens, as its endpoint tells", name, told.window)
        self._heard(told)
