"""A judge of hybrid runs, independent of the spec: checks the guarantees of docs/hybrid.md on messages.

`Safety` sees every step of every correct replica, in order, and what clients ask for and accept. It remembers
all votes, QCs, aborts and switch-back votes, takes of the agreed log only the batch decided at each place,
and folds these into the control state by its own rules.

| property              | says                                                                               |
|-----------------------|------------------------------------------------------------------------------------|
| `OneDecision`         | correct replicas decide the same at one place, and have the same control |
|                       | state there                                                                        |
| `SwitchIsProved`      | an epoch ends only by n - f genuine aborts with the prefix of the highest QC, or   |
|                       | by a quorum of genuine switch-back votes                                           |
| `LevelsMap`           | the protocol of an epoch follows from why the one before ended; nobody serves a    |
|                       | Raft epoch at High or above                                                        |
| `Kept`                | what a client accepted is in each later control state, with the same result;       |
|                       | replicas that locked it keep it as long as the epoch lasts                         |
| `Once`                | the control state, also the speculative one, is what its operations lead to, each  |
|                       | done once                                                                          |
| `Validity`            | each operation that is done was asked for by its client                            |
| `QCsAgree`            | QCs of one epoch and term are for one log                                          |
| `QCIsProved`          | a quorum voted for each locked QC                                                  |
| `VotesGrow`           | a correct replica votes for one prefix in a place, in growing terms, for growing   |
|                       | prefixes in a term, beyond its lock (A1, A2)                                       |
| `LocksGrow`           | its locks grow, and none is of an earlier term than it voted in (H1)               |
| `AbortedIsSilent`     | after its abort it votes and locks no more in that epoch, also after a crash; it   |
|                       | signs one abort                                                                    |
| `OneEpoch`            | what enough correct replicas locked in an epoch for a client to accept is part of  |
|                       | what the next one took over                                                        |
| `NobodyAlone`         | a correct replica aborts, or votes to switch back, for a reason that it has; each  |
|                       | epoch ends for such a reason                                                       |
| `NoFlapping`          | a BFT epoch lasts for its cooldown at a quorum                                     |
| `HonestIsNeverProved` | nobody has proof against a correct replica                                         |
| `HonestIsTaken`       | the messages of a correct replica make nobody suspicious                           |
| `DurableStays`        | the state that a replica relies on in its messages is on its disk, and survives a  |
|                       | crash                                                                              |

`Linearizable` judges the histories of clients. The harness adds `Total` (no step raises), `protocol.py`
progress.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import attrs

from impl import hybrid, pbft, raft
from impl.common.requests import Batch
from impl.quorum import byzantine_quorum
from property_tests.hybrid.host import ReplicaStep, configs_of, replica_step
from tlacheck.harness import Broken, Finding, Judge, Met, Size
from tlacheck.histories import Legality, Limits, check, key_value
from tlacheck.histories import Recorder as Notes
from tlacheck.sim import Notify, Send, StepRecord

__all__ = ["THERE_AND_BACK", "Linearizable", "Page", "Safety"]

#: A run that switches in both directions meets this.
THERE_AND_BACK: Final = "a run switches there and back"

#: A property that does not hold, and why.
_Wrong: TypeAlias = tuple[str, str]
#: The cost of the check of a history.
_LIMITS: Final = Limits(configurations=400_000)

#: What stands at an index of a prefix: (client, timestamp, operation, signature), None for a no-op.
_LogEntry: TypeAlias = tuple[str, int, pbft.Value, bytes] | None
_Prefix: TypeAlias = tuple[_LogEntry, ...]

#: The level from which on Raft is not good enough.
_HIGH: Final = 3


@attrs.frozen(kw_only=True)
class Page:
    """The control state at one number of PBFT, by the judge's own fold.

    Attributes:
        epoch: the epoch.
        protocol: its protocol.
        value: the state of the service.
        sessions: of each client the sequence of its last operation that was done, and the result.
        done: how many operations were done.
        fruitless: how many Raft epochs in a row ended in BFT before anything was done in them.
        answered: of each client of PBFT the timestamp of its last request that was executed.
    """

    epoch: int
    protocol: str
    value: pbft.Value
    sessions: Mapping[str, tuple[int, pbft.Value]] = attrs.field(factory=dict)
    done: int = 0
    fruitless: int = 0
    answered: Mapping[str, int] = attrs.field(factory=dict)


@attrs.frozen
class _Locked:
    """A locked QC's term, and its prefix."""

    epoch: int
    term: int
    prefix: _Prefix


