"""The doctor asks a model as the chat does: by its API, with a tool, streaming, and follows its refusals."""

from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from tests.server.doctor.doctoring import find, settings_of
from tests.server.doctor.endpoints import (
    NOWHERE,
    Body,
    chat_answer,
    error,
    events,
    openai_finding,
    response_answer,
    standing_in,
)
from tests.support.partner import refusing
from tests.support.partners import PARTNERS

from mcpsecurity.localcloud import LocalCloud
from mcpsecurity_server.doctor import Finding, Status, examine

TOOLS_BY_RESPONSES = (
    "Function tools with reasoning_effort are not supported for gpt-5.6 in /v1/chat/completions. To use "
    "function tools, use /v1/responses or set reasoning_effort to 'none'."
)


async def _azure(cloud: LocalCloud, url: str, **changes: Any) -> Finding:
    values = {"azure_openai_endpoint": url, "deployment": "m", "azure_openai_api_key": "k"} | changes
    return await find("model", settings_of(cloud, NOWHERE, **values))


@pytest.mark.parametrize("version", [None, "2024-10-21"])
@pytest.mark.parametrize("deployment", ["offline-model", "offline-reasoning", "offline-vision"])
async def test_every_deployment_of_the_local_cloud_is_well(
    healthy_cloud: LocalCloud, deployment: str, version: str | None
) -> None:
    settings = settings_of(healthy_cloud, NOWHERE, deployment=deployment, azure_openai_api_version=version)
    found = await find("model", settings)
    assert found.status is Status.OK, found
    way = "Chat Completions (dated API)" if version else "Responses"
    if version and deployment == "offline-reasoning":
        assert (
            "It refuses this by Chat Completions (dated API), so the chat turns to Responses."
            in found.message
        )
        way = "Responses"
    assert f"{deployment} answers, by {way}, with a tool, streaming, to the key." in found.message


async def test_the_local_cloud_is_well_as_an_endpoint_that_is_compatible_with_openai(
    healthy_cloud: LocalCloud,
) -> None:
    url, key = f"{healthy_cloud.authority}/openai/v1", healthy_cloud.openai_api_key
    found = await openai_finding(healthy_cloud, url, openai_model="offline-reasoning", openai_api_key=key)
    assert found.status is Status.OK, found
    assert "so the chat turns to Responses" in found.message


async def test_a_question_has_a_tool_streams_and_carries_what_is_set(healthy_cloud: LocalCloud) -> None:
    async with standing_in(lambda *_: chat_answer("qwen3:8b")) as (url, asked):
        found = await openai_finding(
            healthy_cloud,
            url,
            openai_api_key="k",
            model_headers={"X-Team": "a"},
            temperature=0.0,
            reasoning_effort="low",
            max_output_tokens=99,
        )
    assert found.status is Status.OK, found
    assert found.message.startswith("m answers as qwen3:8b, by Chat Completions, with a tool")
    ((path, body, headers),) = asked
    assert path == "/v1/chat/completions"
    assert (headers["Authorization"], headers["X-Team"]) == ("Bearer k", "a")
    assert body["stream"] is True
    assert body["tools"][0]["function"]["name"]
    assert (body["temperature"], body["reasoning_effort"], body["max_tokens"]) == (0.0, "low", 99)


async def test_each_model_of_a_list_is_asked(healthy_cloud: LocalCloud) -> None:
    def answer(path: str, _: Body) -> web.Response:
        return response_answer() if path.endswith("/responses") else error(401, "No.")

    async with standing_in(answer) as (url, _):
        models = [
            {"name": "good", "endpoint": url, "key": "k"},
            {"name": "bad", "base_url": f"{url}/v1", "key": "k"},
        ]
        examined = await examine(settings_of(healthy_cloud, NOWHERE, listed_models=models))
    good, bad = (finding for finding in examined if finding.check == "model")
    assert (good.status, good.message[:20]) == (Status.OK, "good: good answers a")
    assert (bad.status, bad.setting) == (Status.FAILED, "WEBCLIENT_MODELS, bad: key")
    assert bad.message == "bad: The model refuses the key (401): 'No.'."


async def test_a_wrong_list_of_models_is_a_finding(healthy_cloud: LocalCloud) -> None:
    found = await find("model", settings_of(healthy_cloud, NOWHERE, listed_models=[{"name": "m"}]))
    assert (found.status, found.setting) == (Status.FAILED, "WEBCLIENT_MODELS")


