"""The search for tokens in logs finds them: otherwise that it finds none would mean nothing."""

import logging

import pytest
from tests.oidc.tenant import sign
from tests.support.leaks import LeakSearch

TOKEN = sign({"sub": "somebody", "padding": "x" * 100})


@pytest.fixture
def search() -> LeakSearch:
    return LeakSearch()


@pytest.fixture
def logger(search: LeakSearch) -> logging.Logger:
    """A logger that reaches this search only, not that of the test run."""
    logger = logging.Logger("leaky", logging.DEBUG)  # noqa: LOG001 - of this test alone
    logger.addHandler(search)
    return logger


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        TOKEN.partition(".")[0],
        TOKEN.split(".")[1],
        f"{{'Authorization': 'Bearer {'0.AXkAzvuQ4pXo0kW0mZ6SY4jrAJX0sJZl'}'}}",
        "client_secret=local-development-only~webclient",
    ],
)
def test_a_token_is_found_in_message_arguments_and_traceback(
    search: LeakSearch, logger: logging.Logger, text: str
) -> None:
    logger.debug("before %s after", text)
    logger.error("failed", exc_info=ValueError(text))

    assert len(search.found) == 2
    assert "test_leaks.py" in search.found[0]
    assert text not in " ".join(search.found)


@pytest.mark.parametrize(
    "text",
    [
        'Bearer error="invalid_token", scope="api://aaaaaaaa-0000-4000-8000-000000000001/mcp:tools"',
        "mcpsecurity_server.transport.streamable_http_session_manager_of_the_server",
        '{"user":"10ca1c10-0d00-4000-8000-0000000000c1","correlation_id":"81ea6aeb42f8-2"}',
    ],
)
def test_text_without_a_token_is_no_leak(search: LeakSearch, logger: logging.Logger, text: str) -> None:
    logger.info("%s", text)

    assert (search.searched, search.found) == (1, [])
