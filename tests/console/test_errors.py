"""What went wrong with an answer, as the terminal says it."""

import httpx2
import pytest
from azure.core.exceptions import ClientAuthenticationError
from openai import APIConnectionError, APIStatusError, APITimeoutError
from semantic_kernel.exceptions import ServiceResponseException

from mcpsecurity.client import ServerUnavailableError
from mcpsecurity.console.errors import ErrorWords
from mcpsecurity.kernel.model.errors import BrokenOffError, NotAStreamError
from mcpsecurity.model_settings import ModelSettings
from mcpsecurity.settings import settings_of

REQUEST = httpx2.Request("POST", "https://llm.example/v1/chat/completions")


def refused(status: int, message: str) -> APIStatusError:
    response = httpx2.Response(status, request=REQUEST)
    return APIStatusError(f"Error code: {status}", response=response, body={"message": message})


@pytest.fixture
def words() -> ErrorWords:
    chosen = settings_of(
        ModelSettings, openai_base_url="https://llm.example/v1", openai_api_key="sk-1", openai_model="large"
    )
    return ErrorWords(chosen)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (refused(401, "No such key"), "refuses the key: check OPENAI_API_KEY. It says: No such key"),
        (
            refused(403, "Not for you"),
            "refuses access: check the rights of OPENAI_API_KEY. It says: Not for you",
        ),
        (
            refused(404, "Unknown"),
            "knows no model large: check OPENAI_CHAT_MODEL_ID and OPENAI_BASE_URL. It says: Unknown",
        ),
        (refused(429, "Slow down"), "wait, or look at your quota. It says: Slow down"),
        (refused(500, "Oh\nyou> dear"), "answers with status 500. It says: Oh you> dear"),
        (APIConnectionError(request=REQUEST), "does not answer. Does it run, and is OPENAI_BASE_URL right?"),
        (APITimeoutError(request=REQUEST), "did not answer in time. Try again."),
        (
            NotAStreamError(),
            "answers, but not as a model does: check OPENAI_BASE_URL (often …/v1).",
        ),
        (BrokenOffError(), "broke off. Try again."),
        (ClientAuthenticationError("secret"), "sign in by `az login`, or set OPENAI_API_KEY."),
    ],
)
def test_it_says_whose_fault_it_is_and_what_to_set(words: ErrorWords, error: Exception, line: str) -> None:
    wrapped = ServiceResponseException("failed")
    wrapped.__cause__ = error
    for each in (error, wrapped):
        told = words.of(each)
        assert told.endswith(line), told
        assert "llm.example" in told
        assert "secret" not in told


def test_azures_variables_are_named_for_azure() -> None:
    chosen = settings_of(
        ModelSettings,
        azure_openai_endpoint="https://contoso.openai.azure.com",
        azure_openai_api_key="k",
        deployment="d",
    )
    told = ErrorWords(chosen).of(refused(404, "Gone"))
    assert "AZURE_OPENAI_CHAT_DEPLOYMENT_NAME and AZURE_OPENAI_ENDPOINT" in told


def test_a_servers_error_is_its_own_and_the_unknown_has_a_name_only(words: ErrorWords) -> None:
    assert words.of(ServerUnavailableError("It is away.")) == "It is away."
    assert words.of(KeyError("secret")) == "That did not work (KeyError)."