async def test_without_a_key_none_is_sent(healthy_cloud: LocalCloud) -> None:
    async with standing_in(lambda *_: chat_answer()) as (url, asked):
        assert (await openai_finding(healthy_cloud, url)).status is Status.OK
    assert not {"Authorization", "api-key"} & set(asked[0][2])


async def test_azures_v1_api_and_its_dated_api_get_the_key_in_their_header(healthy_cloud: LocalCloud) -> None:
    def answer(path: str, _: Body) -> web.Response:
        return response_answer() if path.endswith("/responses") else chat_answer()

    async with standing_in(answer) as (url, asked):
        assert (await _azure(healthy_cloud, url)).status is Status.OK
        dated = await _azure(healthy_cloud, url, azure_openai_api_version="2024-12-01-preview")
        assert dated.status is Status.OK
    paths = [path for path, _, _ in asked]
    assert paths == [
        "/openai/v1/responses",
        "/openai/deployments/m/chat/completions?api-version=2024-12-01-preview",
    ]
    assert all(headers["api-key"] == "k" and "Authorization" not in headers for _, _, headers in asked)


async def test_a_refusal_that_names_the_other_api_is_followed_and_told(healthy_cloud: LocalCloud) -> None:
    def answer(path: str, _: Body) -> web.Response:
        if path.endswith("/responses"):
            return response_answer("gpt-5.6")
        return error(400, TOOLS_BY_RESPONSES, param="reasoning_effort")

    async with standing_in(answer) as (url, asked):
        found = await openai_finding(healthy_cloud, url)
    assert found.status is Status.OK, found
    assert "It refuses this by Chat Completions, so the chat turns to Responses." in found.message
    assert [path for path, _, _ in asked] == ["/v1/chat/completions", "/v1/responses"]


async def test_an_api_that_is_set_is_the_only_one_that_is_asked(healthy_cloud: LocalCloud) -> None:
    async with standing_in(lambda *_: error(404, "no such path")) as (url, asked):
        found = await _azure(healthy_cloud, url, model_api="responses")
    assert found.status is Status.FAILED
    assert "MCPSECURITY_MODEL_API" in found.setting
    assert [path for path, _, _ in asked] == ["/openai/v1/responses"]


async def test_an_option_that_is_refused_is_a_warning_that_names_its_setting(
    healthy_cloud: LocalCloud,
) -> None:
    def answer(_: str, body: Body) -> web.Response:
        if "temperature" in body:
            text = "Unsupported parameter: 'temperature' is not supported with this model."
            return error(400, text, param="temperature", code="unsupported_parameter")
        return response_answer()

    async with standing_in(answer) as (url, _):
        found = await _azure(healthy_cloud, url, temperature=0.3)
    assert (found.status, found.setting) == (Status.WARNING, "MCPSECURITY_MODEL_TEMPERATURE")


REFUSALS: list[tuple[Body, Status, str, str]] = [
    ({"status": 401, "message": "Incorrect API key"}, Status.FAILED, "refuses the key", "OPENAI_API_KEY"),
    (
        {"status": 403, "message": "Access denied due to Virtual Network/Firewall rules."},
        Status.FAILED,
        "network refuses this machine",
        "its network rules",
    ),
    ({"status": 404, "message": "model 'm' not found"}, Status.FAILED, "no model m", "OPENAI_CHAT_MODEL_ID"),
    (
        {"status": 404, "message": "The model `m` does not exist.", "code": "model_not_found"},
        Status.FAILED,
        "no model m",
        "OPENAI_CHAT_MODEL_ID",
    ),
    ({"status": 404, "message": "404 page"}, Status.FAILED, "does not know this address", "OPENAI_BASE_URL"),
    (
        {"status": 400, "message": "gemma does not support tools"},
        Status.FAILED,
        "m takes no tools, which the chat offers it: 'gemma does not support tools'",
        "OPENAI_CHAT_MODEL_ID",
    ),
    (
        {"status": 404, "message": "No endpoints found that support tool use."},
        Status.FAILED,
        "m takes no tools",
        "OPENAI_CHAT_MODEL_ID",
    ),
    (
        {"status": 400, "message": "the request exceeds the available context size"},
        Status.FAILED,
        "reads too little",
        "OPENAI_CHAT_MODEL_ID",
    ),
    (
        {"status": 400, "message": "max_tokens: 100000 > 8192"},
        Status.FAILED,
        "refuses the limit of an answer (400)",
        "MCPSECURITY_MODEL_MAX_OUTPUT_TOKENS",
    ),
    (
        {"status": 401, "message": "Access denied due to missing subscription key."},
        Status.FAILED,
        "(401): 'Access denied due to missing subscription key.'",
        "OPENAI_API_KEY, MCPSECURITY_MODEL_HEADERS",
    ),
    (
        {"status": 401, "message": "Received: secret-key"},
        Status.FAILED,
        "(401): 'Received: …'",
        "OPENAI_API_KEY",
    ),
    (
        {"status": 500, "message": "model requires more system memory"},
        Status.FAILED,
        "answers 500: 'model requires more system memory'",
        "OPENAI_BASE_URL, OPENAI_CHAT_MODEL_ID",
    ),
    (
        {"status": 503, "message": "Loading model"},
        Status.WARNING,
        "still being loaded",
        "OPENAI_CHAT_MODEL_ID",
    ),
    ({"status": 400, "message": ""}, Status.FAILED, "no model's endpoint (400)", "OPENAI_BASE_URL"),
    ({"status": 429, "message": "slow down"}, Status.WARNING, "no quota left", "the deployment's quota"),
    (
        {"status": 429, "message": "You exceeded your quota", "code": "insufficient_quota"},
        Status.FAILED,
        "no credit left",
        "the account's billing",
    ),
    ({"status": 503, "message": "busy"}, Status.FAILED, "answers 503", "OPENAI_BASE_URL"),
    ({"status": 301, "message": "moved"}, Status.FAILED, "answers 301", "OPENAI_BASE_URL"),
]  # fmt: skip


