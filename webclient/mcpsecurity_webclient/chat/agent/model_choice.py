"""The model of one conversation: chosen by the person, from those that are offered."""

from collections.abc import Awaitable, Callable

from mcpsecurity.runtime.undo import undone_on_failure
from mcpsecurity_webclient.chat.agent.offered_models import OfferedModel, OfferedModels
from mcpsecurity_webclient.chat.state import ConversationState
from mcpsecurity_webclient.chat.tools.approvals import Publish
from mcpsecurity_webclient.chat.views import ModelView
from mcpsecurity_webclient.errors import UnknownRequestError


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
