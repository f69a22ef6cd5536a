"""Small parts of the tenant by themselves."""

import stat
from pathlib import Path

import pytest

from mcpsecurity.localcloud.entra.grants import ExpiringStore
from mcpsecurity.localcloud.entra.keys import ensure_signing_key
from mcpsecurity.localcloud.entra.pages.html import Html, element, source_of
from mcpsecurity.localcloud.storage import locked_folder, write_private


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_record_leaves_the_store_when_its_time_is_over() -> None:
    clock = Clock()
    store = ExpiringStore[str](lifetime=10, limit=5, clock=clock)
    handle = store.add("record")

    clock.now = 9.9
    assert store.get(handle) == "record"
    clock.now = 10
    assert store.get(handle) is None
    assert list(store.values()) == []


def test_a_full_store_gives_up_its_oldest_record() -> None:
    store = ExpiringStore[int](lifetime=10, limit=3, clock=Clock())
    handles = [store.add(number) for number in range(5)]

    assert [store.get(handle) for handle in handles] == [None, None, 2, 3, 4]


def test_a_record_can_be_taken_out_once() -> None:
    store = ExpiringStore[str](lifetime=10, limit=3, clock=Clock())
    handle = store.add("record")

    assert store.remove(handle) == "record"
    assert store.remove(handle) is None


@pytest.mark.parametrize(
    ("uri", "source"),
    [
        ("http://localhost:5001/signin-oidc", "http://localhost:5001"),
        ("https://app.example/a?b", "https://app.example"),
        ("http://[::1]:3000/callback", "http:"),
        ("vscode://callback", "vscode:"),
    ],
)
def test_a_policy_names_the_origin_that_a_form_may_lead_to(uri: str, source: str) -> None:
    assert source_of(uri) == source


def test_only_markup_goes_into_a_page_unescaped() -> None:
    made = element("p", "<b>", Html("<i>"), class_='"x"', aria_label="a")

    assert made == '<p class="&quot;x&quot;" aria-label="a">&lt;b&gt;<i></p>'


@pytest.mark.parametrize("content", [b"", b"damaged"])
def test_a_signing_key_that_is_damaged_is_made_again(tmp_path: Path, content: bytes) -> None:
    first = ensure_signing_key(tmp_path)
    (tmp_path / "signing-key.pem").write_bytes(content)

    second = ensure_signing_key(tmp_path)

    assert second.kid != first.kid
    assert ensure_signing_key(tmp_path).kid == second.kid
    assert stat.S_IMODE((tmp_path / "signing-key.pem").stat().st_mode) == 0o600


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()

    with locked_folder(tmp_path), pytest.raises(OSError, match="directory"):
        write_private(tmp_path / "taken", b"secret")

    assert {path.name for path in tmp_path.iterdir()} == {".lock", "taken"}
