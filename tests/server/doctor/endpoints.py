"""Stand-ins for the endpoints of models, and what the doctor finds there."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from types import MappingProxyType
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from tests.server.doctor.doctoring import find, settings_of

from mcpsecurity.localcloud import LocalCloud
from mcpsecurity_server.doctor import Finding

__all__ = [
    "NOWHERE",
    "Body",
    "Endpoint",
    "chat_answer",
    "error",
    "events",
    "openai_finding",
    "response_answer",
    "standing_in",
]

Body = dict[str, Any]
Endpoint = Callable[[str, Body], web.Response]
"""Answers a request to a path."""

NOWHERE = "http://localhost:1/mcp"


def error(status: int, message: str, *, code: str | None = None, param: str | None = None) -> web.Response:
    return web.json_response({"error": {"message": message, "code": code, "param": param}}, status=status)


def events(*bodies: Body, model: str = "m") -> web.Response:
    text = "".join(f"data: {json.dumps({'model': model} | body)}\n\n" for body in bodies)
    return web.Response(text=text, content_type="text/event-stream")


def chat_answer(model: str = "m") -> web.Response:
    """An answer by Chat Completions; Azure's first chunk has no choice."""
    return events({"choices": []}, {"choices": [{"delta": {"content": "ok"}}]}, model=model)


def response_answer(model: str = "m") -> web.Response:
    """An answer by Responses."""
    ends = {"type": "response.completed", "response": {"model": model}}
    return events({"type": "response.created", "response": {"model": model}}, ends)


@asynccontextmanager
async def standing_in(
    answer: Endpoint, lists: Mapping[str, Any] = MappingProxyType({})
) -> AsyncIterator[tuple[str, list[tuple[str, Body, Any]]]]:
    """Yield the address of a model's endpoint on loopback, and what it was asked: path, body, headers.

    `lists` has what it answers to GET.
    """
    asked: list[tuple[str, Body, Any]] = []

    async def hear(request: web.Request) -> web.Response:
        body = await request.json()
        asked.append((request.path_qs, body, request.headers))
        return answer(request.path, body)

    app = web.Application()
    app.router.add_post("/{path:.*}", hear)
    for path, listing in lists.items():
        app.router.add_get(path, partial(_listing, listing))
    async with TestServer(app, host="127.0.0.1") as server:
        yield str(server.make_url("")).rstrip("/"), asked


async def _listing(listing: Any, _: web.Request) -> web.Response:
    return web.json_response(listing)


async def openai_finding(cloud: LocalCloud, url: str, **changes: Any) -> Finding:
    """Look at a model that is no Azure's."""
    none = {"azure_openai_endpoint": None, "deployment": None, "azure_openai_api_key": None}
    values = none | {"openai_base_url": url, "openai_model": "m"} | changes
    return await find("model", settings_of(cloud, NOWHERE, **values))
