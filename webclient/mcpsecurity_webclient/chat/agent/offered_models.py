"""The models that a chat can be answered by, and the one that the person has chosen."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from semantic_kernel.connectors.ai.chat_completion_client_base import ChatCompletionClientBase

from mcpsecurity.kernel.model import Inquiry, open_model
from mcpsecurity.model_list import ModelListSettings
from mcpsecurity.model_settings import ModelSettings
from mcpsecurity.model_windows import context_window, known_window, sees_pictures
from mcpsecurity.runtime.undo import undone_on_failure
from mcpsecurity_webclient.chat.event_types import Publish
from mcpsecurity_webclient.chat.state import ConversationState
from mcpsecurity_webclient.chat.views import ModelView
from mcpsecurity_webclient.errors import UnknownRequestError


@dataclass(slots=True)
class OfferedModel:
    """One model. `name` is the operator's for it, `title` what people read.

    `inquiry` asks its endpoint about it. `reported` is the name that its last answer gave; `blind`: it has
    refused pictures.
    """

    name: str
    title: str
    settings: ModelSettings
    service: ChatCompletionClientBase
    inquiry: Inquiry
    reported: str | None = None
    blind: bool = False
    _learned: tuple[int | None, int] | None = None

    @property
    def learned(self) -> int | None:
        """The window that a refusal taught. It counts until the endpoint tells of another than before."""
        if self._learned is None or self._learned[0] != self.inquiry.told.window:
            return None
        return self._learned[1]

    def learn(self, window: int) -> None:
        """Take the window that a refusal taught."""
        self._learned = self.inquiry.told.window, window

    @property
    def window(self) -> int:
        """How many tokens it reads for one answer, by settings, refusals, its endpoint, or its name."""
        if self.learned is not None or self.settings.context_window is None:
            known = self.inquiry.told.window or context_window(
                self.settings.endpoint, self.reported, self.settings.model_name
            )
            return min(self.learned or known, self.settings.context_window or known)
        return self.settings.context_window

    @property
    def guessed(self) -> bool:
        """Whether nothing tells how many tokens it reads."""
        told = self.settings.context_window or self.learned or self.inquiry.told.window
        return told is None and known_window(self.reported, self.settings.model_name) is None

    @property
    def sees(self) -> bool:
        """Whether it sees pictures."""
        said = self.settings.model_images if not self.blind else False
        said = self.inquiry.told.images if said is None else said
        return said if said is not None else sees_pictures(self.reported, self.settings.model_name)

    def to_json(self) -> ModelView:
        """Return the page's view."""
        offline = self.settings.model_name.startswith("offline")
        return {"name": self.name, "title": self.title, "offline": offline, "images": self.sees}


class OfferedModels:
    """All models that people can choose, the default first."""

    def __init__(self, models: list[OfferedModel]) -> None:
        self.all = models
        self._by_name = {model.name: model for model in models}

    def named(self, name: str | None) -> OfferedModel | None:
        """Return the model with this name, if it is offered."""
        return self._by_name.get(name or "")

    @property
    def default(self) -> OfferedModel:
        """The model that answers unless another is chosen."""
        return self.all[0]


@asynccontextmanager
async def open_models(settings: ModelListSettings, tls: ssl.SSLContext) -> AsyncIterator[OfferedModels]:
    """Yield the models of `settings`, whose connections are closed at the end; `tls` is what they trust."""
    titles = settings.model_titles
    async with AsyncExitStack() as opened:
        models = []
        for name, one in settings.models.items():
            service = await opened.enter_async_context(open_model(one, tls))
            inquiry = await opened.enter_async_context(Inquiry(service, one))
            models.append(OfferedModel(name, titles[name], one, service, inquiry))
        yield OfferedModels(models)


class ModelChoice:
    """Chooses the model that answers from now on; `save` saves the conversation.

    The choice is kept by the model's name. If the operator has removed that model, the default one answers,
    and the page's view of it names the removed one.
    """

    def __init__(
        self,
        state: ConversationState,
        models: OfferedModels,
        publish: Publish,
        save: Callable[[], Awaitable[None]],
    ) -> None:
        self._state = state
        self._models = models
        self._publish = publish
        self._save = save

    @property
    def model(self) -> OfferedModel:
        """The model that answers."""
        return self._models.named(self._state.model) or self._models.default

    async def choose(self, name: str) -> None:
        """Have another model answer; an answer that is being written stays with its own.

        Raises:
            UnknownRequestError: no model of this name is offered.
            StoreError: the choice cannot be saved, and has not changed.
        """
        if self._models.named(name) is None:
            raise UnknownRequestError
        before = self._state.model
        if name == before:
            return
        self._change(name)
        with undone_on_failure(lambda: self._change(before)):
            await self._save()

    def to_json(self) -> ModelView:
        """Return the page's view of the model that answers."""
        view = self.model.to_json()
        if self._state.model and self._models.named(self._state.model) is None:
            view["instead_of"] = self._state.model
        return view

    def offered(self) -> list[ModelView]:
        """Return the page's views of all models."""
        return [model.to_json() for model in self._models.all]

    def _change(self, name: str | None) -> None:
        self._state.model = name
        self._publish("model.changed", {"model": self.to_json()})
