"""The error that the operator of a node can meet; what peers do wrong is refused, and never raises."""

__all__ = ["InvalidConfig"]


class InvalidConfig(ValueError):
    """The operator described a node, a cluster or keys that cannot be.

    Usual causes: too few nodes for the faults to be tolerated (with Byzantine ones it takes 3f + 1), a node named
    twice, checkpoints rarer than the window allows, a key of the wrong length.
    """
