"""Encryption of what replicas store in Redis, with keys that can be replaced while they run."""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

HOW_TO_MAKE_A_KEY = (
    'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'
)
"""A command that prints a new key."""


class UnreadableError(ValueError):
    """The data was encrypted with another key, or was changed since."""


class EncryptionKeys:
    """Encrypts with the first key of `text` and decrypts with any; keys are separated by commas or spaces.

    A key is 32 random bytes in URL-safe base64, as `cryptography.fernet.Fernet.generate_key()` makes them.

    Raises:
        ValueError: keys are missing or malformed. The message does not contain them.
    """

    def __init__(self, text: str) -> None:
        try:
            fernets = [Fernet(key) for key in text.replace(",", " ").split()]
        except ValueError:
            raise ValueError(
                f"a key has 32 bytes in URL-safe base64; make one by: {HOW_TO_MAKE_A_KEY}"
            ) from None
        if not fernets:
            raise ValueError("there is no key")
        self._fernets = MultiFernet(fernets)

    def seal(self, data: bytes) -> bytes:
        """Return `data` encrypted and authenticated."""
        return self._fernets.encrypt(data)

    def open(self, sealed: bytes) -> bytes:
        """Return the data that was sealed. Raises `UnreadableError`."""
        try:
            return self._fernets.decrypt(sealed)
        except InvalidToken:
            raise UnreadableError("none of the keys fits") from None
