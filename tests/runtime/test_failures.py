"""An exception is told by its type and place, and nothing that it says."""

import logging

import pytest

from mcpsecurity.runtime.failures import drop_values, without_values


def _inner() -> None:
    raise KeyError("secret")


def _outer() -> None:
    try:
        _inner()
    except KeyError as error:
        raise ValueError("a secret, too") from error


def _caught() -> ValueError:
    with pytest.raises(ValueError, match="secret") as caught:
        _outer()
    return caught.value


def test_types_and_places_of_a_chain_are_told() -> None:
    told = without_values(_caught())
    first, _, second = told.partition(" from ")
    assert first.startswith("ValueError (")
    assert first.endswith(" _outer)")
    assert second.startswith("KeyError (")
    assert second.endswith(" _inner)")
    assert "secret" not in told


def test_a_chain_that_bites_its_tail_ends() -> None:
    one, two = ValueError("a"), KeyError("b")
    one.__cause__, two.__cause__ = two, one
    assert without_values(one) == "ValueError (not raised) from KeyError (not raised)"


def test_a_context_that_is_suppressed_is_not_told() -> None:
    error = ValueError("a")
    error.__context__, error.__suppress_context__ = KeyError("b"), True
    assert without_values(error) == "ValueError (not raised)"


def test_a_deep_exception_has_its_last_places() -> None:
    def down(levels: int) -> None:
        if levels == 0:
            raise ValueError("secret")
        down(levels - 1)

    with pytest.raises(ValueError, match="secret") as caught:
        down(50)
    assert without_values(caught.value).count(" down") == 8


def test_a_librarys_record_loses_its_words_only_with_an_exception(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.Logger("library")  # noqa: LOG001 - not one of the process's
    logger.addHandler(caplog.handler)
    logger.addFilter(drop_values)
    logger.warning("a plain %s", "line")
    logger.error("of secret", exc_info=_caught())
    plain, told = (record.getMessage() for record in caplog.records)
    assert plain == "a plain line"
    assert told.startswith(
        "test_a_librarys_record_loses_its_words_only_with_an_exception failed: ValueError ("
    )
    assert "secret" not in caplog.text
