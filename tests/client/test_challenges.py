"""Challenges of servers: what they name; each is read quickly."""

import time

import httpx
import pytest

from mcpsecurity.client.challenges import challenge_parameters


def refused(header: str) -> httpx.Response:
    return httpx.Response(401, headers={"WWW-Authenticate": header})


def test_parameters_are_read_with_and_without_quotation_marks() -> None:
    header = r'Basic realm="x", Bearer realm = "a \"b\"", error=invalid_token,scope="one two"'
    assert challenge_parameters(refused(header)) == {
        "realm": 'a "b"',
        "error": "invalid_token",
        "scope": "one two",
    }


@pytest.mark.parametrize(
    "header",
    [
        "a" * 8000,
        "Bearer " + "a" * 8000,
        "a" * 4000 + " " * 4000,
        "a " * 4000,
        'x="' * 2500,
        'x="' + "\\\\" * 4000,
    ],
    ids=["a word", "a parameter", "blanks", "words", "quotation marks", "backslashes"],
)
def test_no_header_takes_long_to_read(header: str) -> None:
    begun = time.process_time()
    for _ in range(20):
        challenge_parameters(refused(header))
    assert time.process_time() - begun < 4.0