class Safety(Judge):
    """A judge of the steps of the correct replicas of one run.

    Args:
        size: the cluster.
        configs: the configuration of each replica; the usual ones, if None.

    Attributes:
        pages: the control state at each place of the agreed log, as far as something was decided.
        reasons: of each correct replica and Raft epoch, why it aborted.
        taken_over: by epoch, the prefix that its end took over.
        last_accepted: by client, the last result that it accepted.
    """

    def __init__(self, size: Size, configs: Mapping[str, hybrid.Config] | None = None) -> None:
        configs = configs if configs is not None else configs_of(size)
        one = next(iter(configs.values()))
        self._configs = {name: config for name, config in configs.items() if name not in size.byzantine}
        configs = self._configs
        self._service, self._n, self._f, self._keys = one.service, one.n, one.f, one.keys
        self._replicas = one.replicas
        self._quorum = byzantine_quorum(one.n, one.f)
        self.pages = {0: Page(epoch=0, protocol="raft", value=one.service.initial)}
        self._place = 0
        self.taken_over: dict[int, _Prefix] = {}
        self.reasons: dict[tuple[str, int], str] = {}
        self._decided: dict[int, tuple[str, Batch]] = {}
        self._controls: dict[int, tuple[str, hybrid.ControlState]] = {}
        self._void: dict[int, str] = {}
        self._bases: dict[int, Page] = {0: self.pages[0]}
        self._results: dict[tuple[str, int], pbft.Value] = {}
        self._asked: set[tuple[str, int, pbft.Value]] = set()
        self._accepted: dict[int, list[tuple[str, hybrid.Accepted]]] = {}
        self._prefixes: dict[tuple[int, str], _Prefix] = {}
        self._votes: dict[tuple[str, int, int, int], str] = {}
        self._last_vote: dict[str, _Locked] = {}
        self._locked: dict[str, _Locked] = {}
        self._certified: dict[tuple[int, int], _Prefix] = {}
        self._aborts: dict[tuple[str, int], tuple[str, tuple[int, int, str] | None]] = {}
        self._switchbacks: set[tuple[str, int]] = set()
        self._ticks: dict[str, int] = dict.fromkeys(configs, 0)
        self._entered: dict[str, int] = dict.fromkeys(configs, 0)
        self._began: dict[int, dict[str, int]] = {}
        self._disks: dict[str, hybrid.Durable] = {}
        self._said: dict[int, Any] = {}
        self._switched: set[tuple[int, str]] = set()
        self._directions: set[str] = set()
        self.last_accepted: dict[str, hybrid.Accepted] = {}

    @property
    def page(self) -> Page:
        """The control state as far as anything was decided."""
        return self.pages[self._place]

    # --- what the harness tells

    def on_step(self, record: StepRecord) -> Iterator[Finding]:
        """Judge a step of a correct replica, or what a client asks for or accepts."""
        taken = replica_step(record)
        if taken is not None:
            yield from (Broken(*each) for each in self._step(taken))
            yield from (Met(goal) for goal in self._switches(taken))
            return
        for command in record.commands:
            match command:
                case Send(message=pbft.Request() as request):
                    self.asked(request)
                case Notify(what=hybrid.Accepted() as accepted):
                    self.last_accepted[record.node] = accepted
                    yield Met(f"an operation is accepted {'by a QC' if accepted.term else 'as committed'}")
                    yield from (Broken(*each) for each in self._accepts(record.node, accepted))

    def on_restart(self, node: str, state: Any) -> Iterator[Finding]:
        """Judge a replica that recovered."""
        if node not in self._configs:
            return
        replica: hybrid.Node = state.node
        yield Met("a replica recovers from a crash")
        if replica.raft_epoch is not None and replica.serving is None:
            yield Met("a replica recovers aborted")
        yield from (Broken(*each) for each in self._came_back(node, replica))
        yield from (Broken(*each) for each in self._stands(node, replica))

    def on_request(self, node: str, inp: Any) -> Iterator[Finding]:
        """Take note of a request that a Byzantine client signed."""
        del node
        match inp:
            case hybrid.Receive(message=pbft.Request() as request):
                self.asked(request)
        return iter(())

    def on_end(self) -> Iterator[Finding]:
        """Count a run with switches in both directions."""
        if self.is_there_and_back:
            yield Met(THERE_AND_BACK)

    @property
    def is_there_and_back(self) -> bool:
        """True if the cluster switched in both directions."""
        return {"raft to bft", "bft to raft"} <= self._directions

    # --- clients

    def asked(self, request: pbft.Request) -> None:
        """Note a request that a client signed, whether or not the client is correct."""
        match request.operation:
            case ("operate", int() as sequence, what):
                self._asked.add((request.client, sequence, what))

    def _accepts(self, client: str, accepted: hybrid.Accepted) -> Iterator[_Wrong]:
        """The properties that a result breaks which a client accepts now."""
        if accepted.term == 0 or accepted.epoch < self.page.epoch:
            yield from self._is_kept(client, accepted)
            return
        self._accepted.setdefault(accepted.epoch, []).append((client, accepted))
        having = 0
        for name, locked in self._locked.items():
            has = locked.epoch == accepted.epoch and _has(locked.prefix, client, accepted.sequence)
            having += has
            if locked.epoch == accepted.epoch and locked.term > accepted.term and not has:
                yield (
                    "Kept",
                    (
                        f"{client} accepts operation {accepted.sequence}, and {name} has locked a later "
                        "term without"
                    ),
                )
        if having < self._quorum - self._f:
            yield (
                "Kept",
                (
                    f"{client} accepts operation {accepted.sequence}, which {having} correct replicas have "
                    "locked"
                ),
            )

    def _is_kept(self, client: str, accepted: hybrid.Accepted) -> Iterator[_Wrong]:
        result = self._results.get((client, accepted.sequence), ...)
        if result is ... or result != accepted.result:
            wrong = "is not in the control state" if result is ... else f"has the result {result!r} there"
            yield (
                "Kept",
                (
                    f"{client} accepts that its operation {accepted.sequence} was done with "
                    f"{accepted.result!r} in epoch "
                    f"{accepted.epoch}, term {accepted.term}, and it {wrong}"
                ),
            )

    # --- replicas

    def _step(self, taken: ReplicaStep) -> Iterator[_Wrong]:
        """The properties that a step of a correct replica breaks."""
        name, before, after = taken.name, taken.before, taken.after
        if isinstance(taken.input, hybrid.Tick):
            self._ticks[name] += 1
        yield from self._took(taken, before)
        yield from self._stands(name, after)

    def _came_back(self, name: str, after: hybrid.Node) -> Iterator[_Wrong]:
        """Check that a crash lost nothing of the disk."""
        if name in self._disks and after.durable != self._disks[name]:
            yield "DurableStays", f"{name} came back from a crash with something else than it wrote"
        self._disks[name] = after.durable

    def _stands(self, name: str, after: hybrid.Node) -> Iterator[_Wrong]:
        """Check the invariants that hold after each step."""
        disk, locked = self._disks.get(name), after.durable
        if disk is not None and any(
            getattr(disk, field.name) is not getattr(locked, field.name)
            for field in attrs.fields(hybrid.Durable)
        ):
            yield "DurableStays", f"{name} relies on what it has not written to its disk"
        if after.serving is not None and after.threat.durable.level >= _HIGH:
            yield (
                "LevelsMap",
                f"{name} serves Raft epoch {after.epoch} at level {after.threat.durable.level.name}",
            )
        proved = {*after.threat.durable.proved, *after.guard.proved} & self._configs.keys()
        if proved:
            yield "HonestIsNeverProved", f"{name} has proof against {', '.join(sorted(proved))}"

    def _took(self, taken: ReplicaStep, before: hybrid.Node) -> Iterator[_Wrong]:
        name, after = taken.name, taken.after
        self._disks.setdefault(name, before.durable)
        yield from self._suspects(taken, before)
        for effect in taken.effects:
            match effect:
                case hybrid.Persist(durable=durable):
                    self._disks[name] = durable
                case hybrid.Send(message=message):
                    self._said[id(message)] = message
                    yield from self._sent(name, message, before, after)
                case hybrid.EpochBegan():
                    self._entered[name] = self._ticks[name]
        if after.bft.durable is not before.bft.durable:
            yield from self._decides(name, before, after)
        if after.raft_epoch is not None and after.raft_epoch is not before.raft_epoch:
            yield from self._locks(name, after, after.raft_epoch)

    def _suspects(self, taken: ReplicaStep, before: hybrid.Node) -> Iterator[_Wrong]:
        """Check that a correct replica's message raised no suspicion."""
        match taken.input:
            case hybrid.Receive(message=message, sender=sender) if sender in self._configs:
                is_said = self._said.get(id(message)) is message
                if is_said and taken.after.threat.evidence > before.threat.evidence:
                    yield (
                        "HonestIsTaken",
                        f"{taken.name} becomes suspicious of {message}, which {sender} sent",
                    )

    # --- switches

    def _switches(self, taken: ReplicaStep) -> Iterator[str]:
        """The goals about switches that a step meets."""
        before, after = taken.before, taken.after
        for effect in taken.effects:
            match effect:
                case hybrid.EpochBegan(epoch=epoch, protocol=protocol):
                    yield from self._switch(before, epoch, protocol)
                case hybrid.Executed(epoch=epoch) if before.raft_epoch is not None:
                    prefix = before.raft_epoch.prefix
                    now = after.raft_epoch.prefix if after.raft_epoch is not None else ()
                    if before.raft_epoch.epoch == epoch and now[: len(prefix)] != prefix:
                        yield "a tentative execution is undone"

    def _switch(self, before: hybrid.Node, epoch: int, protocol: str) -> Iterator[str]:
        if before.epoch + 1 < epoch:
            yield "a replica skips an epoch"
            return
        prefix = log_entries(before.raft_epoch.prefix) if before.raft_epoch is not None else ()
        taken_over = self.taken_over.get(epoch - 1, ())
        if not before.is_bft and len(taken_over) > len(prefix):
            yield "a replica learns from a switch what it had not locked"
        if prefix != taken_over[: len(prefix)]:
            yield "a tentative execution is undone"
        if (epoch, protocol) in self._switched:
            return
        self._switched.add((epoch, protocol))
        direction = f"{'bft' if before.is_bft else 'raft'} to {protocol}"
        self._directions.add(direction)
        yield f"switch: {direction}"
        if not before.is_bft and taken_over:
            yield "a switch takes over a prefix"

    # --- votes, aborts, switch-back votes

    def _sent(self, name: str, message: Any, before: hybrid.Node, after: hybrid.Node) -> Iterator[_Wrong]:
        match message:
            case hybrid.Vote(source=source) if source == name:
                yield from self._voted(name, message, after)
            case hybrid.AbortHistory(abort=abort) if abort.source == name:
                yield from self._aborted(name, abort, before, after)
            case hybrid.SwitchbackVote(source=source) if (
                source == name and (name, message.epoch) not in self._switchbacks
            ):
                self._switchbacks.add((name, message.epoch))
                yield from self._wants_switchback(name, message.epoch, before, after)

    def _voted(self, name: str, vote: hybrid.Vote, after: hybrid.Node) -> Iterator[_Wrong]:
        if (name, vote.epoch) in self._aborts:
            yield (
                "AbortedIsSilent",
                f"{name} votes for index {vote.index} in epoch {vote.epoch}, which it aborted",
            )
        place = name, vote.epoch, vote.term, vote.index
        if self._votes.setdefault(place, vote.digest) != vote.digest:
            yield (
                "VotesGrow",
                (
                    f"{name} votes for two prefixes up to index {vote.index} in term {vote.term} of epoch "
                    f"{vote.epoch}"
                ),
            )
        if after.raft_epoch is None or after.raft_epoch.epoch != vote.epoch:
            return
        prefix = _prefix_of(after.raft_epoch.raft.log[: vote.index])
        if len(prefix) < vote.index or self._prefixes.setdefault((vote.epoch, vote.digest), prefix) != prefix:
            yield "VotesGrow", f"{name} votes for what its log does not hold up to index {vote.index}"
        for last, rule in ((self._last_vote.get(name), "voted for"), (self._locked.get(name), "holds")):
            if last is None or last.epoch != vote.epoch:
                continue
            must_extend = rule == "holds" or last.term == vote.term
            if vote.term < last.term or (must_extend and prefix[: len(last.prefix)] != last.prefix):
                yield (
                    "VotesGrow",
                    (
                        f"{name} votes for index {vote.index} in term {vote.term} of epoch "
                        f"{vote.epoch}, and {rule} another prefix "
                        f"up to index {len(last.prefix)} in term {last.term}"
                    ),
                )
        self._last_vote[name] = _Locked(vote.epoch, vote.term, prefix)

    def _aborted(
        self, name: str, abort: hybrid.Abort, before: hybrid.Node, after: hybrid.Node
    ) -> Iterator[_Wrong]:
        locked = abort.locked
        told = abort.reason, (locked.term, locked.index, locked.digest) if locked is not None else None
        known = self._aborts.get((name, abort.epoch))
        if known is not None:
            if known != told:
                yield "AbortedIsSilent", f"{name} signs two aborts of epoch {abort.epoch}"
            return
        self._aborts[name, abort.epoch] = told
        self.reasons[name, abort.epoch] = abort.reason
        if not self._has_reason(name, abort, before, after):
            yield (
                "NobodyAlone",
                f"{name} aborts epoch {abort.epoch} because of {abort.reason}, which is not so",
            )

    def _has_reason(self, name: str, abort: hybrid.Abort, before: hybrid.Node, after: hybrid.Node) -> bool:
        """Return whether a replica has the reason to abort that it names."""
        config = self._configs[name]
        match abort.reason:
            case "threat":
                return max(before.threat.durable.level, after.threat.durable.level) >= _HIGH
            case "stalled":
                lasted = self._ticks[name] - self._entered[name]
                return bool(after.waiting or before.waiting) and lasted >= config.stall_ticks
            case "long":
                return abort.locked is not None and abort.locked.index >= config.prefix_max
            case "joined":
                return len({*before.aborts, *after.aborts} - {name}) > config.f
            case _:
                return False

    def _wants_switchback(
        self, name: str, epoch: int, before: hybrid.Node, after: hybrid.Node
    ) -> Iterator[_Wrong]:
        if min(before.threat.durable.level, after.threat.durable.level) >= _HIGH:
            yield (
                "NobodyAlone",
                f"{name} votes to switch back in epoch {epoch} at level {after.threat.durable.level.name}",
            )
        lasted, needed = self._ticks[name] - self._entered[name], self._cool_down(self._bases.get(epoch))
        if lasted < needed:
            yield (
                "NoFlapping",
                (
                    f"{name} votes to switch back in epoch {epoch} after {lasted} ticks: its cooldown is "
                    f"{needed}"
                ),
            )

    def _cool_down(self, base: Page | None) -> int:
        """The cooldown of a BFT epoch, in ticks."""
        config = next(iter(self._configs.values()))
        times: int = min(2 ** (base.fruitless if base else 0), config.backoff_max)
        return config.cooldown_ticks * times

    # --- QCs

    def _locks(self, name: str, after: hybrid.Node, epoch: hybrid.RaftEpoch) -> Iterator[_Wrong]:
        """Check a new lock: later than the one before, and in agreement with all others."""
        locked, qc = self._locked.get(name), epoch.locked
        if qc is None:
            return
        now = _Locked(epoch.epoch, qc.term, log_entries(epoch.prefix))
        if locked == now:
            return
        if locked is not None and locked.epoch == now.epoch:
            if (now.term, len(now.prefix)) <= (locked.term, len(locked.prefix)):
                yield (
                    "LocksGrow",
                    (
                        f"{name} locks term {now.term} up to {len(now.prefix)} after {locked.term} up to "
                        f"{len(locked.prefix)}"
                    ),
                )
            yield from self._loses(name, locked.prefix, now)
        history = self._aborts.get((name, now.epoch))
        if history is not None and history[1] != (qc.term, qc.index, qc.digest):
            yield "AbortedIsSilent", f"{name} locks index {qc.index} of epoch {now.epoch}, which it aborted"
        last_vote = self._last_vote.get(name)
        if last_vote is not None and last_vote.epoch == now.epoch and last_vote.term > now.term:
            yield "LocksGrow", f"{name} locks a QC of term {now.term}, and voted in term {last_vote.term}"
        if len(now.prefix) != qc.index:
            yield "QCIsProved", f"{name} locks a prefix of {len(now.prefix)} under a QC for {qc.index}"
        yield from self._is_qc(epoch.epoch, qc)
        yield from self._agrees(now)
        for client, accepted in self._accepted.get(now.epoch, ()):
            if accepted.term < now.term and not _has(now.prefix, client, accepted.sequence):
                yield (
                    "Kept",
                    (
                        f"{name} locks term {now.term} without operation {accepted.sequence} that {client} "
                        "accepts"
                    ),
                )
        self._locked[name] = now
        yield from self._is_one_epoch(now)
        yield from self._is_executed(name, after, now)

    def _loses(self, name: str, prefix: _Prefix, now: _Locked) -> Iterator[_Wrong]:
        for client, accepted in self._accepted.get(now.epoch, ()):
            one = client, accepted.sequence
            if _has(prefix, *one) and not _has(now.prefix, *one):
                yield "Kept", f"{name} undoes operation {accepted.sequence} that {client} accepts"

    def _agrees(self, now: _Locked) -> Iterator[_Wrong]:
        longest = self._certified.get((now.epoch, now.term), ())
        one, other = sorted((longest, now.prefix), key=len)
        if other[: len(one)] != one:
            yield "QCsAgree", f"two prefixes are certified in term {now.term} of epoch {now.epoch}"
        self._certified[now.epoch, now.term] = other

    def _is_qc(self, epoch: int, qc: hybrid.QuorumCertificate) -> Iterator[_Wrong]:
        if rejection := self._qc_rejection(epoch, qc):
            yield (
                "QCIsProved",
                f"a QC of term {qc.term} of epoch {epoch} up to {qc.index} is locked: {rejection}",
            )

    def _qc_rejection(self, epoch: int, qc: hybrid.QuorumCertificate) -> str:
        """The rejection reason of a QC; the judge knows the votes of correct replicas."""
        sources = set()
        for vote in qc.votes:
            about = vote.epoch, vote.term, vote.index, vote.digest
            if about != (epoch, qc.term, qc.index, qc.digest) or vote.source not in self._replicas:
                return "a vote says something else"
            known = self._votes.get((vote.source, epoch, vote.term, vote.index))
            is_said = known == vote.digest or vote.source not in self._configs
            if not is_said or not hybrid.is_signed(vote, self._keys):
                return f"{vote.source} did not cast this vote"
            sources.add(vote.source)
        return "" if len(sources) >= self._quorum else f"{len(sources)} voted for it"

    def _is_one_epoch(self, now: _Locked) -> Iterator[_Wrong]:
        """Check that an ended epoch handed over all operations that a client may accept."""
        if (taken := self.taken_over.get(now.epoch)) is None:
            return
        count = sum(
            locked.epoch == now.epoch
            and locked.term == now.term
            and locked.prefix[: len(now.prefix)] == now.prefix
            for locked in self._locked.values()
        )
        if count >= self._quorum - self._f and taken[: len(now.prefix)] != now.prefix:
            yield (
                "OneEpoch",
                (
                    f"{count} correct replicas have locked a prefix of {len(now.prefix)} of epoch "
                    f"{now.epoch}, term {now.term}, and "
                    f"the epoch-end command took over {len(taken)} others"
                ),
            )

    def _is_executed(self, name: str, after: hybrid.Node, now: _Locked) -> Iterator[_Wrong]:
        """Check that the speculative state is the result of the prefix."""
        base = self._bases.get(now.epoch)
        if base is None or after.epoch != now.epoch:
            return
        page = base
        for log_entry in now.prefix:
            if log_entry is not None:
                page = self._operated(
                    page, pbft.Request(client=log_entry[0], timestamp=log_entry[1], operation=log_entry[2])
                )
        if not _is_like(page, after.speculative):
            yield (
                "Once",
                f"the speculative state of {name} is not what its prefix of epoch {now.epoch} leads to",
            )

    # --- the control state

    def _decides(self, name: str, before: hybrid.Node, after: hybrid.Node) -> Iterator[_Wrong]:
        engine = after.config.bft
        old, new = engine.executed(before.bft), engine.executed(after.bft)
        if new < old or after.epoch < before.epoch:
            yield "DurableStays", f"{name} goes back from place {old} to {new}"
        for place, decided in _known(before, after):
            first, batch = self._decided.setdefault(place, (name, decided))
            if batch != decided:
                yield "OneDecision", f"{first} and {name} decide different batches at place {place}"
        for place, decided in engine.decided(after.bft, self._place):
            yield from self._fold(place, decided)
        if new != old:
            yield from self._compared(name, new, after.committed)

    def _compared(self, name: str, seq: int, control: hybrid.ControlState) -> Iterator[_Wrong]:
        """Compare a replica's control state at a place with those of others and the judge's."""
        first, known = self._controls.setdefault(seq, (name, control))
        if known != control:
            yield "OneDecision", f"{first} and {name} have different control states at place {seq}"
        if seq not in self.pages:
            yield "OneDecision", f"{name} has executed place {seq}, which nobody decided"
            return
        page = self.pages[seq]
        if (page.epoch, page.protocol) != (control.epoch, control.protocol):
            is_void = page.epoch < control.epoch
            yield (
                "SwitchIsProved" if is_void else "LevelsMap",
                (
                    f"{name} is in epoch {control.epoch}, {control.protocol}, at place {seq}: it is "
                    f"{page.epoch}, "
                    f"{page.protocol}; {self._void.get(seq, '')}"
                ),
            )
        elif not _is_like(page, control):
            yield (
                "Once",
                (
                    f"the control state of {name} at place {seq} is not what its operations, each done "
                    "once, lead to"
                ),
            )

    def _fold(self, seq: int, batch: Batch) -> Iterator[_Wrong]:
        """Apply one more decided batch."""
        page = self.page
        for request in batch:
            if request.timestamp <= page.answered.get(request.client, 0):
                continue
            page = attrs.evolve(page, answered={**page.answered, request.client: request.timestamp})
            match request.operation:
                case ("operate", int(), _) if page.protocol == "bft":
                    page = self._operated(page, request)
                    yield from self._was_asked(request)
                    self._recorded(page, request)
                case ("epoch-end", int() as epoch, tuple() as aborts, tuple() as prefix):
                    page = yield from self._ended(seq, page, epoch, aborts, prefix)
                case ("epoch-start", int() as epoch, tuple() as switchbacks):
                    page = yield from self._started(seq, page, epoch, switchbacks)
        self.pages[seq], self._place = page, seq

    def _operated(self, page: Page, request: pbft.Request) -> Page:
        """The page with one more operation done, if it is beyond the last of its client."""
        match request.operation:
            case ("operate", sequence, what) if (
                type(sequence) is int and sequence > page.sessions.get(request.client, (0,))[0]
            ):
                asked = attrs.evolve(request, timestamp=sequence, operation=what)
                value, result = self._service.apply(page.value, asked)
                sessions = {**page.sessions, request.client: (sequence, result)}
                return attrs.evolve(page, value=value, sessions=sessions, done=page.done + 1)
            case _:
                return page

    def _recorded(self, page: Page, request: pbft.Request) -> None:
        if request.client in page.sessions:
            sequence, result = page.sessions[request.client]
            self._results.setdefault((request.client, sequence), result)

    def _was_asked(self, request: pbft.Request) -> Iterator[_Wrong]:
        match request.operation:
            case ("operate", int() as sequence, what) if (
                request.client,
                sequence,
                what,
            ) not in self._asked and not self._is_byzantine(request.client):
                yield (
                    "Validity",
                    f"operation {sequence} of {request.client} is done, which did not ask for {what!r}",
                )

    def _is_byzantine(self, name: str) -> bool:
        return name in self._replicas and name not in self._configs

    def _ended(
        self, seq: int, page: Page, epoch: int, aborts: Sequence[Any], prefix: Sequence[Any]
    ) -> Generator[_Wrong, None, Page]:
        """The page after an epoch-end command, which the judge checks by itself."""
        if (page.epoch, page.protocol) != (epoch, "raft"):
            return page
        told = [_abort_of(epoch, each) for each in aborts]
        rejection = next((said for each in told if (said := self._abort_rejection(epoch, each))), "")
        sources = {each.source for each in told if each is not None}
        if not rejection and (len(sources) < self._n - self._f or len(sources) < len(told)):
            rejection = f"{len(told)} aborts of {len(sources)} replicas"
        known = [each.locked for each in told if each is not None and each.locked is not None]
        last = max(known, key=lambda qc: (qc.term, qc.index), default=None)
        wanted = self._prefixes.get((epoch, last.digest)) if last is not None else ()
        if not rejection and tuple(prefix) != wanted:
            rejection = "the prefix is not that of the last QC"
        if rejection:
            self._void[seq] = f"{self._void.get(seq, '')}the epoch-end command is invalid: {rejection}"
            return page
        after = page
        for log_entry in wanted or ():
            if log_entry is not None:
                request = pbft.Request(client=log_entry[0], timestamp=log_entry[1], operation=log_entry[2])
                yield from self._was_asked(request)
                after = self._operated(after, request)
                self._recorded(after, request)
        reasons = [each.reason for each in told if each is not None]
        is_bft = reasons.count("threat") + reasons.count("stalled") > self._f
        fruitless = page.fruitless + 1 if is_bft and after.done == page.done else 0
        after = attrs.evolve(
            after, epoch=epoch + 1, protocol="bft" if is_bft else "raft", fruitless=fruitless
        )
        self.taken_over[epoch] = tuple(wanted or ())
        self._bases[epoch + 1] = after
        self._began[epoch + 1] = dict(self._ticks)
        own = {why for (_, at), why in self.reasons.items() if at == epoch}
        if not own & ({"threat", "stalled"} if is_bft else {"threat", "stalled", "long"}):
            yield "NobodyAlone", f"epoch {epoch} ended, and no correct replica had a reason of its own"
        for client, accepted in self._accepted.pop(epoch, ()):
            yield from self._is_kept(client, accepted)
        for locked in list(self._locked.values()):
            if locked.epoch == epoch:
                yield from self._is_one_epoch(locked)
        return after

    def _abort_rejection(self, epoch: int, abort: hybrid.Abort | None) -> str:
        """The rejection reason of an abort in a command; the judge knows the aborts of correct replicas."""
        if abort is None:
            return "a malformed abort"
        locked = abort.locked
        if abort.source not in self._replicas or not hybrid.is_signed(abort, self._keys):
            return f"an abort of {abort.source}"
        if abort.source in self._configs:
            told = abort.reason, (locked.term, locked.index, locked.digest) if locked is not None else None
            if self._aborts.get((abort.source, epoch)) != told:
                return f"{abort.source} did not sign it"
        return self._qc_rejection(epoch, locked) if locked is not None else ""

    def _started(
        self, seq: int, page: Page, epoch: int, switchbacks: Sequence[Any]
    ) -> Generator[_Wrong, None, Page]:
        """The page after an epoch-start command."""
        if (page.epoch, page.protocol) != (epoch, "bft"):
            return page
        wanting = {source for each in switchbacks if (source := self._switchback_of(epoch, each))}
        if len(wanting) < self._quorum:
            self._void[seq] = (
                f"{self._void.get(seq, '')}the epoch-start command is invalid: {len(wanting)} voted for it"
            )
            return page
        lasted = [
            self._ticks[name] - then for name, then in self._began.get(epoch, {}).items() if name in wanting
        ]
        needed = self._cool_down(self._bases.get(epoch))
        if sum(ticks >= needed for ticks in lasted) < self._quorum - self._f:
            yield "NoFlapping", f"BFT epoch {epoch} lasts for {lasted} ticks: it is to last for {needed}"
        after = attrs.evolve(page, epoch=epoch + 1, protocol="raft")
        self._bases[epoch + 1] = after
        return after

    def _switchback_of(self, epoch: int, value: Any) -> str:
        """The source of a genuine switch-back vote; empty if it is none."""
        match value:
            case (str() as source, bytes() as signature):
                switchback = hybrid.SwitchbackVote(epoch=epoch, source=source, signature=signature)
                is_said = source not in self._configs or (source, epoch) in self._switchbacks
                wants_switchback = (
                    source in self._replicas and is_said and hybrid.is_signed(switchback, self._keys)
                )
                return source if wants_switchback else ""
            case _:
                return ""


