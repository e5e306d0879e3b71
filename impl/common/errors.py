"""The error that a node's operator can meet. Mistakes of peers are refused, and never raise."""

__all__ = ["InvalidConfig"]


class InvalidConfig(ValueError):
    """A configuration of a node, a cluster or keys is impossible.

    Usual causes: too few nodes for the faults to be tolerated (with Byzantine ones it takes 3f + 1), a node
    named twice, checkpoints rarer than the window allows, a key of the wrong length.
    """
