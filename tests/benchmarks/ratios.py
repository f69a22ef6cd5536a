"""Comparing two things that were measured in turns, so that what else the machine did has met both."""

from statistics import median, pstdev
from typing import NamedTuple

__all__ = ["Times", "in_pairs"]


class Times(NamedTuple):
    """How many times as long one call takes as the other: the median of all turns, and its standard error."""

    ratio: float
    error: float

    @property
    def share(self) -> "Times":
        """Which share of the longer call is not in the other."""
        return Times(1 - 1 / self.ratio, self.error / self.ratio**2)

    @property
    def inverse(self) -> "Times":
        """The other call, times this one."""
        return Times(1 / self.ratio, self.error / self.ratio**2)


def in_pairs(ones: list[float], others: list[float]) -> Times:
    """Compare turn by turn. The error is without a twentieth at both ends: the machine did something else."""
    ratios = sorted(one / other for one, other in zip(ones, others, strict=True))
    ends = len(ratios) // 20
    spread = pstdev(ratios[ends : len(ratios) - ends])
    return Times(median(ratios), 1.25 * spread / len(ratios) ** 0.5)
