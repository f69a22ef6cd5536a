"""Headers for an MCP server: which may be set, and where they are sent."""

import pytest

from mcpsecurity.server_headers import check_address, checked_headers

SECRET = "hidden-4711"


def test_keys_are_sent_as_they_are_without_blanks_around_them() -> None:
    headers = {"X-Api-Key": f" {SECRET}\n", "Authorization": f"Bearer {SECRET}", "X-Team": "a b"}
    assert checked_headers(headers) == headers | {"X-Api-Key": SECRET}
    assert checked_headers({"Authorization": SECRET}) == {"Authorization": SECRET}, "as some servers want it"


@pytest.mark.parametrize("name", ["", "X Key", "X-Key:", "X-Key\r\nHost", "Schlüssel", "k" * 129])
def test_a_name_is_a_token_of_http(name: str) -> None:
    with pytest.raises(ValueError, match="one of the names is not that of a header"):
        checked_headers({name: SECRET})


@pytest.mark.parametrize(
    "name",
    ["Host", "content-type", "Content-Length", "Accept", "Accept-Encoding", "Mcp-Session-Id", "Cookie",
     "MCP-Protocol-Version", "mcp-param-x", "Last-Event-ID", "Origin", "Connection", "Proxy-Authorization"],
)  # fmt: skip
def test_what_the_client_says_itself_cannot_be_set(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is set by the client itself"):
        checked_headers({name: SECRET})


@pytest.mark.parametrize("value", ["a\r\nX-Admin: 1", "a\nb", "a\x00b", "Schlüssel", "a\tb", "k" * 8193])
def test_a_value_that_a_header_does_not_take_is_refused_and_not_told(value: str) -> None:
    with pytest.raises(ValueError, match="X-Key has a value that a header does not take") as caught:
        checked_headers({"X-Key": value})
    assert value not in str(caught.value)


@pytest.mark.parametrize("value", ["", "  ", "Bearer ", "bearer", "Basic"])
def test_a_key_that_is_left_out_is_told(value: str) -> None:
    with pytest.raises(ValueError, match="Authorization has no key; is the variable set that it names"):
        checked_headers({"Authorization": value})


def test_a_name_is_there_once_in_any_case_and_there_are_not_too_many() -> None:
    with pytest.raises(ValueError, match="x-key is there twice"):
        checked_headers({"X-Key": SECRET, "x-key": SECRET})
    with pytest.raises(ValueError, match="more than 32 headers"):
        checked_headers({f"X-{number}": SECRET for number in range(33)})


@pytest.mark.parametrize(
    "url",
    ["https://wiki.example/mcp", "http://localhost:1/mcp", "http://127.0.0.1/mcp", "http://[::1]:8/mcp"],
)
def test_they_are_sent_by_https_and_to_this_machine(url: str) -> None:
    check_address(url)


@pytest.mark.parametrize(
    "url", ["http://wiki.example/mcp", "http://10.0.0.1/mcp", "http://localhost.example/mcp"]
)
def test_they_do_not_cross_a_network_unencrypted(url: str) -> None:
    with pytest.raises(ValueError, match="by https only, or to this machine"):
        check_address(url)
