"""Checks of the model as the chat uses it: with the same identity, a tool, and a streamed answer."""

import ssl
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson

from mcpsecurity.model_endpoint import read_endpoint
from mcpsecurity.model_settings import token_scope
from mcpsecurity_server.doctor.findings import Finding, failed, ok, skipped, warning
from mcpsecurity_server.doctor.requests import Answer, NoTokenError, UnreachableError, fetch
from mcpsecurity_server.doctor.settings import DoctorSettings

__all__ = ["check_model"]

_TOOL = {
    "type": "function",
    "function": {
        "name": "Tools-get_current_date_time",
        "description": "The date and the time.",
        "parameters": {"type": "object", "properties": {}},
    },
}
_QUESTION = {
    "messages": [{"role": "user", "content": "Say ok."}],
    "tools": [_TOOL],
    "stream": True,
    "stream_options": {"include_usage": True},
}
_ROLE = "the role Cognitive Services OpenAI User of that identity, or AZURE_OPENAI_TOKEN_SCOPE"


async def check_model(
    session: aiohttp.ClientSession, settings: DoctorSettings, tls: ssl.SSLContext
) -> AsyncIterator[Finding]:
    """Ask the model one short question."""
    if not settings.model_endpoint:
        yield skipped("model", "No model endpoint is configured here.", "AZURE_OPENAI_ENDPOINT")
        return
    if not settings.model_deployment:
        yield failed("model", "No model deployment is configured.", "AZURE_OPENAI_CHAT_DEPLOYMENT_NAME")
        return
    yield await _asked(session, settings, tls)


async def _asked(session: aiohttp.ClientSession, settings: DoctorSettings, tls: ssl.SSLContext) -> Finding:
    url = (
        f"{settings.model_endpoint.rstrip('/')}/openai/deployments/{settings.model_deployment}"
        f"/chat/completions?api-version={settings.model_api_version}"
    )
    try:
        read_endpoint(settings.model_endpoint, azure=True)
        headers = await _credential(settings, tls)
        answer = await fetch(session, "POST", url, headers=headers, json=_QUESTION)
    except ValueError as error:
        return failed("model", f"The model's endpoint: {error}.", "AZURE_OPENAI_ENDPOINT")
    except NoTokenError as error:
        return failed("model", f"There is no token for the model: {error}.", error.setting)
    except UnreachableError as error:
        setting = "MCPSECURITY_CA_FILE" if error.is_trust else "AZURE_OPENAI_ENDPOINT"
        return failed("model", f"The model does not answer: {error}.", setting)
    return _judge(settings, answer)


async def _credential(settings: DoctorSettings, tls: ssl.SSLContext) -> dict[str, str]:
    """Return the authentication header: the API key, or the token that the chat would send."""
    if settings.model_key is not None:
        return {"api-key": settings.model_key.get_secret_value()}
    try:
        from mcpsecurity_server.doctor.model_identity import token_of  # noqa: PLC0415 - azure-identity is an extra
    except ModuleNotFoundError as error:
        setting = "AZURE_OPENAI_API_KEY, or pip install 'mcpsecurity[webclient]'"
        raise NoTokenError("azure-identity is not installed", setting) from error
    return {"Authorization": f"Bearer {await token_of(_scope(settings), tls, settings.model_authority_host)}"}


def _scope(settings: DoctorSettings) -> str:
    configured = settings.model_token_scope
    return configured or token_scope(settings.model_endpoint, settings.model_authority_host)


def _judge(settings: DoctorSettings, answer: Answer) -> Finding:
    name, code = settings.model_deployment, _error_code(answer.json)
    if answer.status == 200 and _streamed(answer.text):
        identity = "the key" if settings.model_key else f"a token for {_scope(settings)}"
        return ok("model", f"{name} answers, with a tool, streaming, to {identity}.")
    if answer.status == 200:
        message = f"What answers for {name} does not stream as Azure OpenAI does."
        return failed("model", message, "AZURE_OPENAI_ENDPOINT")
    if answer.status in (401, 403) and settings.model_key is None:
        message = f"The model refuses the token for {_scope(settings)} ({answer.status})."
        return failed("model", message, _ROLE)
    if answer.status in (401, 403):
        return failed("model", f"The model refuses the key ({answer.status}).", "AZURE_OPENAI_API_KEY")
    if answer.status == 404 and code == "DeploymentNotFound":
        return failed("model", f"There is no deployment {name}.", "AZURE_OPENAI_CHAT_DEPLOYMENT_NAME")
    if answer.status == 429:
        return warning("model", "The model has no quota left just now.", "the deployment's quota")
    if answer.status == 400 and code not in ("404", "BadRequest"):
        message = f"{name} refuses a question with a tool, streamed (400 {code})."
        return failed("model", message, "AZURE_OPENAI_CHAT_DEPLOYMENT_NAME, AZURE_OPENAI_API_VERSION")
    if answer.status in (400, 404):
        message = f"The endpoint does not know this address or API version ({answer.status} {code})."
        return failed("model", message, "AZURE_OPENAI_ENDPOINT, AZURE_OPENAI_API_VERSION")
    return failed("model", f"The model answers {answer.status}.", "AZURE_OPENAI_ENDPOINT")


def _streamed(text: str) -> bool:
    """Tell whether a response is an event stream that holds a part of an answer."""
    for line in text.splitlines():
        try:
            chunk = orjson.loads(line.removeprefix("data:")) if line.startswith("data:") else None
        except orjson.JSONDecodeError:
            continue
        if isinstance(chunk, dict) and chunk.get("choices"):
            return True
    return False


def _error_code(body: dict[str, Any] | None) -> str:
    error = (body or {}).get("error")
    if not isinstance(error, dict):
        return ""
    return " ".join(str(error[key]) for key in ("code", "param") if error.get(key))
