"""The shapes of events stand once: the page's type checker has the same, and so has the page."""

import re
from pathlib import Path
from typing import get_args

import pytest
from tests.page_types.generate import DECLARATIONS, declarations
from tests.support.shapes import ShapeError
from tests.webclient.events import check_payload

import mcpsecurity_webclient
from mcpsecurity_webclient.chat.event_types import EVENTS, EventName, EventPayload

_STATE = Path(mcpsecurity_webclient.__file__).parent / "static/js/protocol/state.js"
_COMMON = {"v": 1, "chat_id": "c", "run_id": None, "at": 1.0}


def test_the_declarations_for_the_page_are_those_of_the_shapes() -> None:
    assert DECLARATIONS.read_text("utf-8") == declarations(), "run python -m tests.page_types.generate"


def test_every_name_has_a_shape_and_every_shape_can_be_published() -> None:
    assert set(get_args(EventName)) == set(EVENTS)
    assert set(get_args(EventPayload)) == set(EVENTS.values())


def test_the_page_listens_to_every_event_and_to_no_other() -> None:
    block = re.search(r"const CHAT_HANDLERS = \{\n(.*?)\n\};", _STATE.read_text("utf-8"), re.DOTALL)
    assert block is not None
    handled = re.findall(r'^  "?([a-z_.]+)"?[:,]', block[1], re.MULTILINE)
    assert sorted(handled) == sorted(EVENTS)


@pytest.mark.parametrize(
    "payload",
    [
        {"title": "A", "colour": "red"},
        {},
        {"title": 1},
    ],
    ids=["unknown member", "missing member", "wrong type"],
)
def test_a_payload_of_another_shape_does_not_pass(payload: dict[str, object]) -> None:
    check_payload("title.changed", {**_COMMON, "title": "A"})

    with pytest.raises(ShapeError):
        check_payload("title.changed", {**_COMMON, **payload})
