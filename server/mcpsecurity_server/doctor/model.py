"""Checks of the model endpoint: reachable, with this key, this deployment and this API version."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp

from mcpsecurity_server.doctor.findings import Finding, failed, ok, skipped, warning
from mcpsecurity_server.doctor.requests import Answer, UnreachableError, fetch
from mcpsecurity_server.doctor.settings import DoctorSettings

__all__ = ["check_model"]

_QUESTION = {"messages": [{"role": "user", "content": "Say ok."}]}


async def check_model(session: aiohttp.ClientSession, settings: DoctorSettings) -> AsyncIterator[Finding]:
    """Ask the model one short question."""
    if not settings.model_endpoint:
        yield skipped("model", "No model endpoint is configured here.", "AZURE_OPENAI_ENDPOINT")
        return
    if not settings.model_deployment:
        yield failed("model", "No model deployment is configured.", "AZURE_OPENAI_CHAT_DEPLOYMENT_NAME")
        return
    key = settings.model_key.get_secret_value() if settings.model_key else ""
    url = (
        f"{settings.model_endpoint.rstrip('/')}/openai/deployments/{settings.model_deployment}"
        f"/chat/completions?api-version={settings.model_api_version}"
    )
    try:
        answer = await fetch(session, "POST", url, headers={"api-key": key} if key else None, json=_QUESTION)
    except UnreachableError as error:
        setting = "MCPSECURITY_CA_FILE" if error.is_trust else "AZURE_OPENAI_ENDPOINT"
        yield failed("model", f"The model does not answer: {error}.", setting)
        return
    yield _judge(settings, answer, has_key=bool(key))


def _judge(settings: DoctorSettings, answer: Answer, *, has_key: bool) -> Finding:
    code = _error_code(answer.json)
    if answer.status == 200:
        return ok("model", f"{settings.model_deployment} answers.")
    if answer.status in (401, 403) and not has_key:
        return skipped(
            "model", "It answers; without a key, whether you may use it shows at sign-in to Azure only."
        )
    if answer.status in (401, 403):
        return failed("model", f"The model refuses the key ({answer.status}).", "AZURE_OPENAI_API_KEY")
    if answer.status == 404 and code == "DeploymentNotFound":
        message = f"There is no deployment {settings.model_deployment}."
        return failed("model", message, "AZURE_OPENAI_CHAT_DEPLOYMENT_NAME")
    if answer.status in (400, 404):
        message = f"The endpoint does not know this address or API version ({answer.status} {code})."
        return failed("model", message, "AZURE_OPENAI_ENDPOINT, AZURE_OPENAI_API_VERSION")
    if answer.status == 429:
        message = "The model has no quota left just now."
        return warning("model", message, "the deployment's quota")
    return failed("model", f"The model answers {answer.status}.", "AZURE_OPENAI_ENDPOINT")


def _error_code(body: dict[str, Any] | None) -> str:
    error = (body or {}).get("error")
    return str(error.get("code", "")) if isinstance(error, dict) else ""
