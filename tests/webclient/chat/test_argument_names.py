"""Arguments that a model has to call otherwise are shown and sent by the tool's own names."""

import json

from tests.browser.stack import Service
from tests.webclient.conftest import NewPerson, ServeWeb
from tests.webclient.oddity import Odd, tool
from tests.webclient.scripted_model import ScriptedModel, calls


async def test_the_person_sees_and_the_server_gets_the_tools_own_names(
    serve_web: ServeWeb, visitors: NewPerson
) -> None:
    odd, model = Odd(tools={}), ScriptedModel()
    named = {"settings": {"type": "string"}, "self": {}, "a.b": {}}
    odd.results["tools/list"] = {"tools": [tool("paint", properties=named, additionalProperties=True)]}
    odd.results["tools/call"] = {"content": [{"type": "text", "text": "painted"}]}
    given = {"settings_": "x", "self_": 1, "a.b": None, "more_arguments": {"colour": "red"}}
    own = {"settings": "x", "self": 1, "a.b": None, "colour": "red"}
    model.turns.append(calls(("a", "odd-paint", json.dumps(given))))
    services = [Service(odd.app), Service(model.app)]
    for service in services:
        await service.start()
    ports = [service.port for service in services]
    server = {"name": "odd", "url": f"http://localhost:{ports[0]}/mcp"}
    async with serve_web(
        more_servers=(server,), azure_openai_endpoint=f"http://localhost:{ports[1]}", model_api="chat"
    ) as url:
        visitor = await visitors(url=url).sign_in()
        async with visitor.stream() as stream:
            await visitor.ask("hello")
            call = (await stream.until("tool.proposed"))["call"]
            await visitor.decide(call, "approve")
            assert (await stream.until("run.done"))["status"] == "completed"
    for service in services:
        await service.stop()
    assert call["arguments"] == own
    assert odd.called_with == [own]
    offered = next(t["function"] for t in model.asked[0]["tools"] if t["function"]["name"] == "odd-paint")
    assert set(offered["parameters"]["properties"]) == set(given)
    assert model.refused == []
