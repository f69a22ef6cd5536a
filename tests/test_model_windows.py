"""What a model reads for one answer, and whether it sees pictures, by its name; else by where it is."""

import pytest

from mcpsecurity.model_endpoint import read_endpoint
from mcpsecurity.model_windows import context_window, sees_pictures

AZURE = "https://contoso.openai.azure.com"
GATEWAY = "https://gateway.example.com/v1"


@pytest.mark.parametrize(
    ("name", "window", "sees"),
    [
        ("gpt-4.1-mini", 1_000_000, True),
        ("gpt-4", 8_192, False),
        ("gpt-4-0613", 8_192, False),
        ("gpt-4-32k", 32_768, False),
        ("gpt-4-turbo-2024-04-09", 128_000, True),
        ("gpt-4o-mini", 128_000, True),
        ("gpt-5-chat", 128_000, True),
        ("gpt-5.6", 272_000, True),
        ("gpt-3.5-turbo", 16_385, False),
        ("gpt-35-turbo", 16_385, False),  # Azure's name of it
        ("gpt-oss-120b", 131_072, False),
        ("o1-mini", 128_000, False),
        ("o3", 200_000, True),
        ("anthropic/claude-sonnet-4", 200_000, True),
        ("Gemini-2.5-pro", 1_000_000, True),
    ],
)
def test_a_known_name_tells_the_window_and_whether_the_model_sees(name: str, window: int, sees: bool) -> None:
    for url in (AZURE, GATEWAY, "http://localhost:11434/v1"):
        assert context_window(read_endpoint(url), name) == window
    assert sees_pictures(name) is sees


@pytest.mark.parametrize(
    ("url", "window"),
    [
        (AZURE, 128_000),
        ("https://api.openai.com/v1", 128_000),
        (GATEWAY, 32_768),
        ("http://127.0.0.1:8080/v1", 8_192),
    ],
)
def test_of_an_unknown_model_the_window_is_guessed_carefully(url: str, window: int) -> None:
    assert context_window(read_endpoint(url), None, "chat") == window
    assert sees_pictures(None, "chat") is False


def test_the_name_that_the_model_gives_itself_counts_first() -> None:
    assert context_window(read_endpoint(AZURE), "gpt-4o-2024-08-06", "gpt-5") == 128_000
    assert context_window(read_endpoint(AZURE), "mistral-large", "gpt-5") == 272_000
