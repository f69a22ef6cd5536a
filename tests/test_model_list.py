"""Several models come from WEBCLIENT_MODELS; a wrong entry is refused by its place, and no key is shown."""

import json
from pathlib import Path
from typing import Any

import pytest

from mcpsecurity.model_list import ModelListSettings
from mcpsecurity.settings import SettingsError, load_settings

LOCAL = {"name": "local", "base_url": "http://localhost:11434/v1", "model": "qwen3"}
AZURE = {"name": "azure", "endpoint": "https://contoso.openai.azure.com/openai/v1/", "key": "hidden"}


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for field in ModelListSettings.model_fields.values():
        for key in getattr(field.validation_alias, "choices", [field.validation_alias]):
            monkeypatch.delenv(str(key), raising=False)
    monkeypatch.chdir(tmp_path)


def loaded(monkeypatch: pytest.MonkeyPatch, models: Any, **more: str) -> ModelListSettings:
    text = models if isinstance(models, str) else json.dumps(models)
    for key, value in {"WEBCLIENT_MODELS": text, **more}.items():
        monkeypatch.setenv(key, value)
    return load_settings(ModelListSettings)


def test_each_model_has_settings_of_its_own_and_the_first_is_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limits = {"temperature": 0.2, "timeout": 300, "headers": {"X-Team": "a"}, "context_window": 8192}
    settings = loaded(monkeypatch, [{**LOCAL, **limits, "title": "Small"}, AZURE])
    small, azure = settings.models.values()
    assert (small.model_name, small.model_url, small.temperature) == ("qwen3", LOCAL["base_url"], 0.2)
    assert (small.model_timeout, small.headers, small.context_window) == (300, {"X-Team": "a"}, 8192)
    assert (azure.model_name, azure.model_key, azure.context_window) == ("azure", "hidden", None)
    assert settings.model_titles == {"local": "Small", "azure": "azure"}
    assert settings.model_name == "qwen3"
    assert "hidden" not in repr(settings)


def test_the_keys_of_a_single_model_do_not_mix_with_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    single = {"AZURE_OPENAI_ENDPOINT": "https://other.openai.azure.com", "AZURE_OPENAI_API_KEY": "k"}
    settings = loaded(
        monkeypatch, [LOCAL], **single, MCPSECURITY_MODEL_TEMPERATURE="1", MCPSECURITY_MODEL_API="chat"
    )
    assert list(settings.models) == ["local"]
    assert (settings.model_url, settings.temperature, settings.model_api) == (LOCAL["base_url"], None, "auto")


def test_without_a_list_the_one_model_of_the_other_keys_is_the_only_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = loaded(monkeypatch, "[]", OPENAI_API_KEY="k", OPENAI_CHAT_MODEL_ID="gpt-5.6")
    assert settings.models == {"gpt-5.6": settings}
    assert settings.model_titles == {"gpt-5.6": "gpt-5.6"}


def test_a_key_may_be_in_another_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    model = {"name": "m", "base_url": "https://gateway.example/v1", "key_env": "TEAM_KEY"}
    assert loaded(monkeypatch, [model], TEAM_KEY="of the team").models["m"].model_key == "of the team"
    monkeypatch.delenv("TEAM_KEY")
    Path(".env").write_text("TEAM_KEY=of the file\n")
    assert loaded(monkeypatch, [model]).models["m"].model_key == "of the file"


@pytest.mark.parametrize(
    ("models", "told"),
    [
        ("{", "WEBCLIENT_MODELS: write JSON like [{"),
        (LOCAL, "WEBCLIENT_MODELS: write a list like [{"),
        (
            [LOCAL, {"name": "b"}],
            "WEBCLIENT_MODELS: entry 2: endpoint: no model is set; set this, or base_url, or key",
        ),
        ([LOCAL, LOCAL], "WEBCLIENT_MODELS: two models have the name local"),
        ([{**LOCAL, "nme": 1}], "WEBCLIENT_MODELS: entry 1, nme: there is no such setting"),
        ([{"base_url": "http://localhost/v1"}], "WEBCLIENT_MODELS: entry 1, name: not set"),
        ([{**AZURE, "base_url": "http://localhost/v1"}], "entry 1: endpoint: base_url is set, too"),
        ([{**AZURE, "key_env": "K"}], "entry 1: key and key_env are both set"),
        ([{**LOCAL, "key_env": "NOWHERE"}], "entry 1: key_env: the variable NOWHERE is not set"),
        ([{**LOCAL, "temperature": 3}], "entry 1: temperature: write 2 or less"),
        ([{**LOCAL, "context_window": 10}], "entry 1: context_window: write "),
        ([{**LOCAL, "api": "soap"}], "entry 1, api: write "),
        ([{**LOCAL, "base_url": "http://gateway.example/v1"}], "entry 1: base_url: write https://"),
        (
            [{"name": "m", "base_url": "https://gateway.example/v1"}],
            "entry 1: key: gateway.example needs one",
        ),
    ],
)
def test_a_wrong_entry_is_refused_by_its_place(
    monkeypatch: pytest.MonkeyPatch, models: Any, told: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        loaded(monkeypatch, models)
    assert told in str(refused.value)
    assert "hidden" not in str(refused.value)
