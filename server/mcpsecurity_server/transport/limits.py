"""How much a client may ask for, and how long a key must be."""

from dataclasses import dataclass
from typing import Final

__all__ = ["MIN_KEY_BYTES", "Limits"]

MIN_KEY_BYTES: Final = 32
"""Least length of a secret that seals request states."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the transport; what exceeds one is refused, and nothing grows beyond it."""

    body_bytes: int = 4 * 1024 * 1024
    """Longest request body; longer answers 413, found while reading."""
    json_depth: int = 64
    """Deepest nesting of a message."""
    page_size: int = 500
    """Entries in one answer to a list request; the rest is on further pages."""
    batch_size: int = 100
    """Most messages in one batch (2025-03-26)."""
    sessions: int = 10_000
    """Sessions held; one more answers 503."""
    client_bytes: int = 16 * 1024
    """What a client may say of itself in `initialize`; each session keeps it."""
    subscriptions: int = 100
    """Resources that one session may be subscribed to."""
    idle_seconds: float = 30 * 60.0
    """How long a session without an open request or stream lives on."""
    calls_per_session: int = 100
    """Requests of one session that run at the same time; one more answers 429."""
    streams_per_session: int = 32
    """Open event streams of one session; one more answers 429."""
    queued_events: int = 256
    """Events that wait for one slow reader; then its call waits, and at last the connection is closed."""
    queued_bytes: int = 1024 * 1024
    """Bytes that wait for one slow reader; one event may be longer."""
    patience_seconds: float = 10.0
    """How long a call, or a write, waits for a slow reader. The client may resume after it."""
    log_events: int = 1000
    """Events that a session keeps for resumption."""
    log_bytes: int = 1024 * 1024
    """Bytes of events that a session keeps for resumption."""
    all_logs_bytes: int = 256 * 1024 * 1024
    """Bytes of events that all sessions together keep."""
    stream_after_seconds: float = 5.0
    """How long a call may run before its answer becomes an event stream, so that no proxy gives up."""
    keep_alive_seconds: float = 15.0
    """Pause after which an idle event stream sends a comment."""
    retry_ms: int = 1000
    """When a client should come back to a stream that the server has closed."""
    calls_per_caller: int = 1000
    """Requests without a session that one caller has running at the same time; one more answers 429."""
    listens_per_caller: int = 100
    """`subscriptions/listen` streams that one caller has open; one more answers 429."""
    rounds: int = 20
    """How often one request may ask its client and be retried."""
    state_bytes: int = 64 * 1024
    """Longest `requestState`: what a request remembers until its retry."""
    state_seconds: float = 600.0
    """How long a client may take for one round: after it, a `requestState` is refused."""
    stop_seconds: float = 3.0
    """How long running calls get when the server stops."""
