"""What goes wrong between replicas."""

__all__ = ["SharedStateError"]


class SharedStateError(Exception):
    """Redis cannot be reached, or refuses."""
