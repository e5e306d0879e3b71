"""Errors that an operator can meet, each told in one message."""

__all__ = ["BadFrame", "DamagedLog", "NodeError"]


class NodeError(Exception):
    """A mistake of an operator, or a state of the machine, that keeps a node from running.

    The message says what is wrong and what to do about it.
    """


class DamagedLog(NodeError):
    """A write-ahead log holds something else than what was written and synced.

    Usual causes: a disk that changes bits, a file that somebody edited or copied in part, a folder of another
    node. The node must not start from it: it would forget votes and entries that others rely on.
    """


class BadFrame(NodeError):
    """Bytes from outside are no message: too long, no JSON, or of another shape.

    The connection on which they came is closed; nothing of them was used.
    """
