"""Checks of the model as the chat uses it."""

import ssl
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp

from mcpsecurity.model_list import in_members
from mcpsecurity.model_settings import ModelSettings
from mcpsecurity.settings import SettingsError
from mcpsecurity_server.doctor.findings import Finding, Status, failed, ok, skipped, warning
from mcpsecurity_server.doctor.model_lists import read_lists
from mcpsecurity_server.doctor.model_request import ModelAnswer, ask_model
from mcpsecurity_server.doctor.requests import NoTokenError, UnreachableError
from mcpsecurity_server.doctor.settings import DoctorSettings

_ROLE = "the role Cognitive Services OpenAI User of that identity, or AZURE_OPENAI_TOKEN_SCOPE"
_HEADERS, _API = "MCPSECURITY_MODEL_HEADERS", "MCPSECURITY_MODEL_API"
_LIMIT = "MCPSECURITY_MODEL_MAX_OUTPUT_TOKENS"
_WINDOW = "MCPSECURITY_MODEL_CONTEXT_WINDOW"
_LITTLE = 8192
_FEW = (
    "Tools and a few messages fill that. Its server may let it read more (llama.cpp: -c; vLLM: "
    "--max-model-len; Ollama: OLLAMA_CONTEXT_LENGTH; LM Studio: Context Length)."
)
_UNEXPLAINED = ("passing", "refused", "redirect", "no_address")
_SHOWN, _FAULT = 200, 500
_PARSER = (
    "a parser for this model's calls (vLLM: --enable-auto-tool-choice --tool-call-parser; llama.cpp: --jinja)"
)
_ONLY_THOUGHT = (
    "It only thought, and gave neither an answer nor a call: its server takes the answer for a thought "
    "(vLLM, SGLang: --reasoning-parser of another model), or the limit of an answer is too small to think."
)
_WAYS = {"responses": "Responses", "chat": "Chat Completions", "dated": "Chat Completions (dated API)"}
_OPTIONS = {
    "temperature": "MCPSECURITY_MODEL_TEMPERATURE",
    **dict.fromkeys(("max_tokens", "max_completion_tokens", "max_output_tokens"), _LIMIT),
    "reasoning": "MCPSECURITY_MODEL_REASONING_EFFORT",
    "reasoning_effort": "MCPSECURITY_MODEL_REASONING_EFFORT",
}
"""Parameters that the chat leaves out when they are refused, and the settings that ask for them."""


async def check_model(
    session: aiohttp.ClientSession, settings: DoctorSettings, tls: ssl.SSLContext
) -> AsyncIterator[Finding]:
    """Ask each model one short question."""
    try:
        models = settings.check_models()
    except SettingsError as error:
        for line in str(error).splitlines():
            key, _, words = line.partition(": ")
            yield failed("model", f"The model cannot be asked: {words}.", key)
        return
    if not models:
        key = "AZURE_OPENAI_ENDPOINT or OPENAI_BASE_URL"
        yield skipped("model", "No model endpoint is configured here.", key)
    for name, model in models.items():
        finding = await _asked(session, model, tls)
        yield _of_list(name, finding) if settings.listed_models else finding


async def _asked(session: aiohttp.ClientSession, model: ModelSettings, tls: ssl.SSLContext) -> Finding:
    """Ask a model, and judge what it says."""
    try:
        headers = await _credential(model, tls)
        answer = await ask_model(session, model, headers)
    except NoTokenError as error:
        return failed("model", f"There is no token for the model: {error}.", error.setting)
    except UnreachableError as error:
        setting = "MCPSECURITY_CA_FILE" if error.is_trust else _address_key(model)
        return failed("model", f"The model does not answer: {error}.", setting)
    refused = answer.status_code != 200 or (not answer.answered and answer.kind not in _UNEXPLAINED)
    if refused:
        finding = _judge_refusal(model, answer)
        return await _with_names(session, model, headers, finding) if answer.kind == "no_model" else finding
    finding = _judge_answer(model, answer)
    if finding.status is not Status.OK or model.endpoint.is_openais:
        return finding
    return _judge_window(model, finding, (await read_lists(session, model, headers)).told.window)


