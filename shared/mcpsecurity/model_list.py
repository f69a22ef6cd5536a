"""Several models to choose from: `WEBCLIENT_MODELS`, a JSON list of objects."""

from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from mcpsecurity.environment import VARIABLE, variable
from mcpsecurity.model_endpoint import Api
from mcpsecurity.model_settings import ModelSettings
from mcpsecurity.settings import SettingsError, settings_of

_ANY = {
    "model_api": "api",
    "model_headers": "headers",
    "model_timeout": "timeout",
    "model_images": "images",
    "azure_openai_api_version": "api_version",
    "azure_openai_token_scope": "token_scope",
    "reasoning_effort": "reasoning_effort",
    "max_output_tokens": "max_output_tokens",
    "temperature": "temperature",
    "context_window": "context_window",
}
_AZURE = {"azure_openai_endpoint": "endpoint", "deployment": "model", "azure_openai_api_key": "key"}
_OTHER = {"openai_base_url": "base_url", "openai_model": "model", "openai_api_key": "key"}
_OF_ONE_MODEL = {*_ANY, *_AZURE, *_OTHER}
"""Fields of `ModelSettings` that an entry sets, by the entry's members."""


class ListedModel(BaseModel):
    """One model of the list. `endpoint` is Azure's, `base_url` that of any other server; with neither, and
    a key, the model is OpenAI's. `key_env` names the variable of the environment (or of `.env`) that holds
    the key.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$")
    title: str | None = Field(None, min_length=1, max_length=60)
    model: str | None = Field(None, min_length=1, max_length=200)
    endpoint: str | None = None
    base_url: str | None = None
    key: SecretStr | None = None
    key_env: str | None = Field(None, pattern=f"^{VARIABLE.pattern}$")
    api: Api = "auto"
    api_version: str | None = None
    token_scope: str | None = None
    reasoning_effort: str | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    context_window: int | None = None
    timeout: float | None = None
    images: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _has_one_key(cls, given: Any) -> Any:
        """Read the key that `key_env` names, once."""
        name = given.get("key_env") if isinstance(given, dict) else None
        if not isinstance(name, str) or not VARIABLE.fullmatch(name):
            return given  # told of by the field
        if given.get("key") is not None:
            raise ValueError("key and key_env are both set; remove one of them")
        if (key := variable(name)) is None:
            raise ValueError(f"key_env: the variable {name} is not set")
        return {**given, "key": key}

    @model_validator(mode="after")
    def _leads_to_a_model(self) -> Self:
        try:
            self.settings()
        except SettingsError as error:
            raise ValueError("; ".join(in_members(str(error)).splitlines())) from None
        return self

    def settings(self, ca_file: Path | None = None, authority_host: str | None = None) -> ModelSettings:
        """Return the settings of this model alone; what all models share is given.

        Raises:
            SettingsError: it cannot be asked with them.
        """
        return settings_of(
            ModelSettings, **self.values(), ca_file=ca_file, azure_authority_host=authority_host
        )

    def values(self) -> dict[str, Any]:
        """Return what it sets of `ModelSettings`, by the names of the fields."""
        found = {**_ANY, **(_AZURE if self.endpoint is not None else _OTHER)}
        values = {field: getattr(self, member) for field, member in found.items()}
        values["deployment" if self.endpoint is not None else "openai_model"] = self.model or self.name
        if self.endpoint is not None:
            values["openai_base_url"] = self.base_url
        return {name: value for name, value in values.items() if value is not None}


class ModelListSettings(ModelSettings):
    """One model by the keys of `ModelSettings`, or the list. The first of the list is the default, and those
    keys are not read then."""

    listed_models: tuple[ListedModel, ...] = Field(
        (),
        validation_alias="WEBCLIENT_MODELS",
        examples=['[{"name": "gpt-5", "endpoint": "https://contoso.openai.azure.com"}]'],
        description="Models to choose from, the default first: a JSON list of objects with name, title, "
        "model, endpoint or base_url, key or key_env, api, api_version, token_scope, reasoning_effort, "
        "max_output_tokens, temperature, headers, context_window, timeout, images. None: the one model of "
        "the keys above, which are not read otherwise.",
    )

    @model_validator(mode="before")
    @classmethod
    def _first_is_the_model(cls, given: Any) -> Any:
        """Let the first model of the list be the one that all else takes for the model."""
        listed = (
            given.get("WEBCLIENT_MODELS", given.get("listed_models")) if isinstance(given, dict) else None
        )
        if not listed or not isinstance(listed, list | tuple):
            return given
        kept = {name: value for name, value in given.items() if name not in _single_names()}
        try:
            return kept | ListedModel.model_validate(listed[0]).values()
        except (ValueError, SettingsError):  # told of by the list's own field
            return kept | {"openai_base_url": "http://localhost", "openai_model": "none"}

    @field_validator("listed_models")
    @classmethod
    def _models_have_different_names(cls, models: tuple[ListedModel, ...]) -> tuple[ListedModel, ...]:
        names = [model.name for model in models]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two models have the name {twice[0]}")
        return models

    @property
    def models(self) -> dict[str, ModelSettings]:
        """The settings of each model by its name, the default first."""
        if not self.listed_models:
            return {self.model_name: self}
        shared = (self.ca_file, self.azure_authority_host)
        return {model.name: model.settings(*shared) for model in self.listed_models}

    @property
    def model_titles(self) -> dict[str, str]:
        """What people read for each model, by its name."""
        listed = {model.name: model.title or model.name for model in self.listed_models}
        return listed or {self.model_name: self.model_name}


def in_members(words: str) -> str:
    """Return words that name keys of a single model, with the members of an entry instead."""
    for field, member in {**_ANY, **_AZURE, **_OTHER}.items():
        for name in _keys(field):
            words = words.replace(name, member)
    return words


def _single_names() -> set[str]:
    return _OF_ONE_MODEL | {name for field in _OF_ONE_MODEL for name in _keys(field)}


def _keys(field: str) -> list[str]:
    """Return the keys of the environment for a field."""
    alias = ModelSettings.model_fields[field].validation_alias
    return [str(name) for name in getattr(alias, "choices", [alias])]
