"""Switches by which a test makes the tenant fail as a real one does."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from mcpsecurity.localcloud.entra.aadsts import StsCode

__all__ = ["Faults"]


@dataclass(slots=True)
class Faults:
    """What is wrong with the tenant just now; all off at the start, `clear()` turns all off again.

    Attributes:
        down: every endpoint of the tenant answers 503.
        delay: seconds that every answer of the tenant takes longer.
        clock_skew: seconds by which the tenant's clock is ahead (negative: behind).
        consent_required: the administrator's consent is gone, so each person has to consent for herself.
        metadata: members to change in the discovery document; None takes a member away.
        refusals: the token endpoint refuses its next requests with these codes, one each.
        claims: the claims challenge (JSON text) that goes with `refusals`.
    """

    down: bool = False
    delay: float = 0.0
    clock_skew: float = 0.0
    consent_required: bool = False
    metadata: dict[str, Any] = field(default_factory=dict)
    refusals: deque[StsCode] = field(default_factory=deque)
    claims: str | None = None

    def clear(self) -> None:
        """Turn everything off."""
        self.down, self.delay, self.clock_skew, self.consent_required = False, 0.0, 0.0, False
        self.metadata, self.refusals, self.claims = {}, deque(), None
