"""Calls a tool over a number of connections for a while: with wrk if there is one, else with aiohttp.

python -m tests.benchmarks.load        # reads the order as JSON from stdin, and is started by `measured`
"""

import asyncio
import json
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp
from tests.benchmarks.processes import Client

__all__ = ["CALL", "PARAMS", "Load", "call_of", "generator", "is_good", "is_whole", "measured", "posted"]

PARAMS = {"name": "get_random_number", "arguments": {"min": 1, "max": 6}}
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": PARAMS}


_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


class Load(NamedTuple):
    """What a load of calls met: answers, of them per second, and milliseconds to one."""

    calls: int
    rate: float
    p50: float
    p99: float
    failures: int


def call_of(client: Client) -> dict[str, Any]:
    """Return the call that a caller makes."""
    if client.meta is None:
        return CALL
    return CALL | {"params": {**PARAMS, "_meta": client.meta}}


def posted(client: Client, message: Mapping[str, Any]) -> bytes:
    """Return the request that carries a message, as it goes over the wire."""
    parts = urlsplit(client.url)
    body = json.dumps(message, separators=(",", ":")).encode()
    lines = {"Host": parts.netloc, **client.headers, "Content-Length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {parts.path} HTTP/1.1\r\n{head}\r\n".encode() + body


def is_whole(answer: bytes) -> bool:
    """Tell whether all of an answer is there: the head, and as much of a body as that says."""
    head, found, body = answer.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return bool(found) and len(body) >= (int(length[1]) if length else 0)


def is_good(answer: bytes) -> bool:
    """Tell whether an answer is that of a call that went well."""
    return answer.startswith(b"HTTP/1.1 200 ") and b'"isError":false' in answer.replace(b" ", b"")


def generator() -> str:
    """Return the name of the program that makes the load."""
    return "wrk" if shutil.which("wrk") else "aiohttp"


async def measured(client: Client, *, connections: int, seconds: int) -> Load:
    """Make the load in a process of its own, on the cores of this one."""
    if generator() == "wrk":
        return await _wrk(client, connections, seconds)
    order = {**client._asdict(), "connections": connections, "seconds": seconds}
    output = await _run([sys.executable, "-m", "tests.benchmarks.load"], json.dumps(order).encode())
    return Load(**json.loads(output))


_WRK_LATENCY = re.compile(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s)\s*$", re.MULTILINE)
_MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


async def _wrk(client: Client, connections: int, seconds: int) -> Load:
    """Every connection of wrk numbers its calls: no session allows an id that is in use."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "call.lua"
        script.write_text(_lua(client))
        command = [
            "wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "--latency", "-s", str(script),
            client.url,
        ]  # fmt: skip
        text = (await _run(command, b"")).decode()
    latency = {share: float(value) * _MILLISECONDS[unit] for share, value, unit in _WRK_LATENCY.findall(text)}
    calls, rate = re.search(r"(\d+) requests in", text), re.search(r"Requests/sec:\s+([\d.]+)", text)
    if calls is None or rate is None or latency.keys() != {"50", "99"}:
        raise RuntimeError(f"wrk says: {text}")
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    failures = int(bad[1]) if bad else 0
    return Load(int(calls[1]), float(rate[1]), latency["50"], latency["99"], failures)


def _lua(client: Client) -> str:
    headers = client.headers
    body = json.dumps(call_of(client), separators=(",", ":")).replace('"id":1', '"id":%d')
    lines = [f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in headers.items()]
    return "\n".join(
        [
            'wrk.method = "POST"',
            *lines,
            "local number = 0",
            "function request()",
            "  number = number + 1",
            f"  return wrk.format(nil, nil, nil, string.format({json.dumps(body)}, number))",
            "end",
        ]
    )


async def _run(command: list[str], order: bytes) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate(order)
    if process.returncode:
        raise RuntimeError(f"{command[0]} has ended with code {process.returncode}")
    return output


async def _call(client: Client, connections: int, seconds: int) -> Load:
    """Call with aiohttp. Slower than wrk: the fastest servers wait for it."""
    took: list[float] = []
    failures = 0
    ends = time.perf_counter() + seconds

    async def caller(http: aiohttp.ClientSession, number: int) -> None:
        nonlocal failures
        count = 0
        while (started := time.perf_counter()) < ends:
            count += 1
            body = json.dumps(call_of(client) | {"id": f"{number}-{count}"})
            async with http.post(client.url, data=body, headers=client.headers) as response:
                text = await response.text()
            failures += response.status != 200 or '"isError":false' not in text.replace(" ", "")
            took.append((time.perf_counter() - started) * 1000)

    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(connector=connector) as http, asyncio.TaskGroup() as group:
        for number in range(connections):
            group.create_task(caller(http, number))
    took.sort()
    return Load(len(took), len(took) / seconds, took[len(took) // 2], took[len(took) * 99 // 100], failures)


if __name__ == "__main__":
    order = json.load(sys.stdin)
    target = Client(order["url"], order["headers"], order["meta"])
    print(json.dumps(asyncio.run(_call(target, order["connections"], order["seconds"]))._asdict()))
