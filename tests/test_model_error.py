"""The words of an error are found in whichever form it comes."""

from typing import Any

import pytest

from mcpsecurity.model_error import error_in, refusal_of


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "no"}}, "no"),
        ([{"error": {"message": "no"}}], "no"),
        ({"error": "no"}, "no"),
        ({"error": {"message": "", "detail": "no"}}, "no"),
        ({"error": {"message": ["no"]}}, '["no"]'),
        ({"error": {"errors": [{"message": "no"}]}}, "no"),
        ({"success": False, "errors": [{"code": 10000, "message": "no"}]}, "no"),
        ({"errors": ["no"]}, "no"),
        ({"object": "error", "message": "no"}, "no"),
        ({"type": "error", "error": {"message": "no"}}, "no"),
        ({"response": {"error": {"message": "no"}}}, "no"),
        ({"detail": "no"}, "no"),
        ({"Message": "no"}, "no"),
        ({"code": 401, "msg": "no"}, "no"),
    ],
)
def test_an_error_is_found(body: Any, message: str) -> None:
    found = error_in(body)
    assert found is not None
    assert found["message"] == message


@pytest.mark.parametrize(
    "body",
    [None, 1, "no", [], {"choices": []}, {"errors": []}, {"error": None}, {"message": {"content": "Hello."}}],
)
def test_an_answer_is_no_error(body: Any) -> None:
    assert error_in(body) is None


def test_the_words_of_a_refusal_are_found_under_every_name() -> None:
    body = {"errors": [{"code": 7003, "message": "no route"}]}
    assert (refusal_of(400, body).message, refusal_of(400, body).code) == ("no route", "7003")
