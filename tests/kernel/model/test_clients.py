"""What a request carries: keys, tokens, headers, and where it goes."""

import asyncio
import re
import ssl
from contextlib import suppress
from typing import Any

import pytest
from openai import APIConnectionError, APITimeoutError, DefaultAioHttpClient, DefaultAsyncHttpxClient
from semantic_kernel.exceptions import ServiceResponseException
from tests.kernel.model.conftest import Endpoint, Made, Refusal, asked_whole
from tests.support.ports import free_port

from mcpsecurity.kernel import ChatModel
from mcpsecurity.kernel.model import EndpointError

SENT = ("authorization", "api-key", "ocp-apim-subscription-key", "x-tenant")


async def _token() -> str:
    return "t"


@pytest.mark.parametrize("version", [None, "2024-12-01-preview"])
@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"key": "k"}, {"api-key": "k"}),
        ({"key": None, "bearer": _token}, {"authorization": "Bearer t"}),
        ({"key": None}, {}),
        (
            {"key": None, "headers": {"ocp-apim-subscription-key": "s"}},
            {"ocp-apim-subscription-key": "s"},
        ),
        ({"key": "k", "headers": {"x-tenant": "a"}}, {"api-key": "k", "x-tenant": "a"}),
    ],
)
async def test_azure_gets_the_key_or_the_token_in_its_own_header(
    endpoint: Endpoint, model_at: Made, options: dict[str, Any], sent: dict[str, str], version: str | None
) -> None:
    await asked_whole(model_at(api_version=version, **options))
    (asked,) = endpoint.asked
    assert {name: asked.headers[name] for name in SENT if name in asked.headers} == sent


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"key": "k"}, {"authorization": "Bearer k"}),
        ({"key": None}, {}),
        ({"key": None, "headers": {"authorization": "Basic x"}}, {"authorization": "Basic x"}),
    ],
)
async def test_other_servers_get_a_key_as_a_bearer(
    endpoint: Endpoint, model_at: Made, options: dict[str, Any], sent: dict[str, str]
) -> None:
    await asked_whole(model_at("/v1", azure=False, **options))
    (asked,) = endpoint.asked
    assert asked.path == "/v1/chat/completions"
    assert {name: asked.headers[name] for name in SENT if name in asked.headers} == sent


async def test_keys_of_the_environment_are_not_sent_elsewhere(
    endpoint: Endpoint, model_at: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN"):
        monkeypatch.setenv(name, "secret")
    for version in (None, "2024-10-21"):
        await asked_whole(model_at(key=None, api_version=version))
        await asked_whole(model_at(key=None, bearer=_token, api_version=version))
    await asked_whole(model_at("/v1", key=None, azure=False))
    assert not any("secret" in value for asked in endpoint.asked for value in asked.headers.values())


async def test_a_token_is_asked_for_each_time(endpoint: Endpoint, model_at: Made) -> None:
    tokens = iter("ab")

    async def renewed() -> str:
        return next(tokens)

    model = model_at(key=None, bearer=renewed)
    await asked_whole(model)
    await asked_whole(model)
    assert [asked.headers["authorization"] for asked in endpoint.asked] == ["Bearer a", "Bearer b"]


async def test_what_the_identity_raises_is_raised(model_at: Made) -> None:
    async def nobody() -> str:
        raise LookupError("nobody is signed in")

    with pytest.raises(LookupError, match="nobody"):
        await asked_whole(model_at(key=None, bearer=nobody))


@pytest.mark.parametrize(
    "url", ["http://models.example/v1", "https://portal.azure.com/x", "models", "ftp://x"]
)
def test_an_address_without_a_model_is_refused_with_what_to_write(url: str) -> None:
    with pytest.raises(EndpointError, match="write"):
        ChatModel.at(url, "m")


async def test_an_untrusted_certificate_is_told_as_no_connection(endpoint: Endpoint) -> None:
    url = endpoint.url.replace("http://", "https://")
    async with ChatModel.at(url, "m", key="k", tls=ssl.create_default_context()) as model:
        with pytest.raises(ServiceResponseException) as raised:
            await asked_whole(model)
    assert "Connection" in type(raised.value.__cause__).__name__


@pytest.mark.parametrize("make_http", [DefaultAsyncHttpxClient, DefaultAioHttpClient])
async def test_a_refused_connection_is_no_timeout(make_http: Any) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    async with ChatModel.at(url, "m", key="k", make_http=make_http) as model:
        with pytest.raises(ServiceResponseException) as raised:
            await asked_whole(model)
    assert type(raised.value.__cause__) is APIConnectionError


@pytest.mark.parametrize("make_http", [DefaultAsyncHttpxClient, DefaultAioHttpClient])
async def test_an_endpoint_that_says_nothing_is_a_timeout(make_http: Any) -> None:
    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(hear, "127.0.0.1") as silent:
        port = silent.sockets[0].getsockname()[1]
        url, options = f"http://127.0.0.1:{port}", {"timeout": 0.2, "make_http": make_http}
        async with ChatModel.at(url, "m", key="k", **options) as model:
            with pytest.raises(ServiceResponseException) as raised:
                await asked_whole(model)
    assert isinstance(raised.value.__cause__, APITimeoutError)


async def test_a_redirect_is_not_followed(endpoint: Endpoint, model_at: Made) -> None:
    endpoint.answers.append(Refusal(307, "elsewhere"))
    with pytest.raises(ServiceResponseException):
        await asked_whole(model_at())
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize("make_http", [DefaultAsyncHttpxClient, DefaultAioHttpClient])
async def test_the_companys_proxy_is_used_for_what_leaves_it_and_never_for_loopback(
    endpoint: Endpoint, model_at: Made, monkeypatch: pytest.MonkeyPatch, make_http: Any
) -> None:
    asked: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.close()

    async with await asyncio.start_server(proxy, "127.0.0.1") as company:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{company.sockets[0].getsockname()[1]}")
        await asked_whole(model_at("/v1", azure=False, make_http=make_http))
        assert (len(endpoint.asked), asked) == (1, []), "loopback is reached directly"
        for inner in ("", ".example"):
            monkeypatch.setenv("NO_PROXY", inner)
            monkeypatch.setenv("no_proxy", inner)
            url = "https://model.contoso.example/v1"
            async with ChatModel.at(url, "m", key="k", make_http=make_http) as model:
                with pytest.raises(ServiceResponseException):
                    await asked_whole(model)
            assert asked == [b"CONNECT model.contoso.example:443 HTTP/1.1\r\n"], "an inner host is not"


async def test_a_local_server_that_closes_connections_without_a_word_answers_each_request() -> None:
    """As llama.cpp b11549 streams: it names a time that it keeps the connection, and closes it at once."""
    head = (
        b"HTTP/1.1 200 OK\r\nServer: llama.cpp\r\nContent-Type: text/event-stream\r\n"
        b"Transfer-Encoding: chunked\r\nKeep-Alive: timeout=5, max=100\r\n\r\n"
    )
    event = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\ndata: [DONE]\n\n'
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(event), event)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", asked, re.IGNORECASE)
        assert length is not None
        await reader.readexactly(int(length[1]))
        once = re.search(rb"connection: close", asked, re.IGNORECASE) is not None
        writer.write(head.replace(b"Keep-Alive: timeout=5, max=100", b"Connection: close") if once else head)
        writer.write(body)
        await writer.drain()
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readexactly(1)  # the next request, or the end of the connection
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with server, ChatModel.at(url, "m", make_http=DefaultAioHttpClient) as model:
        for _ in range(3):
            assert str(await asked_whole(model)) == "Hi"
