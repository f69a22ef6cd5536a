"""What a model calls enters the history in a form that Azure OpenAI takes back."""

import re

from semantic_kernel.contents import FunctionCallContent

from mcpsecurity_webclient.chat.history import valid_calls


def test_names_ids_and_missing_arguments_are_made_valid() -> None:
    odd = [
        FunctionCallContent(id="a", name="multi_tool_use.parallel", arguments="{}"),
        FunctionCallContent(id="a", name="", arguments=""),
        FunctionCallContent(id="x" * 41, name="n" * 65, arguments=None),
    ]
    valid = valid_calls(odd)
    assert len({call.id for call in valid}) == len(odd)
    for call in valid:
        assert call.id is not None
        assert len(call.id) <= 40
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", call.name or "")
    assert [call.arguments for call in valid] == ["{}"] * 3


def test_a_valid_call_stays_as_it_is() -> None:
    (call,) = valid_calls([FunctionCallContent(id="a", name="Tools-add", arguments='{"a": 1}')])
    assert (call.id, call.name, call.arguments) == ("a", "Tools-add", '{"a": 1}')