async def _with_names(
    session: aiohttp.ClientSession, model: ModelSettings, headers: dict[str, str], finding: Finding
) -> Finding:
    """Add the names that the endpoint lists; Azure lists models that need no deployment."""
    listed = None if model.endpoint.azure else await read_lists(session, model, headers)
    if listed is None or not listed.names:
        return finding
    return replace(finding, message=f"{finding.message} There are: {listed.like(model.model_name)}.")


def _judge_window(model: ModelSettings, finding: Finding, window: int | None) -> Finding:
    """Judge how much the model reads for one answer, as its endpoint tells; `finding` is that it answers."""
    if window is None:
        return finding
    message = f"{finding.message} It reads {window} tokens for one answer."
    if model.context_window is not None and model.context_window > window:
        message += f" The chat would send it up to {model.context_window}."
        return warning("model", message, _WINDOW)
    if model.max_output_tokens is not None and model.max_output_tokens >= window:
        return warning("model", f"{message} An answer may not have as many.", _LIMIT)
    if window < _LITTLE:
        return warning("model", f"{message} {_FEW}", "the start of the model's server")
    return replace(finding, message=message)


def _of_list(name: str, finding: Finding) -> Finding:
    """Return the findings for a model of WEBCLIENT_MODELS, with its name and that setting."""
    setting = f"WEBCLIENT_MODELS, {name}: {in_members(finding.setting)}" if finding.setting else ""
    return replace(finding, message=f"{name}: {finding.message}", setting=setting)


async def _credential(model: ModelSettings, tls: ssl.SSLContext) -> dict[str, str]:
    """Return the headers that say who asks: those of the key, of the settings, or of the chat's token."""
    if model.model_key is not None:
        bearer = {"Authorization": f"Bearer {model.model_key}"}
        return ({"api-key": model.model_key} if model.endpoint.azure else bearer) | model.headers
    if not model.uses_identity:
        return model.headers
    try:
        from mcpsecurity_server.doctor.model_identity import token_of  # noqa: PLC0415 - azure-identity is an extra
    except ModuleNotFoundError as error:
        setting = "AZURE_OPENAI_API_KEY, or pip install 'mcpsecurity[webclient]'"
        raise NoTokenError("azure-identity is not installed", setting) from error
    token = await token_of(model.token_scope, tls, model.azure_authority_host or "")
    return {"Authorization": f"Bearer {token}"} | model.headers


def _judge_answer(model: ModelSettings, answer: ModelAnswer) -> Finding:
    """Judge a status of 200."""
    name, way = model.model_name, _WAYS[answer.dialect.way]
    if not answer.answered and answer.message:
        return failed(
            "model", f"{name} breaks its answer off: {answer.message[:_SHOWN]!r}.", _name_key(model)
        )
    if not answer.answered:
        return failed(
            "model", f"What answers for {name} does not stream as OpenAI does.", _address_key(model)
        )
    named = f" as {answer.model}" if answer.model not in ("", name) else ""
    streaming = "streaming" if answer.streamed else "without streaming"
    message = f"{name} answers{named}, by {way}, with a tool, {streaming}, to {_caller(model)}."
    if not answer.streamed:
        message += " The chat shows each answer whole, at its end."
    if answer.dialect.way != answer.first_way:
        message += f" It refuses this by {_WAYS[answer.first_way]}, so the chat turns to {way}."
    if answer.calls_as_text:
        as_text = (
            f"{name} writes its tool calls as text, so that no tool is run: start its server with {_PARSER}."
        )
        return failed("model", as_text, _name_key(model))
    if answer.left_tool_out:
        message += (
            f" It read {answer.read} tokens, fewer than the tool has: its chat template leaves tools out, so "
            "that it calls none. Choose a model or a template with tools."
        )
        return warning("model", message, _name_key(model))
    if answer.only_thought:
        return warning("model", f"{message} {_ONLY_THOUGHT}", f"the start of the model's server, {_LIMIT}")
    left_out = sorted({_OPTIONS[path[0]] for path in answer.dialect.dropped if path[0] in _OPTIONS})
    if left_out:
        setting = ", ".join(left_out)
        return warning("model", f"{message} It refuses {setting}; the chat leaves it out.", setting)
    if (sent := model.reasoning_effort) and (instead := answer.dialect.effort_for(sent)) != sent:
        message += f" It does not know the effort {sent}; the chat asks for {instead}."
        return warning("model", message, "MCPSECURITY_MODEL_REASONING_EFFORT")
    return ok("model", message)


