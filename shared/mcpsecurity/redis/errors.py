"""Errors of Redis as the replicas use it.

RedisUnavailableError
└── ClockSkewError
"""


class RedisUnavailableError(Exception):
    """Redis cannot be used at the moment: it cannot be reached, or it refused a command."""


class ClockSkewError(RedisUnavailableError):
    """This machine's clock differs too much from the clock of Redis."""