@pytest.mark.parametrize(("refusal", "status", "words", "setting"), REFUSALS, ids=str)
async def test_a_refusal_names_the_setting_to_change(
    healthy_cloud: LocalCloud, refusal: Body, status: Status, words: str, setting: str
) -> None:
    async with standing_in(lambda *_: error(**refusal)) as (url, _):
        found = await openai_finding(healthy_cloud, url, openai_api_key="secret-key", max_output_tokens=99)
    assert (found.status, found.setting) == (status, setting), found
    assert words in found.message


async def test_a_fault_without_words_may_be_of_a_key_that_is_missing(healthy_cloud: LocalCloud) -> None:
    """LiteLLM 1.108.7 without a database answers so."""

    def fails(*_: Any) -> web.Response:
        return web.Response(status=500, text="Internal Server Error")

    async with standing_in(fails) as (url, _):
        found = await openai_finding(healthy_cloud, url)
        known = await openai_finding(healthy_cloud, url, openai_api_key="secret-key")
    assert "answers 500 to a question without a key" in found.message
    assert (found.setting, known.setting) == ("OPENAI_BASE_URL, OPENAI_API_KEY", "OPENAI_BASE_URL")


async def test_an_effort_that_a_deployment_does_not_know_is_named(healthy_cloud: LocalCloud) -> None:
    def knows_high(_: str, body: Body) -> web.Response:
        if body["reasoning_effort"] == "high":
            return chat_answer()
        return error(400, "`reasoning_effort` must be one of `low`, `medium`, or `high`")

    async with standing_in(knows_high) as (url, _):
        found = await openai_finding(healthy_cloud, url, reasoning_effort="xhigh")
    assert (found.status, found.setting) == (Status.WARNING, "MCPSECURITY_MODEL_REASONING_EFFORT")
    assert "It does not know the effort xhigh; the chat asks for high." in found.message


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda: web.Response(text="<html>Welcome</html>", content_type="text/html"), "does not stream"),
        (lambda: web.json_response({"answer": "ok"}), "does not stream"),
        (lambda: web.json_response({"choices": []}), "does not stream"),
        (lambda: web.json_response([1]), "does not stream"),
        (lambda: events({"error": {"message": "no \x1b[31m GPU"}}), "breaks its answer off: 'no  [31m GPU'"),
        (
            lambda: events({"type": "response.failed", "response": {"error": {"message": "no GPU"}}}),
            "breaks its answer off: 'no GPU'",
        ),
        (
            lambda: events({"error": {"message": "loaded with context length of only 9 tokens"}}),
            "reads too little",
        ),
    ],
)  # fmt: skip
async def test_an_answer_that_is_none_is_a_failure(
    healthy_cloud: LocalCloud, answer: Callable[[], web.Response], words: str
) -> None:
    async with standing_in(lambda *_: answer()) as (url, _):
        found = await openai_finding(healthy_cloud, url)
    assert found.status is Status.FAILED
    assert words in found.message