# --- values ---------------------------------------------------------------------------------------


def _known(before: hybrid.Node, after: hybrid.Node) -> Iterator[tuple[int, Batch]]:
    """The decisions that a replica knows after a step, with their places; of PBFT with gaps."""
    engine, durable = after.config.bft, after.bft.durable
    if engine.name != "pbft":
        yield from engine.decided(after.bft, engine.executed(before.bft))
    elif durable.committed is not before.bft.durable.committed:
        yield from sorted(durable.committed.items())


def _log_entry(log_entry: hybrid.LogEntry) -> _LogEntry:
    return (
        None
        if log_entry is None
        else (log_entry.client, log_entry.timestamp, log_entry.operation, log_entry.signature)
    )


def log_entries(prefix: Sequence[hybrid.LogEntry]) -> tuple[_LogEntry, ...]:
    """A prefix as the judge writes it down."""
    return tuple(_log_entry(log_entry) for log_entry in prefix)


def _prefix_of(log: Sequence[raft.Entry]) -> _Prefix:
    return tuple(_log_entry(entry.value) if isinstance(entry.value, pbft.Request) else None for entry in log)


def _has(prefix: _Prefix, client: str, sequence: int) -> bool:
    """Return whether an operation is in a prefix."""
    for log_entry in prefix:
        if log_entry is not None and log_entry[0] == client:
            match log_entry[2]:
                case ("operate", at, _) if at == sequence:
                    return True
    return False


