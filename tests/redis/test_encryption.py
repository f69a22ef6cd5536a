"""The ring of keys: the first seals, all open, and a wrong one is named without being repeated."""

import pytest
from cryptography.fernet import Fernet

from mcpsecurity.redis.encryption import EncryptionKeys, UnreadableError

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_what_an_old_key_sealed_is_read_while_the_key_is_in_the_ring() -> None:
    sealed = EncryptionKeys(OLD).seal(b"secret")
    assert EncryptionKeys(f"{NEW}, {OLD}").open(sealed) == b"secret"
    with pytest.raises(UnreadableError):
        EncryptionKeys(NEW).open(sealed)


def test_the_first_key_seals() -> None:
    sealed = EncryptionKeys(f"{NEW},{OLD}").seal(b"secret")
    assert EncryptionKeys(NEW).open(sealed) == b"secret"
    assert b"secret" not in sealed


def test_what_was_changed_is_not_read() -> None:
    sealed = bytearray(EncryptionKeys(NEW).seal(b"secret"))
    sealed[-10] ^= 1
    with pytest.raises(UnreadableError):
        EncryptionKeys(NEW).open(bytes(sealed))


@pytest.mark.parametrize("text", ["", " , ", "short", pytest.param(f"{NEW},short", id="one good")])
def test_a_malformed_key_ring_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(?!.*short).*$"):
        EncryptionKeys(text)
