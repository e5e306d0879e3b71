"""What must never happen in a Raft cluster, told on its observed states, without the spec.

A second opinion, and deliberately naive: each property is written from the paper (Figure 3) on the
states and effects of the implementation, so that it holds even where spec and implementation err
alike. `Safety` is told every state, every applied value and every message of a run.
"""

from collections.abc import Hashable, Iterator
from itertools import combinations

from impl import raft
from tlacheck.trace import State
from tlacheck.values import Value

__all__ = ["Broken", "Safety"]

#: A broken property: its name in the spec, and a line that says what is wrong.
Broken = tuple[str, str]


class Safety:
    """Watches one run.

    `step` is told the states before and after each step, `applied` and `sent` each effect of that kind.
    """

    def __init__(self) -> None:
        self._leaders: dict[int, str] = {}
        self._first_applied: dict[int, tuple[str, Hashable]] = {}
        self._votes: dict[tuple[str, int], str] = {}
        self._breaches: list[Broken] = []

    def applied(self, node: str, index: int, value: Hashable) -> None:
        """A server applied `value` at log index `index`."""
        first, earlier = self._first_applied.setdefault(index, (node, value))
        if earlier != value:
            self._breaches.append(
                (
                    "StateMachineSafety",
                    f"at log index {index} {first} applied {earlier} and {node} applied {value}",
                )
            )

    def sent(self, message: raft.Message) -> None:
        """A server sent a message. What it says of votes binds the server, also after a crash (5.2)."""
        match message:
            case raft.RequestVoteRequest(source=server, term=term):
                candidate = server
            case raft.RequestVoteResponse(source=server, term=term, dest=candidate, vote_granted=True):
                pass
            case _:
                return
        first = self._votes.setdefault((server, term), candidate)
        if first != candidate:
            self._breaches.append(
                ("VoteStands", f"{server} sent votes for {first} and for {candidate} in term {term}")
            )

    def step(self, before: State, after: State, restarted: Value | None) -> Broken | None:
        """The first property that this step broke; None if all hold.

        Args:
            before: the state before the step.
            after: the state after it.
            restarted: the server that came back from a crash in this step, if one did.
        """
        self._breaches.extend(self._state(after))
        self._breaches.extend(_step(before, after, restarted))
        return self._breaches[0] if self._breaches else None

    def _state(self, state: State) -> Iterator[Broken]:
        servers = sorted(state["role"])
        for server in servers:
            if state["role"][server] == "Leader":
                term = state["currentTerm"][server]
                first = self._leaders.setdefault(term, server.name)
                if first != server.name:
                    yield "ElectionSafety", f"{first} and {server} both lead term {term}"
                lost = [
                    index
                    for index, item in enumerate(state["committed"], start=1)
                    if item["term"] < term and state["log"][server][index - 1 : index] != (item["entry"],)
                ]
                if lost:
                    yield (
                        "LeaderCompleteness",
                        f"{server} leads term {term} without the committed entry {lost[0]}",
                    )
            if state["commitIndex"][server] > len(state["log"][server]):
                yield "CommitIndexInLog", f"{server} holds as committed an entry that it has not got"
        for one, other in combinations(servers, 2):
            logs = state["log"][one], state["log"][other]
            for index in range(min(map(len, logs)), 0, -1):
                if logs[0][index - 1]["term"] == logs[1][index - 1]["term"]:
                    if logs[0][:index] != logs[1][:index]:
                        yield (
                            "LogMatching",
                            f"{one} and {other} agree at log index {index} and differ before it",
                        )
                    break


def _step(before: State, after: State, restarted: Value | None) -> Iterator[Broken]:
    for server in sorted(before["role"]):
        old_term, new_term = before["currentTerm"][server], after["currentTerm"][server]
        old_log, new_log = before["log"][server], after["log"][server]
        old_commit, new_commit = before["commitIndex"][server], after["commitIndex"][server]
        led = before["role"][server] == after["role"][server] == "Leader" and old_term == new_term
        if new_term < old_term:
            yield "TermMonotonic", f"the term of {server} went back from {old_term} to {new_term}"
        old_vote, new_vote = before["votedFor"][server], after["votedFor"][server]
        if new_term == old_term and old_vote.name != "Nil" and new_vote != old_vote:
            yield "VoteStands", f"{server} voted for {old_vote} in term {old_term} and now for {new_vote}"
        if led and new_log[: len(old_log)] != old_log:
            yield "LeaderAppendOnly", f"leader {server} changed or removed entries of its own log"
        if led and old_commit < new_commit <= len(new_log) and new_log[new_commit - 1]["term"] != new_term:
            earlier = new_log[new_commit - 1]["term"]
            yield (
                "LeaderCommitsOwnTerm",
                f"leader {server} of term {new_term} committed directly an entry of term {earlier}",
            )
        if new_commit < old_commit and server != restarted:
            yield (
                "CommitIndexMonotonic",
                f"the commit index of {server} went back from {old_commit} to {new_commit}",
            )
        if new_log[:old_commit] != old_log[:old_commit]:
            yield (
                "CommittedStays",
                f"{server} changed or removed an entry up to its commit index {old_commit}",
            )
        if led and any(
            after["matchIndex"][server][peer] < match for peer, match in before["matchIndex"][server].items()
        ):
            yield "MatchIndexMonotonic", f"leader {server} forgot what a peer holds"