def _is_like(page: Page, control: hybrid.ControlState) -> bool:
    """Return whether a replica's control state equals the judge's."""
    sessions = {each.client: (each.sequence, each.result) for each in control.sessions}
    return (page.value, page.done, dict(page.sessions)) == (control.value, control.done, sessions)


def _abort_of(epoch: int, value: Any) -> hybrid.Abort | None:
    """An abort as it stands in an epoch-end command; None if it is none."""
    match value:
        case (str() as source, str() as reason, None, bytes() as signature):
            return hybrid.Abort(epoch=epoch, reason=reason, locked=None, source=source, signature=signature)
        case (
            str() as source,
            str() as reason,
            (int() as term, int() as index, str() as digest, tuple() as votes),
            bytes() as signature,
        ):
            about: dict[str, Any] = {"epoch": epoch, "term": term, "index": index, "digest": digest}
            read = tuple(
                hybrid.Vote(source=who, signature=mark, **about)
                for who, mark in (each for each in votes if isinstance(each, tuple) and len(each) == 2)
            )
            locked = hybrid.QuorumCertificate(votes=read, **about)
            return hybrid.Abort(epoch=epoch, reason=reason, locked=locked, source=source, signature=signature)
        case _:
            return None


# --- histories ------------------------------------------------------------------------------------


