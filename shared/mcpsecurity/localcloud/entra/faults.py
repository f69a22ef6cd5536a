"""Switches by which a test makes the tenant fail as a real one does."""

from dataclasses import dataclass, field
from typing import Any

from mcpsecurity.localcloud.entra.errors import EntraError, StsCode


@dataclass(frozen=True, slots=True)
class _Refusal:
    code: StsCode
    grant_type: str | None
    claims: str | None


@dataclass(slots=True)
class Faults:
    """Faults of the tenant; all are off at the start, `clear()` turns all off again.

    Attributes:
        down: every endpoint of the tenant answers 503.
        delay: seconds that every answer of the tenant takes longer.
        clock_skew: seconds by which the tenant's clock is ahead (negative: behind).
        consent_required: the administrator's consent is gone, so that each person has to consent for herself.
        metadata: members to change in the discovery document; None takes a member away.
    """

    down: bool = False
    delay: float = 0.0
    clock_skew: float = 0.0
    consent_required: bool = False
    metadata: dict[str, Any] = field(default_factory=dict)
    _refusals: list[_Refusal] = field(default_factory=list)

    def refuse(self, code: StsCode, *, grant_type: str | None = None, claims: str | None = None) -> None:
        """Refuse one of the next token requests with `code`: the next one, or the next of `grant_type`.

        Args:
            code: a constant of `Sts`.
            grant_type: as on the wire.
            claims: a claims challenge (JSON text) that comes with the refusal, as from conditional access.
        """
        self._refusals.append(_Refusal(code, grant_type, claims))

    def raise_refusal(self, grant_type: str) -> None:
        """Raise the refusal that is due for a token request, if one is."""
        for refusal in self._refusals:
            if refusal.grant_type in {None, grant_type}:
                self._refusals.remove(refusal)
                raise EntraError(refusal.code, claims=refusal.claims)

    def clear(self) -> None:
        """Turn everything off."""
        self.down, self.delay, self.clock_skew, self.consent_required = False, 0.0, 0.0, False
        self.metadata, self._refusals = {}, []
