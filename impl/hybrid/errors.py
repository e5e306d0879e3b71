"""What an operator did wrong."""

__all__ = ["InvalidConfig"]


class InvalidConfig(ValueError):
    """The operator described a cluster that cannot be.

    Usual causes: not more than 3f replicas, a limit below 1.
    """
