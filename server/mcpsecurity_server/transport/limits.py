"""Bounds on what a client may send and use."""

from dataclasses import dataclass
from typing import Final

MIN_KEY_BYTES: Final = 32
"""Least length of a secret that seals request states."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the transport. A request that exceeds one is refused; nothing grows beyond its bound."""

    body_bytes: int = 4 * 1024 * 1024
    """Longest request body; a longer one is refused with 413 while it is read."""
    body_seconds: float = 60.0
    """How long a request body may take to arrive; then the request is refused with 408."""
    json_depth: int = 64
    """Deepest nesting of a message."""
    page_size: int = 500
    """Entries on one page of a list."""
    batch_size: int = 100
    """Most messages in one batch (2025-03-26)."""
    sessions: int = 10_000
    """Most sessions; one more is refused with 503."""
    client_bytes: int = 16 * 1024
    """Longest description of a client in `initialize`; each session stores it."""
    subscriptions: int = 100
    """Most resources that one session is subscribed to."""
    idle_seconds: float = 30 * 60.0
    """A session without an open request or stream expires after this."""
    calls_per_session: int = 100
    """Requests of one session that run at the same time; one more is refused with 429."""
    streams_per_session: int = 32
    """Open event streams of one session; one more is refused with 429."""
    queued_events: int = 256
    """Events that are queued for a slow client; then its call waits, and finally the connection is closed."""
    queued_bytes: int = 1024 * 1024
    """Bytes that are queued for a slow client; a single event may be longer."""
    patience_seconds: float = 10.0
    """How long a call, or a write, waits for a slow client, which can resume later."""
    log_events: int = 1000
    """Events that are stored for resumption, for each session."""
    log_bytes: int = 1024 * 1024
    """Bytes of events that are stored for resumption, for each session."""
    all_logs_bytes: int = 256 * 1024 * 1024
    """Bytes of events that are stored for all sessions together."""
    stream_after_seconds: float = 5.0
    """How long a call may run before its answer becomes an event stream, so that no proxy times out."""
    keep_alive_seconds: float = 15.0
    """Pause after which an idle event stream sends a comment."""
    retry_ms: int = 1000
    """After this time a client should reconnect to a stream that the server closed."""
    calls_per_caller: int = 1000
    """Requests without a session that one caller runs at the same time; one more is refused with 429."""
    listens_per_caller: int = 100
    """`subscriptions/listen` streams that one caller has open; one more is refused with 429."""
    rounds: int = 20
    """How often one request may ask its client and be retried."""
    state_bytes: int = 64 * 1024
    """Longest `requestState`."""
    state_seconds: float = 600.0
    """How long a `requestState` is valid: the time a client has for one round."""
    stop_seconds: float = 3.0
    """How long running calls may take to finish when the server stops."""
