"""The errors that the operator of a replica can meet; what peers do wrong is refused, and never raises."""

__all__ = ["InvalidConfig"]


class InvalidConfig(ValueError):
    """The operator described a replica, a cluster or keys that cannot be.

    Usual causes: too few replicas for the faults to be tolerated (it takes 3f + 1), a replica named
    twice, checkpoints rarer than the window allows, a key of the wrong length.
    """
