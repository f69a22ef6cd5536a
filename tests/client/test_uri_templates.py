"""URI templates: the examples of RFC 6570 that have one value for a variable."""

import pytest

from mcpsecurity.client.uri_templates import expanded, optional_variables, variables

VALUES = {"var": "value", "hello": "Hello World!", "x": "1024", "y": "768", "path": "/foo/bar", "empty": ""}


@pytest.mark.parametrize(
    ("template", "address"),
    [
        ("{var}", "value"),
        ("{hello}", "Hello%20World%21"),
        ("map?{x,y}", "map?1024,768"),
        ("{var:3}", "val"),
        ("{+hello}", "Hello%20World!"),
        ("{+path}/here", "/foo/bar/here"),
        ("{#path:6}", "#/foo/b"),
        ("X{.x,y}", "X.1024.768"),
        ("{/var,x}/here", "/value/1024/here"),
        ("{;x,y}", ";x=1024;y=768"),
        ("{?x,y}", "?x=1024&y=768"),
        ("?fixed=yes{&x}", "?fixed=yes&x=1024"),
        ("{?none}{/empty}", ""),
        ("file:///{path*}", "file:///%2Ffoo%2Fbar"),
        ("{not a variable}", "{not a variable}"),
    ],
)
def test_values_take_their_places_in_an_address(template: str, address: str) -> None:
    assert expanded(template, VALUES) == address


def test_a_percent_sign_that_encodes_nothing_is_encoded() -> None:
    assert expanded("{+v}", {"v": "a%20b 100%"}) == "a%20b%20100%25"


def test_a_value_that_is_no_text_makes_an_address_all_the_same() -> None:
    assert expanded("x:{v}", {"v": "\ud800"}) == "x:%3F"


def test_variables_are_named_once_and_those_of_queries_may_be_left_out() -> None:
    template = "search://{+area}/{name:3}{?q,page*}{&q}"
    assert variables(template) == ["area", "name", "q", "page"]
    assert optional_variables(template) == {"q", "page"}
    assert variables("note://one") == []
