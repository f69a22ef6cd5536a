"""Seals what a request has to remember until its retry, because it travels through the client.

AES-256-GCM (NIST SP 800-38D) with keys derived by HKDF-SHA256 (RFC 5869). Whom and what a state belongs to is
not in it but in the associated data, so that somebody else's state fails like a forged one, and for no other
reason.
"""

import base64
import binascii
import os
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from mcpsecurity_server.transport.identity import Owner

__all__ = ["MIN_KEY_BYTES", "RequestStateCodec", "StateRefusedError", "bound_to", "bound_to_body"]

MIN_KEY_BYTES: Final = 32
_FORMAT: Final = b"mcpsecurity/request-state/1"
_KEY_ID, _NONCE, _TAG = 4, 12, 16


class StateRefusedError(Exception):
    """A state that was not sealed for this request, or too long ago. Why is told to nobody."""


class RequestStateCodec:
    """Seals with the first key, opens with any: to change keys, put the new one second, then first.

    Args:
        keys: secrets of at least 32 bytes, the same in every process; none: one that only this process has.
        seconds: how long a sealed state can be opened.
        clock: gives seconds since 1970.
        service: whose states these are; another service with the same keys cannot open them.

    Raises:
        ValueError: a key is too short, or there twice.
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
        ring = [_derived(key, service) for key in keys or (os.urandom(MIN_KEY_BYTES),)]
        self._ciphers = {_id_of(key): AESGCM(key) for key in ring}
        if len(self._ciphers) != len(ring):
            raise ValueError("a key for request states is there twice")
        self._first = _id_of(ring[0])
        self._seconds = seconds
        self._clock = clock

    def seal(self, value: dict[str, Any], bound: bytes) -> str:
        """Return `value`, a JSON object, as text that only `open` with the same `bound` can read."""
        plain = orjson.dumps([int(self._clock() + self._seconds), value])
        nonce = os.urandom(_NONCE)
        sealed = self._ciphers[self._first].encrypt(nonce, plain, self._first + bound)
        return base64.urlsafe_b64encode(self._first + nonce + sealed).decode().rstrip("=")

    def open(self, text: Any, bound: bytes) -> dict[str, Any]:
        """Return what was sealed.

        Raises:
            StateRefusedError: it was not, or for another request, or it has expired.
        """
        raw = _decoded(text)
        cipher = self._ciphers.get(raw[:_KEY_ID])
        if cipher is None or len(raw) < _KEY_ID + _NONCE + _TAG:
            raise StateRefusedError
        nonce, sealed = raw[_KEY_ID : _KEY_ID + _NONCE], raw[_KEY_ID + _NONCE :]
        try:
            expires, value = orjson.loads(cipher.decrypt(nonce, sealed, raw[:_KEY_ID] + bound))
        except InvalidTag:
            raise StateRefusedError from None
        if self._clock() >= expires:
            raise StateRefusedError
        return value  # type: ignore[no-any-return] # sealed by ourselves


def bound_to_body(owner: Owner, body: bytes) -> bytes:
    """Return what ties a state to the request with this body.

    It is read from there because handlers may change their arguments, and most calls never need it.
    """
    value = orjson.loads(body)
    params = value["params"]
    return bound_to(owner, value["method"], params.get("name"), params.get("uri"), params.get("arguments"))


def bound_to(owner: Owner, method: str, name: Any, uri: Any, arguments: Any) -> bytes:
    """Return what ties a state to a request: caller, application, method, name and arguments.

    None at all are as good as an empty object.
    """
    told = [list(owner), method, name, uri, arguments or None]
    return orjson.dumps(told, option=orjson.OPT_SORT_KEYS)


def _decoded(text: Any) -> bytes:
    """Return the bytes of the only text that encodes them."""
    if not isinstance(text, str) or not text.isascii():
        raise StateRefusedError
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise StateRefusedError from None
    if base64.urlsafe_b64encode(raw).decode().rstrip("=") != text:
        raise StateRefusedError
    return raw


def _derived(key: bytes, service: str) -> bytes:
    info = _FORMAT + b"/" + service.encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(key)


def _id_of(key: bytes) -> bytes:
    return sha256(_FORMAT + b"/id" + key).digest()[:_KEY_ID]
