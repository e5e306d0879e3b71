"""Raft at work: the timers and duties of a server, its clients, its state machine.

The core is given an input only when it is due, as `specs/raft` has it: a leader has no election timeout, and
a tick counts while a server stays with a leader that it heard. A leader sends what a peer lacks at once.
"""

import asyncio
import enum
import random
from collections.abc import Mapping
from typing import Any

from impl import machine, raft
from impl.raft import rules
from node.engine import Effects, Engine, Timing, Unanswered, fail
from node.errors import BadFrame
from node.proposals import Proposal, command_of, shown_answer
from node.raft_core import ELECTION_TICKS, RaftCore
from node.reads import checked_key, value_of

__all__ = ["RaftEngine"]


class Due(enum.Enum):
    """The purpose of a timer."""

    ELECTION = "election"
    SEND = "send"
    DUTIES = "duties"


class RaftEngine(Engine):
    """A Raft server at work.

    Args:
        core: its core.
        timing: the cluster's.
        rng: draws election timeouts.

    Attributes:
        machine: the state machine.
    """

    state: raft.Node

    def __init__(self, core: RaftCore, timing: Timing, rng: random.Random) -> None:
        super().__init__(core)
        self.machine = machine.initial()
        self._timing = timing
        self._random = rng
        self._leader: str | None = None
        self._waiting: dict[int, tuple[int, asyncio.Future[Any]]] = {}
        self._reading: dict[str, tuple[str, asyncio.Future[Any]]] = {}
        self._reads = 0
        self._ticks: int | None = None
        self._is_news = False
        self._to_apply: int | None = None

    # --- clients and operators

    def wanted(self, request: Mapping[str, Any]) -> Any:
        """Return the proposal, or the key to read, of a client's request; None if it is neither.

        Raises:
            BadFrame: the command or the key is none.
        """
        match request:
            case {"propose": str(text)}:
                proposal = Proposal(text)
                command_of(proposal)
                return proposal
            case {"read": str(key)}:
                return checked_key(key)
        return None

    def said(self, what: Any, answer: Any) -> dict[str, Any]:
        """Return the answer to a proposal or a read, as JSON."""
        return {"answer": shown_answer(answer)} if isinstance(what, Proposal) else {"value": answer}

    @property
    def leader(self) -> str | None:
        """The node that leads, as far as it knows."""
        return self._leader

    @property
    def is_ready(self) -> bool:
        """True if it knows who leads, and has applied all that was committed when it came."""
        if isinstance(self.state.role, raft.Leader):
            return rules.committed_in_its_term(self.state)
        return (
            self._leader is not None
            and self._to_apply is not None
            and self.host.counts.applied >= self._to_apply
        )

    @property
    def role(self) -> str:
        """Follower, PreCandidate, Candidate or Leader."""
        return type(self.state.role).__name__

    def numbers(self) -> dict[str, int]:
        """Return term, ends of the log, and what is committed and applied."""
        return {
            "term": self.state.durable.current_term,
            "last_index": self.state.durable.last_index,
            "commit_index": self.state.commit_index,
            "applied_index": self.host.counts.applied,
        }

    # --- what comes in

    def begin(self) -> None:
        """Wait for a leader."""
        self.host.set_timer(Due.ELECTION, self._election_s())

    def _election_s(self) -> float:
        return self._timing.election_ms * self._random.uniform(1, 2) / 1000

    def before_input(self) -> None:
        """Count what the clock has ticked since the last step; only while a tick means something."""
        tick_s = self._timing.election_ms / 1000 / ELECTION_TICKS
        now = int(asyncio.get_running_loop().time() / tick_s)
        passed = 0 if self._ticks is None else now - self._ticks
        self._ticks = now
        for _ in range(min(passed, ELECTION_TICKS)):
            if self.state.heard:
                self.host.give(raft.Tick())

    def heard(self, message: raft.Message) -> None:
        """Know who leads, and how much was committed when this server first heard it."""
        if isinstance(message, raft.AppendEntriesRequest) and message.term == self.durable.current_term:
            self._leader = message.source
            if self._to_apply is None:
                self._to_apply = message.leader_commit

    def fire(self, due: Due) -> None:
        """Campaign, send to all, or check the quorum; a timer of another role is in vain."""
        node = self.state
        leads = isinstance(node.role, raft.Leader)
        match due:
            case Due.ELECTION if leads:
                pass  # it is set again when the leader steps down
            case Due.ELECTION if node.heard or not rules.may_campaign(node):
                self.host.set_timer(Due.ELECTION, self._election_s())
            case Due.ELECTION:
                self.host.give(raft.Timeout())
            case Due.SEND if leads:
                self.host.set_timer(Due.SEND, self._timing.heartbeat_ms / 1000)
                self._send_to_all()
            case Due.DUTIES if leads:
                self.host.set_timer(Due.DUTIES, self._timing.election_ms / 1000)
                self.host.give(raft.CheckQuorum())

    def ask(self, what: Any, future: asyncio.Future[Any]) -> None:
        """Append a proposal, or begin a read by ReadIndex (thesis, 6.4)."""
        if isinstance(what, Proposal):
            self._propose(what, future)
        else:
            self._read(what, future)

    def _propose(self, proposal: Proposal, future: asyncio.Future[Any]) -> None:
        self.host.counts.proposals_submitted += 1
        refusal = _refusal(self.host.give(raft.ClientRequest(proposal)))
        if refusal:
            fail(future, refusal, may_happen=False)
            return
        durable = self.state.durable
        self._waiting[durable.last_index] = (durable.current_term, future)

    def _read(self, key: str, future: asyncio.Future[Any]) -> None:
        self._reads += 1
        name = f"r_{self.core.node}_{self.host.start_number()}_{self._reads}"
        self._reading[name] = (key, future)
        refusal = _refusal(self.host.give(raft.ReadIndex(name)))
        if refusal:
            del self._reading[name]
            fail(future, refusal, may_happen=False)
        else:
            self._is_news = True

    def settle(self) -> None:
        """A leader sends what a peer lacks at once, and asks all if a read waits for their answers."""
        role = self.state.role
        if not isinstance(role, raft.Leader):
            return
        if self._is_news:
            self._is_news = False
            self._send_to_all()
            return
        last, room = self.state.durable.last_index, self.state.config.unacknowledged_max
        for progress in role.progress:
            if progress.next_index <= last and progress.next_index - progress.match_index <= room:
                self.host.give(raft.AppendEntries(progress.peer))

    def _send_to_all(self) -> None:
        role = self.state.role
        if isinstance(role, raft.Leader):
            for progress in role.progress:
                self.host.give(raft.AppendEntries(progress.peer))

    # --- what it asks for

    def stepped(self, effects: Effects) -> None:
        """Note a change of role, and when it heard of a leader or voted."""
        for effect in effects:
            match effect:
                case raft.ResetElectionTimer():
                    self.host.set_timer(Due.ELECTION, self._election_s())
                case raft.BecameLeader():
                    self._lead()
                case raft.SteppedDown():
                    self._follow()

    def _lead(self) -> None:
        self.host.counts.leader_elections += 1
        self._leader = self.core.node
        self._is_news = True
        self.host.set_timer(Due.SEND, self._timing.heartbeat_ms / 1000)
        self.host.set_timer(Due.DUTIES, self._timing.election_ms / 1000)

    def _follow(self) -> None:
        self._leader = None
        self._is_news = False
        self.host.stop_timer(Due.SEND)
        self.host.stop_timer(Due.DUTIES)
        self.host.set_timer(Due.ELECTION, self._election_s())

    def carry_out(self, effects: Effects) -> None:
        """Apply what is committed, and answer proposals and reads."""
        for effect in effects:
            match effect:
                case raft.Apply(index=index, value=value):
                    self._apply(index, value)
                case raft.ReadReady(read=str(read)):
                    self._answer_read(read)
                case raft.ReadFailed(read=str(read)):
                    _, future = self._reading.pop(read)
                    fail(future, "this server stopped leading", may_happen=False)
                case raft.SteppedDown():
                    self._forget_waiting()

    def _apply(self, index: int, value: object) -> None:
        self.host.point.reach("before apply")
        self.machine, answer = machine.apply(self.machine, _command(value))
        self.host.counts.applied = index
        self.host.point.reach("after apply")
        term, future = self._waiting.pop(index, (0, None))
        if future is None:
            return
        if self.state.durable.term_at(index) != term:
            fail(future, "another leader's entry took its place", may_happen=False)
        elif not future.done():
            self.host.counts.proposals_committed += 1
            self.host.point.reach("before answer")
            future.set_result(answer)

    def _answer_read(self, read: str) -> None:
        key, future = self._reading.pop(read)
        if not future.done():
            self.host.point.reach("before answer")
            future.set_result(value_of(self.machine, key))

    def _forget_waiting(self) -> None:
        """A server that leads no more does not wait for what it appended: nobody knows what becomes of it."""
        waiting, self._waiting = self._waiting, {}
        for _, future in waiting.values():
            fail(future, "this server stopped leading before the entry was committed", may_happen=True)

    def end(self, reason: Unanswered) -> None:
        """Tell all who wait that there will be no answer."""
        futures = [future for _, future in (*self._waiting.values(), *self._reading.values())]
        for future in futures:
            fail(future, str(reason), may_happen=reason.may_happen)


def _refusal(effects: Effects) -> str:
    """The reason why an input was refused; empty if it was not."""
    return next((each.reason for each in effects if isinstance(each, raft.Refused)), "")


def _command(value: object) -> object:
    """The command in an entry; of one that is none, the value as it is, which changes nothing."""
    if not isinstance(value, Proposal):
        return value
    try:
        return command_of(value)
    except BadFrame:
        return value