def _judge_refusal(model: ModelSettings, answer: ModelAnswer) -> Finding:
    """Judge every other status."""
    name, status, said = model.model_name, answer.status_code, _said(model, answer)
    words = f": {said!r}" if said else ""
    match answer.kind:
        case "network":
            return failed(
                "model", f"The model's network refuses this machine: {said!r}.", "its network rules"
            )
        case "credentials":
            message = f"The model refuses {_caller(model)} ({status}){words}."
            return failed("model", message, _caller_key(model, said))
        case "no_model":
            kind = "deployment" if model.endpoint.azure else "model"
            return failed("model", f"There is no {kind} {name}.", _name_key(model))
        case "no_quota":
            return failed("model", "The model's account has no credit left.", "the account's billing")
        case "no_tools":
            return failed(
                "model", f"{name} takes no tools, which the chat offers it{words}.", _name_key(model)
            )
        case "too_long" if not (model.max_output_tokens and "max_" in said):
            message = (
                f"{name} reads too little for a short question{words}. Its server has to let it read more."
            )
            return failed("model", message, _name_key(model))
        case "loading":
            return warning("model", f"{name} is still being loaded. Ask again in a moment.", _name_key(model))
        case "busy":
            return warning("model", "The model has no quota left just now.", "the deployment's quota")
    return _judge_other(model, answer, said)


def _judge_other(model: ModelSettings, answer: ModelAnswer, said: str) -> Finding:
    """Judge a refusal that neither its words nor its codes explain."""
    name, status = model.model_name, answer.status_code
    if status == 404 or answer.code in ("404", "BadRequest"):
        words = f" {answer.code}" if answer.code else ""
        message = f"The endpoint does not know this address or API version ({status}{words})."
        more = f", {_API}" if model.model_api != "auto" else ""
        return failed("model", message, _address_key(model) + _version_key(model) + more)
    if model.max_output_tokens and "max_" in said:
        return failed("model", f"{name} refuses the limit of an answer ({status}): {said!r}.", _LIMIT)
    if status in (400, 422) and not said:
        return failed("model", f"What refuses this is no model's endpoint ({status}).", _address_key(model))
    if status in (400, 422):
        message = (
            f"{name} refuses a question with a tool, streamed, by {_WAYS[answer.dialect.way]}: {said!r}."
        )
        more = f", {_API}" if answer.dialect.fixed else ""
        return failed("model", message, _name_key(model) + _version_key(model) + more)
    words = f": {said!r}" if said else ""
    more = f", {_name_key(model)}" if status == _FAULT and said else ""
    if not said and model.model_key is None and not (model.uses_identity or model.headers):
        words, more = f" to {_caller(model)}", f", {_caller_key(model, said)}"  # LiteLLM without a database
    return failed("model", f"The model answers {status}{words}.", _address_key(model) + more)


def _said(model: ModelSettings, answer: ModelAnswer) -> str:
    """Return the provider's words, shortened, without the key that they may repeat."""
    said = answer.message.replace(model.model_key, "…") if model.model_key else answer.message
    return said[:_SHOWN]


def _caller(model: ModelSettings) -> str:
    """Return in words who asks."""
    if model.model_key is not None:
        return "the key"
    if model.uses_identity:
        return f"the token for {model.token_scope}"
    return "the headers that are set" if model.headers else "a question without a key"


def _caller_key(model: ModelSettings, said: str) -> str:
    """Return the settings of who asks; API Management wants its subscription's key in a header of its own."""
    subscription = "subscription key" in said.lower()
    if model.uses_identity:
        return f"{_ROLE}, {_HEADERS}" if subscription else _ROLE
    key = "AZURE_OPENAI_API_KEY" if model.azure_openai_endpoint else "OPENAI_API_KEY"
    return f"{key}, {_HEADERS}" if model.headers or subscription else key


def _address_key(model: ModelSettings) -> str:
    return "AZURE_OPENAI_ENDPOINT" if model.azure_openai_endpoint else "OPENAI_BASE_URL"


def _name_key(model: ModelSettings) -> str:
    return "AZURE_OPENAI_CHAT_DEPLOYMENT_NAME" if model.azure_openai_endpoint else "OPENAI_CHAT_MODEL_ID"


def _version_key(model: ModelSettings) -> str:
    return ", AZURE_OPENAI_API_VERSION" if model.azure_openai_endpoint else ""
