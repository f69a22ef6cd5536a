"""Results of this revision: which members are added, and that nothing else changes."""

import json
from typing import Any

import pytest

from mcpsecurity_server.transport.jsonrpc import to_json
from mcpsecurity_server.transport.stateless.results import Caching, Results

SERVER = {"name": "Program", "version": "1"}
META = {"io.modelcontextprotocol/serverInfo": SERVER}


@pytest.mark.parametrize(
    "result",
    [
        {},
        {"content": [], "isError": False},
        {"content": [{"type": "text", "text": '}}"'}], "structuredContent": {}},
        {"structuredContent": {"number": 2**70}},
        {"content": [], "_meta": {"a": 1}},
        {"content": [], "_meta": None},
        {"content": [], "resultType": "of its own"},
    ],
)
@pytest.mark.parametrize("method", ["tools/call", "prompts/get", "tools/list", "resources/read"])
def test_a_result_is_completed(method: str, result: dict[str, Any]) -> None:
    results = Results({"serverInfo": SERVER, "capabilities": {}}, Caching(lists_ms=5, reads_ms=6))
    said = json.loads(to_json(results.complete(method, dict(result))))
    assert said["resultType"] == "complete"
    assert said["_meta"] == META | (result.get("_meta") or {})
    assert said.get("ttlMs") == {"tools/list": 5, "resources/read": 6}.get(method)
    assert {key: said[key] for key in result.keys() - {"_meta", "resultType"}} == {
        key: value for key, value in result.items() if key not in ("_meta", "resultType")
    }
