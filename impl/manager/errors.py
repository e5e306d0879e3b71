"""The errors of the manager."""

__all__ = [
    "BadEngine",
    "BadOperation",
    "EngineMissing",
    "EngineUnavailable",
    "ManagerError",
    "NotHere",
    "UnknownTicket",
    "UnsafePolicy",
]


class ManagerError(Exception):
    """The manager refused something. Nothing was handed to any engine."""


class BadOperation(ManagerError, ValueError):
    """This is no operation, or its type is a near miss of one in the tables.

    Usual causes: another spelling of a type, such as `Model Update` for `model update`; data that cannot be
    hashed, such as a list, which no log can hold.
    """


class BadEngine(ManagerError, ValueError):
    """This engine cannot be registered.

    It is no engine, its name is taken, or it promises something else.
    """


class UnsafePolicy(ManagerError, ValueError):
    """A policy would let a weaker protocol stand in for a stronger one."""


class EngineMissing(ManagerError, LookupError):
    """The operation is for a protocol that has no engine here.

    Usual cause: the manager was set up without it. Register one, or submit what is for it elsewhere.
    """


class EngineUnavailable(ManagerError, RuntimeError):
    """The operation's protocol does not work at present, and nothing may stand in for it.

    Nothing was submitted: try again later. To let Raft be stood in for by PBFT, agree on a `Policy`.
    """


class NotHere(ManagerError, RuntimeError):
    """The protocol works, and another node takes its operations: submit it there."""


class UnknownTicket(ManagerError, LookupError):
    """Nothing of this number is open.

    Usual causes: it was finished before, or its engine was stopped, and its outcome is unknown.
    """
