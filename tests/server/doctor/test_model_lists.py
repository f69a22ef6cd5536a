"""The doctor says which models there are, how much one reads, whether it saw the tool, and if it speaks."""

from typing import Any

import pytest
from tests.server.doctor.endpoints import Body, chat_answer, error, events, openai_finding, standing_in

from mcpsecurity.localcloud import LocalCloud
from mcpsecurity_server.doctor import Status

NAMES = {"data": [{"id": "qwen3:8b"}, {"id": "qwen3:30b"}, *({"id": f"other-{n}"} for n in range(9))]}
ODD_NAMES = {"data": [{"id": "a\x1b[31m\n" + "x" * 99}]}


@pytest.mark.parametrize(
    ("lists", "words"),
    [
        (
            {"/v1/models": NAMES},
            "no model qwen3:8. There are: qwen3:8b, qwen3:30b, other-0, other-1, other-2 and 6 more.",
        ),
        ({"/v1/models": ODD_NAMES}, "There are: a [31m " + "x" * 73 + "."),
        ({"/api/ps": {"models": [{"name": "qwen3:8b"}]}}, "There is no model qwen3:8."),
        ({}, "There is no model qwen3:8."),
    ],
)
async def test_a_model_that_is_not_there_is_told_with_those_that_are(
    healthy_cloud: LocalCloud, lists: dict[str, Any], words: str
) -> None:
    async with standing_in(lambda *_: error(404, "model 'qwen3:8' not found"), lists) as (url, _):
        found = await openai_finding(healthy_cloud, f"{url}/v1", openai_model="qwen3:8")
    assert (found.status, found.setting) == (Status.FAILED, "OPENAI_CHAT_MODEL_ID")
    assert found.message.endswith(words), found.message


@pytest.mark.parametrize(
    ("window", "changes", "status", "words", "setting"),
    [
        (32_768, {}, Status.OK, "It reads 32768 tokens for one answer.", ""),
        (
            4_096,
            {},
            Status.WARNING,
            "4096 tokens for one answer. Tools and",
            "the start of the model's server",
        ),
        (
            16_384,
            {"context_window": 32_768},
            Status.WARNING,
            "would send it up to 32768",
            "MCPSECURITY_MODEL_CONTEXT_WINDOW",
        ),
        (32_768, {"context_window": 16_384}, Status.OK, "It reads 32768", ""),
        (
            16_384,
            {"max_output_tokens": 20_000},
            Status.WARNING,
            "may not have as many",
            "MCPSECURITY_MODEL_MAX_OUTPUT_TOKENS",
        ),
    ],
)
async def test_how_much_the_model_reads_is_told_where_its_endpoint_tells_it(
    healthy_cloud: LocalCloud, window: int, changes: dict[str, Any], status: Status, words: str, setting: str
) -> None:
    lists = {"/v1/models": {"data": [{"id": "m", "meta": {"n_ctx": window}}]}}
    async with standing_in(lambda *_: chat_answer(), lists) as (url, _):
        found = await openai_finding(healthy_cloud, f"{url}/v1", **changes)
    assert (found.status, found.setting) == (status, setting), found
    assert words in found.message


@pytest.mark.parametrize(("read", "status"), [(34, Status.WARNING), (218, Status.OK), (None, Status.OK)])
async def test_a_template_that_leaves_tools_out_is_found_by_what_the_model_read(
    healthy_cloud: LocalCloud, read: int | None, status: Status
) -> None:
    """llama.cpp b11549 answers a question with tools for SmolLM2, whose template has none, as one without:
    34 tokens. vLLM 0.32.0 counts 218 where the template shows a tool of this size."""
    usage = {"choices": [], "usage": {"prompt_tokens": read, "completion_tokens": 2}}
    chunk = {"choices": [{"delta": {"content": "ok"}}]}
    async with standing_in(lambda *_: events(chunk, usage)) as (url, _):
        found = await openai_finding(healthy_cloud, f"{url}/v1")
    assert found.status is status
    assert ("It read 34 tokens, fewer than the tool has" in found.message) is (status is Status.WARNING)


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ([], Status.WARNING),
        ([{"choices": [{"delta": {"content": "ok"}}]}], Status.OK),
        ([{"choices": [{"delta": {"tool_calls": [{"index": 0}]}}]}], Status.OK),
    ],
    ids=["nothing more", "text", "a call"],
)
async def test_a_model_that_only_thinks_is_found(
    healthy_cloud: LocalCloud, more: list[Body], status: Status
) -> None:
    """As vLLM 0.32.0 streams it, with the parser of another model's thoughts."""
    thought = {"choices": [{"delta": {"content": None, "reasoning": "It is Monday. ok"}}]}
    async with standing_in(lambda *_: events(thought, *more)) as (url, _):
        found = await openai_finding(healthy_cloud, url)
    assert (found.status, "It only thought" in found.message) == (status, status is Status.WARNING)
