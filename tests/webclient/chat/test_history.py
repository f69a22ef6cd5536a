"""What a model calls enters the history in a form that Azure OpenAI takes back."""

import re

from semantic_kernel.contents import FunctionCallContent

from mcpsecurity_webclient.chat.history import valid_call


def test_names_and_ids_are_made_valid_and_each_id_is_there_once() -> None:
    odd = [
        FunctionCallContent(id="a", name="multi_tool_use.parallel", arguments="{}"),
        FunctionCallContent(id="a", name="", arguments=""),
        FunctionCallContent(id="x" * 41, name="n" * 65, arguments=None),
        FunctionCallContent(id="known", name="größe", arguments="{}"),
        FunctionCallContent(id=None, name="a b", arguments="{}"),
    ]
    taken = {"known"}
    valid = [valid_call(call, "{}", taken) for call in odd]
    assert len({call.id for call in valid} | {"known"}) == len(odd) + 1
    for call in valid:
        assert call.id is not None
        assert len(call.id) <= 40
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", call.name or "")


def test_a_valid_call_stays_as_it_is() -> None:
    call = valid_call(FunctionCallContent(id="a", name="Tools-add"), '{"a": 1}', {"b"})
    assert (call.id, call.name, call.arguments) == ("a", "Tools-add", '{"a": 1}')
