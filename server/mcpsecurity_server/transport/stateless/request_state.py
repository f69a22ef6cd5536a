"""Encrypts `requestState`, the state of a request that travels through the client to its retry.

AES-256-GCM (NIST SP 800-38D) with keys derived by HKDF-SHA256 (RFC 5869). The caller and
the request are the associated data, so that another caller's state fails exactly as a forged one does.
"""

import base64
import binascii
import os
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from mcpsecurity_server.transport.identity import Owner
from mcpsecurity_server.transport.jsonrpc import read_json, to_json, to_sorted_json
from mcpsecurity_server.transport.limits import MIN_KEY_BYTES

_FORMAT: Final = b"mcpsecurity/request-state/1"
_KEY_ID, _NONCE, _TAG = 4, 12, 16


class RequestStateError(Exception):
    """A state that was not made for this request, or has expired. The reason is not disclosed."""


class RequestStateCodec:
    """Encrypts with the first key, decrypts with any. A new key is added second, and moved first later.

    Args:
        keys: secrets of at least 32 bytes, the same in every process; default: one random key.
        seconds: how long a state is valid.
        clock: gives seconds since 1970.
        service: name of the service; another service with the same keys cannot decrypt its states.

    Raises:
        ValueError: a key is too short, or given twice.
    """

    def __init__(
        self,
        keys: Sequence[bytes] = (),
        seconds: float = 600.0,
        clock: Callable[[], float] = time.time,
        *,
        service: str = "",
    ) -> None:
        if any(len(key) < MIN_KEY_BYTES for key in keys):
            raise ValueError(f"a key for request states needs at least {MIN_KEY_BYTES} bytes")
        derived = [_derived(key, service) for key in keys or (os.urandom(MIN_KEY_BYTES),)]
        self._ciphers = {_id_of(key): AESGCM(key) for key in derived}
        if len(self._ciphers) != len(derived):
            raise ValueError("a key for request states is given twice")
        self._current = _id_of(derived[0])
        self._seconds = seconds
        self._clock = clock

    def encode(self, value: dict[str, Any], binding: bytes) -> str:
        """Return `value`, a JSON object, as text that only `decode` with the same `binding` can read."""
        plain = to_json([int(self._clock() + self._seconds), value])
        nonce = os.urandom(_NONCE)
        sealed = self._ciphers[self._current].encrypt(nonce, plain, self._current + binding)
        return base64.urlsafe_b64encode(self._current + nonce + sealed).decode().rstrip("=")

    def decode(self, text: Any, binding: bytes) -> dict[str, Any]:
        """Return the value that `encode` got.

        Raises:
            RequestStateError: the text is not from `encode`, is for another request, or has expired.
        """
        raw = _decoded(text)
        cipher = self._ciphers.get(raw[:_KEY_ID])
        if cipher is None or len(raw) < _KEY_ID + _NONCE + _TAG:
            raise RequestStateError
        nonce, sealed = raw[_KEY_ID : _KEY_ID + _NONCE], raw[_KEY_ID + _NONCE :]
        try:
            expires, value = read_json(cipher.decrypt(nonce, sealed, raw[:_KEY_ID] + binding))
        except InvalidTag:
            raise RequestStateError from None
        if self._clock() >= expires:
            raise RequestStateError
        return value  # type: ignore[no-any-return] # our own data


def binding_of(owner: Owner, body: bytes) -> bytes:
    """Return the binding of the request with this body.

    The body is parsed again, because handlers may change their arguments and most calls need no binding.
    """
    value = read_json(body)
    params = value["params"]
    return make_binding(
        owner, value["method"], params.get("name"), params.get("uri"), params.get("arguments")
    )


def make_binding(owner: Owner, method: str, name: Any, uri: Any, arguments: Any) -> bytes:
    """Return the binding of a state: caller, application, method, name and arguments.

    No arguments are the same as an empty object.
    """
    bound = [list(owner), method, name, uri, arguments or None]
    return to_sorted_json(bound)


def _decoded(text: Any) -> bytes:
    """Return the bytes that `text` encodes; other spellings of the same bytes are refused."""
    if not isinstance(text, str) or not text.isascii():
        raise RequestStateError
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise RequestStateError from None
    if base64.urlsafe_b64encode(raw).decode().rstrip("=") != text:
        raise RequestStateError
    return raw


def _derived(key: bytes, service: str) -> bytes:
    info = _FORMAT + b"/" + service.encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(key)


def _id_of(key: bytes) -> bytes:
    return sha256(_FORMAT + b"/id" + key).digest()[:_KEY_ID]
