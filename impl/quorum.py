"""Quorum arithmetic: how many nodes must agree, and how many may fail. The one module that counts.

Everything here follows from one picture. Two sets of `a` and `b` nodes out of `n` share at least
`a + b - n` nodes. What two quorums must share decides how large a quorum is:

| faults    | two quorums must share         | so the quorum of n nodes is | live nodes can form one if |
|-----------|--------------------------------|-----------------------------|----------------------------|
| crash     | a node                         | `n // 2 + 1` (a majority)   | at most `(n - 1) // 2` crash |
| Byzantine | a correct node: `f + 1` nodes  | `ceil((n + f + 1) / 2)`     | `n >= 3f + 1`              |

The familiar `2f + 1` is the Byzantine quorum of `n = 3f + 1` nodes only. With five nodes and one
fault it is too small: {n1, n2, n3} and {n3, n4, n5} share only n3, which may be the faulty one.

A formula (`majority_formula`, ...) is the bare expression, made of `+`, `-` and `//` so that it also
takes terms of a solver: `models/quorum.py` proves, for every n and f, the very code that runs here.
The function of the same name without `_formula` checks its arguments first; protocol cores call that.

Sources: Ongaro and Ousterhout 2014, "In Search of an Understandable Consensus Algorithm" (Raft);
Castro and Liskov 1999, "Practical Byzantine Fault Tolerance"; Malkhi and Reiter 1998, "Byzantine
Quorum Systems" (the quorums here are its dissemination quorums).
"""

from collections.abc import Sequence
from typing import Protocol, Self, TypeVar

__all__ = [
    "Integer",
    "QuorumError",
    "byzantine_faults_tolerated",
    "byzantine_faults_tolerated_formula",
    "byzantine_nodes_needed",
    "byzantine_nodes_needed_formula",
    "byzantine_quorum",
    "byzantine_quorum_formula",
    "commit_index",
    "crash_faults_tolerated",
    "crash_faults_tolerated_formula",
    "has_majority",
    "majority",
    "majority_formula",
]


class QuorumError(ValueError):
    """A cluster, fault count or vote count that cannot be.

    The operator's configuration or the caller's bookkeeping is at fault, never a peer: what peers
    send is checked before it is counted.

    Attributes:
        name: the argument at fault, as the function names it.
        value: what was given for it.
    """

    def __init__(self, name: str, value: int, advice: str) -> None:
        self.name = name
        self.value = value
        super().__init__(f"{name} = {value}: {advice}")


class Integer(Protocol):
    """The operations that a formula needs of a number: an `int` has it, and so can a solver's integer term.

    `//` rounds down and is only ever given a positive constant.
    """

    def __add__(self, other: Self | int, /) -> Self:
        """The sum."""
        ...

    def __sub__(self, other: Self | int, /) -> Self:
        """The difference."""
        ...

    def __floordiv__(self, divisor: int, /) -> Self:
        """The quotient by a positive constant, rounded down."""
        ...


Number = TypeVar("Number", bound=Integer)


def majority_formula(n: Number) -> Number:
    """The least size such that any two sets of that size out of `n` nodes share a node, unchecked."""
    return n // 2 + 1


def crash_faults_tolerated_formula(n: Number) -> Number:
    """The number of `n` nodes that may crash while the others still form a majority, unchecked."""
    return n - majority_formula(n)


def byzantine_nodes_needed_formula(f: Number) -> Number:
    """The least number of nodes that tolerates `f` Byzantine ones, `3f + 1`, unchecked."""
    return f + f + f + 1


def byzantine_faults_tolerated_formula(n: Number) -> Number:
    """The greatest `f` with `3f + 1 <= n`, unchecked."""
    return (n - 1) // 3


def byzantine_quorum_formula(n: Number, f: Number) -> Number:
    """The ceiling of `(n + f + 1) / 2`, unchecked: one is added before halving, as `//` rounds down."""
    return (n + f + 2) // 2


def majority(n: int) -> int:
    """The size of a majority of a cluster.

    Source: Raft §5.2 (votes) and Fig. 2 (commit rule); RAFT-5.

    Args:
        n: the number of servers, this one included.

    Returns:
        The least size such that any two sets of that many servers have one in common: 3 of 5, 8 of 14.

    Raises:
        QuorumError: n < 1.
    """
    _check_nodes(n)
    return majority_formula(n)