class Linearizable(Judge):
    """The history of all clients of a run is linearizable, over all its switches."""

    def __init__(self, size: Size) -> None:
        del size
        self._notes = Notes()
        self._unanswered: dict[str, int] = {}

    def on_step(self, record: StepRecord) -> Iterator[Finding]:
        """Note the requests of a client, and the results that it accepts."""
        if isinstance(record.after, hybrid.Client):
            if record.after.name not in self._unanswered and not record.after.is_done:
                self._invoked(record.after)
            for command in record.commands:
                match command:
                    case Notify(what=hybrid.Accepted(result=(_, answer))):
                        number = self._unanswered.pop(record.node, None)
                        if number is not None:
                            self._notes.answer(number, answer)
        return iter(())

    def _invoked(self, client: hybrid.Client) -> None:
        match client.what:
            case ("get", key):
                number = self._notes.invoke(client.name, "get", key=key)
            case ("put", key, item):
                number = self._notes.invoke(client.name, "put", key=key, value=item)
            case ("cas", key, old, new):
                number = self._notes.invoke(client.name, "cas", key=key, old=old, new=new)
            case _:
                return
        self._unanswered[client.name] = number

    def on_end(self) -> Iterator[Finding]:
        """Judge the history."""
        result = check(self._notes.history(), key_value(), limits=_LIMITS)
        if result.legality is Legality.ILLEGAL:
            yield Broken("Linearizable", result.reason)
        elif result.legality is Legality.OK and result.operations > 10:
            yield Met("a history is linearizable")
