"""What goes wrong between replicas.

SharedStateError
└── ClockSkewError
"""

__all__ = ["ClockSkewError", "SharedStateError"]


class SharedStateError(Exception):
    """Redis cannot be reached, or refuses."""


class ClockSkewError(SharedStateError):
    """The clock of this machine differs too much from the one of Redis."""
