"""Comparing two things that were measured in turns, so that what else the machine did has met both."""

from statistics import fmean, median, pstdev, stdev
from typing import NamedTuple

__all__ = ["Times", "in_pairs", "in_rounds"]


class Times(NamedTuple):
    """How many times as long one call takes as the other, and the standard error of that."""

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


def in_rounds(rounds: list[Times]) -> Times:
    """Return the mean of rounds that each had processes of their own; one round has its own error only."""
    if len(rounds) == 1:
        return rounds[0]
    ratios = [times.ratio for times in rounds]
    return Times(fmean(ratios), stdev(ratios) / len(ratios) ** 0.5)
