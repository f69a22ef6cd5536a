"""The models that a chat can be answered by, as the operator lists them."""

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from semantic_kernel.connectors.ai.chat_completion_client_base import ChatCompletionClientBase

from mcpsecurity.kernel.model import open_model
from mcpsecurity.model_list import ModelListSettings
from mcpsecurity.model_settings import ModelSettings
from mcpsecurity.model_windows import context_window, sees_pictures
from mcpsecurity_webclient.chat.views import ModelView


@dataclass(slots=True)
class OfferedModel:
    """One model. `name` is the operator's for it, `title` what people read.

    `reported` is the name that its last answer gave, `learned` the context window that a refusal told of;
    `blind`: it has refused pictures.
    """

    name: str
    title: str
    settings: ModelSettings
    service: ChatCompletionClientBase
    reported: str | None = None
    learned: int | None = None
    blind: bool = False

    @property
    def window(self) -> int:
        """How many tokens it reads for one answer, as far as is known."""
        if self.learned is not None or self.settings.context_window is None:
            known = context_window(self.settings.endpoint, self.reported, self.settings.model_name)
            return min(self.learned or known, self.settings.context_window or known)
        return self.settings.context_window

    @property
    def sees(self) -> bool:
        """Whether it sees pictures."""
        said = self.settings.model_images if not self.blind else False
        return said if said is not None else sees_pictures(self.reported, self.settings.model_name)

    def to_json(self) -> ModelView:
        """Return the page's view."""
        offline = self.settings.model_name.startswith("offline")
        return {"name": self.name, "title": self.title, "offline": offline, "images": self.sees}


class OfferedModels:
    """All of them, the default first."""

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
        models = [
            OfferedModel(name, titles[name], one, await opened.enter_async_context(open_model(one, tls)))
            for name, one in settings.models.items()
        ]
        yield OfferedModels(models)