def crash_faults_tolerated(n: int) -> int:
    """The number of crashed servers that a cluster with majority quorums rides out.

    Source: Raft §5.1 (five servers tolerate two failures); RAFT-5.

    Args:
        n: the number of servers.

    Returns:
        How many may be down while the rest is still a majority: 2 of 5, and 6 of 13 as of 14.

    Raises:
        QuorumError: n < 1.
    """
    _check_nodes(n)
    return crash_faults_tolerated_formula(n)


def byzantine_faults_tolerated(n: int) -> int:
    """The number of Byzantine nodes that a cluster can hold and still be safe and live.

    Source: Castro and Liskov 1999, §3 (3f + 1 is the minimum); PBFT-6.

    Args:
        n: the number of nodes; any number, not only one of the form 3f + 1.

    Returns:
        The greatest f below n / 3: 1 of 4, 5 or 6; 2 of 7.

    Raises:
        QuorumError: n < 1.
    """
    _check_nodes(n)
    return byzantine_faults_tolerated_formula(n)


def byzantine_nodes_needed(f: int) -> int:
    """The number of nodes that it takes to tolerate Byzantine ones.

    Source: Castro and Liskov 1999, §3 (3f + 1 is the minimum); PBFT-6.

    Args:
        f: the number of Byzantine nodes to tolerate.

    Returns:
        3f + 1: 4 for one, 7 for two.

    Raises:
        QuorumError: f < 0.
    """
    _check_faults(f)
    return byzantine_nodes_needed_formula(f)


def byzantine_quorum(n: int, f: int) -> int:
    """The size of a quorum when some nodes may lie.

    Source: Malkhi and Reiter 1998, on dissemination quorum systems; Castro and Liskov 1999, §4.2,
    where it is 2f + 1 because n is 3f + 1; PBFT-6.

    Args:
        n: the number of nodes; any number, not only 3f + 1.
        f: how many of them may be Byzantine.

    Returns:
        The least size such that any two sets of that many nodes have f + 1 in common, so at least a
        correct one: 3 for (4, 1), 4 for (5, 1), 5 for (7, 2). The correct nodes alone can form it
        exactly if n >= 3f + 1.

    Raises:
        QuorumError: n < 1, f < 0, or f >= n (then no set of nodes is sure to hold a correct one).
    """
    _check_nodes(n)
    _check_faults(f)
    if f >= n:
        raise QuorumError(
            "f",
            f,
            f"with n = {n} nodes no quorum is sure to hold a correct one. Tolerate at most "
            f"{byzantine_faults_tolerated_formula(n)}, or use {byzantine_nodes_needed_formula(f)} nodes",
        )
    return byzantine_quorum_formula(n, f)


def has_majority(votes: int, n: int) -> bool:
    """Return whether so many votes are a majority.

    Source: Raft §5.2; RAFT-1.

    Args:
        votes: how many different servers gave their vote, the candidate included.
        n: the number of servers.

    Returns:
        True exactly if they are at least `majority(n)`: no second candidate can have as many in that term.

    Raises:
        QuorumError: n < 1, votes < 0, or votes > n (then a server was counted twice).
    """
    _check_nodes(n)
    if votes < 0:
        raise QuorumError("votes", votes, "a count of votes starts at 0. Count the set of servers that voted")
    if votes > n:
        raise QuorumError(
            "votes",
            votes,
            f"only n = {n} servers can vote. Count the set of voters, so that a repeated vote counts once",
        )
    return votes >= majority_formula(n)


def commit_index(match_index: Sequence[int]) -> int:
    """The greatest log index that a majority of the servers hold.

    Source: Raft Fig. 2, "Rules for Servers", leaders: an N such that a majority of
    matchIndex[i] >= N. The figure asks for more: log[N].term must be the leader's current term
    (§5.4.2, Fig. 8). That is the caller's to check, since only the log knows terms. RAFT-2.

    Args:
        match_index: for each server the highest index known to be replicated on it; the leader's own
            last index is one of them. The order does not matter.

    Returns:
        The greatest such index, 0 if a majority holds no entry.

    Raises:
        QuorumError: no server is given, or an index is negative.
    """
    n = len(match_index)
    _check_nodes(n)
    descending = sorted(match_index, reverse=True)
    if descending[-1] < 0:
        raise QuorumError(
            "match_index", descending[-1], "a log index starts at 1, and 0 says that nothing is held"
        )
    return descending[majority_formula(n) - 1]


def _check_nodes(n: int) -> None:
    if n < 1:
        raise QuorumError("n", n, "a cluster has at least one node. Count every member, this one included")


def _check_faults(f: int) -> None:
    if f < 0:
        raise QuorumError("f", f, "a count of faulty nodes starts at 0. Use 0 for a cluster without faults")
