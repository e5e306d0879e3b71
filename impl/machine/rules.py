"""The rules of the machine, each a function on plain values, and the legal steps of a case as a table."""

from collections.abc import Mapping
from typing import Final

from impl.machine.operations import CaseState

__all__ = [
    "TRANSITIONS",
    "extends",
    "follows",
    "is_next",
    "is_repeated",
    "longest_unused",
    "may_move",
    "supersedes",
]

#: From which state a case goes to which. A case that has ended stays as it is, and no step leads to
#: where a case is already: a request that comes twice is a matter of sessions.
TRANSITIONS: Final[Mapping[CaseState, frozenset[CaseState]]] = {
    CaseState.CREATED: frozenset({CaseState.RUNNING, CaseState.CANCELLED}),
    CaseState.RUNNING: frozenset(
        {CaseState.SUSPENDED, CaseState.COMPLETED, CaseState.FAILED, CaseState.CANCELLED}
    ),
    CaseState.SUSPENDED: frozenset({CaseState.RUNNING, CaseState.CANCELLED}),
    CaseState.COMPLETED: frozenset(),
    CaseState.FAILED: frozenset(),
    CaseState.CANCELLED: frozenset(),
}


def may_move(before: CaseState, after: CaseState) -> bool:
    """Return whether a case may go from a state to another."""
    return after in TRANSITIONS[before]


def supersedes(version: int, in_force: int) -> bool:
    """Return whether a version of a policy replaces the one in force; 0 stands for none."""
    return version > in_force


def follows(version: int, written: int) -> bool:
    """Return whether a version of a record follows the written one; 0 stands for none."""
    return version == written + 1


def extends(base_id: str, latest_id: str) -> bool:
    """Return whether an overlay is built on the latest one; empty names stand for none."""
    return base_id == latest_id


def is_repeated(sequence: int, answered: int) -> bool:
    """Return whether a request is the latest that was answered (thesis, 6.3)."""
    return sequence == answered


def is_next(sequence: int, answered: int) -> bool:
    """Return whether a request is the one after the latest that was answered."""
    return sequence == answered + 1


def longest_unused(used: Mapping[int, int]) -> int:
    """The client whose session was used longest ago, from the log index of its last use for each.

    One log entry uses one session at most, so that there is one such client.
    """
    return min(used, key=lambda client: used[client])
