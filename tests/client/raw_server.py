"""A server with the stdio transport that writes what it likes."""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any


def write(line: bytes) -> None:
    os.write(1, line + b"\n")


def send(**message: Any) -> None:
    write(json.dumps({"jsonrpc": "2.0"} | message).encode())


def result(request: dict[str, Any], text: str) -> None:
    send(id=request["id"], result={"content": [{"type": "text", "text": text}]})


def receive() -> dict[str, Any]:
    line = sys.stdin.buffer.readline()
    if not line:
        sys.exit()
    message: dict[str, Any] = json.loads(line)
    return message


def noise(request: dict[str, Any]) -> None:
    for line in (b"hello", b"\xff\xfe", b"{cut", b"", b'{"jsonrpc": "2.0"}'):
        write(line)
    result(request, "after the noise")


def unasked(request: dict[str, Any]) -> None:
    send(id=99_999, result={})
    send(id="x", error={"code": 1, "message": "no"})
    result(request, "the answer")
    result(request, "again")


def questions(request: dict[str, Any]) -> None:
    form = {"message": "Sure?", "requestedSchema": {"type": "object", "properties": {}}}
    for _ in range(2):
        send(id=7, method="elicitation/create", params=form)
    send(id=8, method="roots/list")
    send(id=9, method="ping")
    answers = sorted((receive() for _ in range(4)), key=lambda answer: int(answer["id"]))
    result(request, json.dumps(answers))


def ask_and_go_on(request: dict[str, Any]) -> None:
    form = {"message": "Sure?", "requestedSchema": {"type": "object", "properties": {}}}
    send(id=7, method="elicitation/create", params=form)
    result(request, "did not wait")


def parse_error(_: dict[str, Any]) -> None:
    send(id=None, error={"code": -32700, "message": "Parse error"})


def close_input(request: dict[str, Any]) -> None:
    os.close(0)
    result(request, "closed")
    time.sleep(600)


def leave_behind(request: dict[str, Any]) -> None:
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
    Path(request["params"]["arguments"]["file"]).write_text(str(child))
    os._exit(0)


def deaf(request: dict[str, Any]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    result(request, str(os.getpid()))
    time.sleep(600)


TOOLS = (noise, unasked, questions, ask_and_go_on, parse_error, close_input, leave_behind, deaf)


def serve() -> None:
    while True:
        request = receive()
        if request.get("method") == "initialize":
            about = {"name": "raw", "version": "1"}
            send(
                id=request["id"],
                result={"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": about},
            )
        elif request.get("method") == "tools/call":
            {tool.__name__: tool for tool in TOOLS}[request["params"]["name"]](request)


serve()
