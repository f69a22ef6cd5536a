"""Which revisions this era speaks, and how one is agreed upon."""

from typing import Final

__all__ = ["LATEST_VERSION", "SUPPORTED_VERSIONS", "has_batches", "has_priming", "negotiated"]

SUPPORTED_VERSIONS: Final = ("2025-03-26", "2025-06-18", "2025-11-25")
LATEST_VERSION: Final = SUPPORTED_VERSIONS[-1]


def negotiated(requested: str) -> str:
    """Return the version to answer an `initialize` with: the client's if we speak it, else our latest."""
    return requested if requested in SUPPORTED_VERSIONS else LATEST_VERSION


def has_batches(version: str) -> bool:
    """Tell whether a POST may carry several messages: 2025-03-26 only."""
    return version == "2025-03-26"


def has_priming(version: str) -> bool:
    """Tell whether a stream begins with an event that the client can resume from: since 2025-11-25.

    Older clients would read its empty data as a message.
    """
    return version >= "2025-11-25"