@pytest.mark.parametrize(
    "event",
    [
        lambda text: {"choices": [{"delta": {"content": text}}]},
        lambda text: {"type": "response.output_text.delta", "delta": text},
    ],
)
async def test_calls_that_are_written_as_text_are_a_failure(
    healthy_cloud: LocalCloud, event: Callable[[str], Body]
) -> None:
    def answer(_: str, body: Body) -> web.Response:
        (tool,) = body["tools"]
        name = tool.get("function", tool)["name"]
        pieces = ["<tool_", 'call>{"name": "', name, '", "arguments": {}}']
        return events(*map(event, pieces), {"type": "response.completed", "response": {}, "choices": [{}]})

    async with standing_in(answer) as (url, _):
        found = await openai_finding(healthy_cloud, url)
    assert (found.status, found.setting) == (Status.FAILED, "OPENAI_CHAT_MODEL_ID")
    assert "--tool-call-parser" in found.message


@pytest.mark.parametrize(
    "body",
    [
        {"model": "m2", "choices": [{"message": {"content": "ok"}}]},
        {"model": "m2", "choices": [{"message": {"content": [{"type": "text", "text": "ok"}]}}]},
        {"model": "m2", "choices": ["odd"]},
        {"model": "m2", "output": [{"type": "message", "content": [{"type": "output_text", "text": "ok"}]}]},
        {"model": "m2", "output": "odd"},
    ],
)
async def test_an_answer_that_comes_whole_is_one_without_streaming(
    healthy_cloud: LocalCloud, body: Body
) -> None:
    async with standing_in(lambda *_: web.json_response(body)) as (url, _):
        found = await openai_finding(healthy_cloud, url)
    assert found.status is Status.OK
    assert "m answers as m2, by Chat Completions, with a tool, without streaming" in found.message


async def test_a_call_that_a_whole_answer_writes_as_text_is_a_failure(healthy_cloud: LocalCloud) -> None:
    text = '<tool_call>{"name": "Tools-get_current_date_time", "arguments": {}}'
    answer = {"choices": [{"message": {"content": text}}]}
    async with standing_in(lambda *_: web.json_response(answer)) as (url, _):
        found = await openai_finding(healthy_cloud, url)
    assert (found.status, found.setting) == (Status.FAILED, "OPENAI_CHAT_MODEL_ID")


async def test_each_setting_that_is_missing_is_a_finding(healthy_cloud: LocalCloud) -> None:
    found = await openai_finding(healthy_cloud, "https://models.example/v1")
    assert (found.status, found.setting) == (Status.FAILED, "OPENAI_API_KEY")
    both = await openai_finding(
        healthy_cloud, "http://localhost:1", azure_openai_endpoint="https://localhost:2"
    )
    assert (both.status, both.setting) == (Status.FAILED, "AZURE_OPENAI_ENDPOINT")


async def test_what_people_use_beside_azure_is_well(healthy_cloud: LocalCloud) -> None:
    for partner in PARTNERS:
        async with TestServer(partner.app(), host="127.0.0.1") as server:
            url = str(server.make_url("")).rstrip("/") + partner.base
            if partner.azure:
                found = await _azure(healthy_cloud, url, max_output_tokens=99)
            else:
                found = await openai_finding(healthy_cloud, url, openai_api_key="k", max_output_tokens=99)
        assert found.status is Status.OK, (partner.name, found)


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (400, {"error": {"message": "gemma2 does not support tools"}}, "gemma2 does not support tools"),
        (400, {"object": "error", "message": '"auto" tool choice requires --x'}, "tool choice requires --x"),
        (500, {"error": {"code": 500, "message": "tools param requires --jinja flag"}}, "requires --jinja"),
        (400, [{"error": {"code": 400, "message": "API key not valid."}}], "The model refuses the key (400)"),
        (422, {"detail": [{"loc": ["body", "tools"], "msg": "not permitted"}]}, "not permitted"),
        (200, {"error": "Unexpected endpoint or method."}, "Unexpected endpoint"),
    ],
)
async def test_a_providers_words_are_told_in_whichever_form_they_come(
    healthy_cloud: LocalCloud, status: int, body: Any, said: str
) -> None:
    async with TestServer(refusing(status, body).app(), host="127.0.0.1") as server:
        found = await openai_finding(healthy_cloud, str(server.make_url("/v1")), openai_api_key="k")
    assert (found.status, said in found.message) == (Status.FAILED, True), found
