"""A judge of runs of the hybrid that knows nothing of the spec: what docs/hybrid.md promises, counted out.

`Safety` is told every step of every correct replica, in the order in which they happen, and what clients ask for and believe.
It remembers all acks, seals, stops and calms, takes from PBFT nothing but what was decided under which number, and folds the
book out of that once more, by its own rules.

| property            | says                                                                                  |
|---------------------|---------------------------------------------------------------------------------------|
| `OneDecision`       | correct replicas decide the same under one number, and have the same book there         |
| `SwitchIsProved`    | an epoch ends only by n - f genuine stops with the chain of the last seal, or by a quorum of genuine calms |
| `LevelsMap`         | the protocol of an epoch follows from why the one before ended; nobody serves a Raft epoch at High or above |
| `Kept`              | what a client believed is in each later book, with the same result; whoever held it holds it as long as the epoch lasts |
| `Once`              | the book, also the tentative one, is what its operations lead to, each done once          |
| `Validity`          | what is done was asked for by its client                                                 |
| `SealsAgree`        | seals of one epoch and term are of one chain                                            |
| `SealIsProved`      | what is held as a seal was acked by a quorum                                            |
| `AcksGrow`          | a correct replica acks one chain in a place; growing terms, growing chains in a term, and beyond what it holds (A1, A2) |
| `HoldsGrow`         | it holds later and later seals, none of an earlier term than it acked (H1)               |
| `StoppedIsSilent`   | after its stop it acks and holds nothing in that epoch, also after a crash; it signs one stop |
| `OneEpoch`          | what so many correct replicas hold of an epoch that a client may believe it, is part of what the close took over |
| `NobodyAlone`       | a correct replica stops for a reason that it has, and is calm when it is; no epoch ends but for such a reason of a correct one |
| `NoFlapping`        | a BFT epoch lasts for its dwell at a quorum                                             |
| `HonestIsNeverProved` | nobody has proof against a correct replica                                            |
| `HonestIsTaken`     | what a correct replica sends makes nobody suspicious                                     |
| `DurableStays`      | what a replica relies on in what it sends is on its disk, and comes back from there       |

Of these the cluster adds `Total` (no step raises), `Progress` and `Return` (`cluster.py`).
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import attrs

from impl import hybrid, pbft, raft
from impl.quorum import byzantine_quorum
from property_tests.hybrid.hosting import Taken
from property_tests.judged import Broken

__all__ = ["Page", "Safety", "links"]

#: What stands at an index of a chain: (client, timestamp, operation, signature), None for a no-op.
_Link: TypeAlias = tuple[str, int, pbft.Value, bytes] | None
_Chain: TypeAlias = tuple[_Link, ...]

#: The level from which on Raft is not good enough.
_HIGH: Final = 3


@attrs.frozen(kw_only=True)
class Page:
    """The book at one number of PBFT, by the judge's own fold.

    Attributes:
        epoch: the epoch.
        protocol: its protocol.
        value: the state of the service.
        sessions: of each client the sequence of its last operation that was done, and the result.
        done: how many operations were done.
        futile: how many Raft epochs in a row ended in BFT before anything was done in them.
        answered: of each client of PBFT the timestamp of its last request that was executed.
    """

    epoch: int
    protocol: str
    value: pbft.Value
    sessions: Mapping[str, tuple[int, pbft.Value]] = attrs.field(factory=dict)
    done: int = 0
    futile: int = 0
    answered: Mapping[str, int] = attrs.field(factory=dict)


@attrs.frozen
class _Held:
    """What a replica holds: a seal's term, and the chain."""

    epoch: int
    term: int
    chain: _Chain


class Safety:
    """What the correct replicas of one run did so far, and whether any of it was wrong.

    Args:
        configs: by name, the configuration of each correct replica.

    Attributes:
        pages: the book at each number of PBFT, as far as something was decided.
        reasons: of each correct replica and Raft epoch, why it stopped.
        taken_over: by epoch, the chain that its close took over.
    """

    def __init__(self, configs: Mapping[str, hybrid.Config]) -> None:
        one = next(iter(configs.values()))
        self._configs = dict(configs)
        self._service, self._n, self._f, self._keys = one.service, one.n, one.f, one.keys
        self._replicas = one.replicas
        self._quorum = byzantine_quorum(one.n, one.f)
        self.pages = [Page(epoch=0, protocol="raft", value=one.service.initial)]
        self.taken_over: dict[int, _Chain] = {}
        self.reasons: dict[tuple[str, int], str] = {}
        self._decided: dict[int, tuple[str, pbft.Batch]] = {}
        self._books: dict[int, tuple[str, hybrid.Book]] = {}
        self._void: dict[int, str] = {}
        self._openings: dict[int, Page] = {0: self.pages[0]}
        self._results: dict[tuple[str, int], pbft.Value] = {}
        self._asked: set[tuple[str, int, pbft.Value]] = set()
        self._believed: dict[int, list[tuple[str, hybrid.Believed]]] = {}
        self._chains: dict[tuple[int, str], _Chain] = {}
        self._acks: dict[tuple[str, int, int, int], str] = {}
        self._last_ack: dict[str, _Held] = {}
        self._held: dict[str, _Held] = {}
        self._sealed: dict[tuple[int, int], _Chain] = {}
        self._stops: dict[tuple[str, int], tuple[str, tuple[int, int, str] | None]] = {}
        self._calms: set[tuple[str, int]] = set()
        self._ticks: dict[str, int] = dict.fromkeys(configs, 0)
        self._entered: dict[str, int] = dict.fromkeys(configs, 0)
        self._began: dict[int, dict[str, int]] = {}
        self._disks: dict[str, hybrid.Durable] = {}
        self._said: dict[int, Any] = {}

    @property
    def page(self) -> Page:
        """The book as far as anything was decided."""
        return self.pages[-1]

    # --- clients

    def asked(self, request: pbft.Request) -> None:
        """A client signed a request; of whatever kind of client."""
        match request.operation:
            case ("operate", int() as sequence, what):
                self._asked.add((request.client, sequence, what))

    def believes(self, client: str, believed: hybrid.Believed) -> Iterator[Broken]:
        """What is wrong with what a client believes now."""
        if believed.term == 0 or believed.epoch < self.page.epoch:
            yield from self._is_kept(client, believed)
            return
        self._believed.setdefault(believed.epoch, []).append((client, believed))
        having = 0
        for name, held in self._held.items():
            has = held.epoch == believed.epoch and _has(held.chain, client, believed.sequence)
            having += has
            if held.epoch == believed.epoch and held.term > believed.term and not has:
                yield (
                    "Kept",
                    f"{client} believes operation {believed.sequence}, and {name} holds a later term without",
                )
        if having < self._quorum - self._f:
            yield (
                "Kept",
                f"{client} believes operation {believed.sequence}, which {having} correct replicas hold",
            )

    def _is_kept(self, client: str, believed: hybrid.Believed) -> Iterator[Broken]:
        result = self._results.get((client, believed.sequence), ...)
        if result is ... or result != believed.result:
            wrong = "is not in the book" if result is ... else f"has the result {result!r} there"
            yield (
                "Kept",
                (
                    f"{client} believes that its operation {believed.sequence} was done with {believed.result!r} in epoch "
                    f"{believed.epoch}, term {believed.term}, and it {wrong}"
                ),
            )

    # --- replicas

    def step(self, taken: Taken) -> Iterator[Broken]:
        """The properties that a step of a correct replica breaks."""
        name, before, after = taken.name, taken.before, taken.after
        if isinstance(taken.input, hybrid.Tick):
            self._ticks[name] += 1
        if before is None:
            yield from self._came_back(name, after)
        else:
            yield from self._took(taken, before)
        yield from self._stands(name, after)

    def _came_back(self, name: str, after: hybrid.Node) -> Iterator[Broken]:
        """A crash loses nothing that was on the disk."""
        if name in self._disks and after.durable != self._disks[name]:
            yield "DurableStays", f"{name} came back from a crash with something else than it wrote"
        self._disks[name] = after.durable

    def _stands(self, name: str, after: hybrid.Node) -> Iterator[Broken]:
        """What must be so after each step."""
        disk, held = self._disks.get(name), after.durable
        if disk is not None and any(
            getattr(disk, field.name) is not getattr(held, field.name)
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

    def _took(self, taken: Taken, before: hybrid.Node) -> Iterator[Broken]:
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
        if after.pbft.durable is not before.pbft.durable:
            yield from self._decides(name, before, after)
        if after.raft_epoch is not None and after.raft_epoch is not before.raft_epoch:
            yield from self._holds(name, after, after.raft_epoch)

    def _suspects(self, taken: Taken, before: hybrid.Node) -> Iterator[Broken]:
        """Nobody suspects because of what a correct replica sends."""
        match taken.input:
            case hybrid.Receive(message=message, sender=sender) if sender in self._configs:
                is_said = self._said.get(id(message)) is message
                if is_said and taken.after.threat.evidence > before.threat.evidence:
                    yield (
                        "HonestIsTaken",
                        f"{taken.name} becomes suspicious of {message}, which {sender} sent",
                    )

    # --- acks, stops, calms

    def _sent(self, name: str, message: Any, before: hybrid.Node, after: hybrid.Node) -> Iterator[Broken]:
        match message:
            case hybrid.Ack(source=source) if source == name:
                yield from self._acked(name, message, after)
            case hybrid.Stopped(stop=stop) if stop.source == name:
                yield from self._stopped(name, stop, before, after)
            case hybrid.Calm(source=source) if source == name and (name, message.epoch) not in self._calms:
                self._calms.add((name, message.epoch))
                yield from self._is_calm(name, message.epoch, before, after)

    def _acked(self, name: str, ack: hybrid.Ack, after: hybrid.Node) -> Iterator[Broken]:
        if (name, ack.epoch) in self._stops:
            yield "StoppedIsSilent", f"{name} acks index {ack.index} in epoch {ack.epoch}, which it stopped"
        place = name, ack.epoch, ack.term, ack.index
        if self._acks.setdefault(place, ack.digest) != ack.digest:
            yield (
                "AcksGrow",
                f"{name} acks two chains up to index {ack.index} in term {ack.term} of epoch {ack.epoch}",
            )
        if after.raft_epoch is None or after.raft_epoch.epoch != ack.epoch:
            return
        chain = _chain_of(after.raft_epoch.raft.log[: ack.index])
        if len(chain) < ack.index or self._chains.setdefault((ack.epoch, ack.digest), chain) != chain:
            yield "AcksGrow", f"{name} acks what its log does not hold up to index {ack.index}"
        for last, rule in ((self._last_ack.get(name), "acked"), (self._held.get(name), "holds")):
            if last is None or last.epoch != ack.epoch:
                continue
            must_extend = rule == "holds" or last.term == ack.term
            if ack.term < last.term or (must_extend and chain[: len(last.chain)] != last.chain):
                yield (
                    "AcksGrow",
                    (
                        f"{name} acks index {ack.index} in term {ack.term} of epoch {ack.epoch}, and {rule} another chain "
                        f"up to index {len(last.chain)} in term {last.term}"
                    ),
                )
        self._last_ack[name] = _Held(ack.epoch, ack.term, chain)

    def _stopped(
        self, name: str, stop: hybrid.Stop, before: hybrid.Node, after: hybrid.Node
    ) -> Iterator[Broken]:
        held = stop.held
        told = stop.reason, (held.term, held.index, held.digest) if held is not None else None
        known = self._stops.get((name, stop.epoch))
        if known is not None:
            if known != told:
                yield "StoppedIsSilent", f"{name} signs two stops of epoch {stop.epoch}"
            return
        self._stops[name, stop.epoch] = told
        self.reasons[name, stop.epoch] = stop.reason
        if not self._has_reason(name, stop, before, after):
            yield "NobodyAlone", f"{name} stops epoch {stop.epoch} because of {stop.reason}, which is not so"

    def _has_reason(self, name: str, stop: hybrid.Stop, before: hybrid.Node, after: hybrid.Node) -> bool:
        """Return whether a replica has the reason to stop that it names."""
        config = self._configs[name]
        match stop.reason:
            case "threat":
                return max(before.threat.durable.level, after.threat.durable.level) >= _HIGH
            case "standstill":
                lasted = self._ticks[name] - self._entered[name]
                return bool(after.waiting or before.waiting) and lasted >= config.standstill_ticks
            case "long":
                return stop.held is not None and stop.held.index >= config.chain_max
            case "joined":
                return len({*before.stops, *after.stops} - {name}) > config.f
            case _:
                return False

    def _is_calm(self, name: str, epoch: int, before: hybrid.Node, after: hybrid.Node) -> Iterator[Broken]:
        if min(before.threat.durable.level, after.threat.durable.level) >= _HIGH:
            yield "NobodyAlone", f"{name} is calm in epoch {epoch} at level {after.threat.durable.level.name}"
        lasted, needed = self._ticks[name] - self._entered[name], self._dwell(self._openings.get(epoch))
        if lasted < needed:
            yield (
                "NoFlapping",
                f"{name} is calm in epoch {epoch} after {lasted} ticks: it is to last for {needed}",
            )

    def _dwell(self, opening: Page | None) -> int:
        """For how many ticks a BFT epoch is to last."""
        config = next(iter(self._configs.values()))
        times: int = min(2 ** (opening.futile if opening else 0), config.backoff_max)
        return config.dwell_ticks * times

    # --- seals

    def _holds(self, name: str, after: hybrid.Node, epoch: hybrid.RaftEpoch) -> Iterator[Broken]:
        """A replica holds a seal: a later one than before, of a chain that agrees with all others."""
        held, seal = self._held.get(name), epoch.held
        if seal is None:
            return
        now = _Held(epoch.epoch, seal.term, links(epoch.chain))
        if held == now:
            return
        if held is not None and held.epoch == now.epoch:
            if (now.term, len(now.chain)) <= (held.term, len(held.chain)):
                yield (
                    "HoldsGrow",
                    f"{name} holds term {now.term} up to {len(now.chain)} after {held.term} up to {len(held.chain)}",
                )
            yield from self._loses(name, held.chain, now)
        stopped = self._stops.get((name, now.epoch))
        if stopped is not None and stopped[1] != (seal.term, seal.index, seal.digest):
            yield "StoppedIsSilent", f"{name} holds index {seal.index} of epoch {now.epoch}, which it stopped"
        acked = self._last_ack.get(name)
        if acked is not None and acked.epoch == now.epoch and acked.term > now.term:
            yield "HoldsGrow", f"{name} holds a seal of term {now.term}, and acked in term {acked.term}"
        if len(now.chain) != seal.index:
            yield "SealIsProved", f"{name} holds a chain of {len(now.chain)} under a seal for {seal.index}"
        yield from self._is_seal(epoch.epoch, seal)
        yield from self._agrees(now)
        for client, believed in self._believed.get(now.epoch, ()):
            if believed.term < now.term and not _has(now.chain, client, believed.sequence):
                yield (
                    "Kept",
                    f"{name} holds term {now.term} without operation {believed.sequence} that {client} believes",
                )
        self._held[name] = now
        yield from self._is_one_epoch(now)
        yield from self._is_executed(name, after, now)

    def _loses(self, name: str, chain: _Chain, now: _Held) -> Iterator[Broken]:
        for client, believed in self._believed.get(now.epoch, ()):
            one = client, believed.sequence
            if _has(chain, *one) and not _has(now.chain, *one):
                yield "Kept", f"{name} undoes operation {believed.sequence} that {client} believes"

    def _agrees(self, now: _Held) -> Iterator[Broken]:
        longest = self._sealed.get((now.epoch, now.term), ())
        one, other = sorted((longest, now.chain), key=len)
        if other[: len(one)] != one:
            yield "SealsAgree", f"two chains are sealed in term {now.term} of epoch {now.epoch}"
        self._sealed[now.epoch, now.term] = other

    def _is_seal(self, epoch: int, seal: hybrid.Seal) -> Iterator[Broken]:
        if flaw := self._seal_flaw(epoch, seal):
            yield (
                "SealIsProved",
                f"a seal of term {seal.term} of epoch {epoch} up to {seal.index} is held: {flaw}",
            )

    def _seal_flaw(self, epoch: int, seal: hybrid.Seal) -> str:
        """The reason that keeps a seal from being a quorum's; of correct replicas the judge knows what they acked."""
        sources = set()
        for ack in seal.acks:
            about = ack.epoch, ack.term, ack.index, ack.digest
            if about != (epoch, seal.term, seal.index, seal.digest) or ack.source not in self._replicas:
                return "an ack says something else"
            known = self._acks.get((ack.source, epoch, ack.term, ack.index))
            is_said = known == ack.digest or ack.source not in self._configs
            if not is_said or not hybrid.is_signed(ack, self._keys):
                return f"{ack.source} did not ack it"
            sources.add(ack.source)
        return "" if len(sources) >= self._quorum else f"{len(sources)} acked it"

    def _is_one_epoch(self, now: _Held) -> Iterator[Broken]:
        """Of an epoch that is closed, what a client may believe is part of what was taken over."""
        if (taken := self.taken_over.get(now.epoch)) is None:
            return
        count = sum(
            held.epoch == now.epoch and held.term == now.term and held.chain[: len(now.chain)] == now.chain
            for held in self._held.values()
        )
        if count >= self._quorum - self._f and taken[: len(now.chain)] != now.chain:
            yield (
                "OneEpoch",
                (
                    f"{count} correct replicas hold a chain of {len(now.chain)} of epoch {now.epoch}, term {now.term}, and "
                    f"the close took over {len(taken)} others"
                ),
            )

    def _is_executed(self, name: str, after: hybrid.Node, now: _Held) -> Iterator[Broken]:
        """The tentative book is what the chain leads to."""
        opening = self._openings.get(now.epoch)
        if opening is None or after.epoch != now.epoch:
            return
        page = opening
        for link in now.chain:
            if link is not None:
                page = self._operated(
                    page, pbft.Request(client=link[0], timestamp=link[1], operation=link[2])
                )
        if not _is_like(page, after.book):
            yield "Once", f"the tentative book of {name} is not what its chain of epoch {now.epoch} leads to"

    # --- the book

    def _decides(self, name: str, before: hybrid.Node, after: hybrid.Node) -> Iterator[Broken]:
        old, new = before.pbft.durable, after.pbft.durable
        if new.executed < old.executed or after.epoch < before.epoch:
            yield "DurableStays", f"{name} goes back from number {old.executed} to {new.executed}"
        if new.committed is not old.committed:
            for seq in sorted(new.committed):
                first, batch = self._decided.setdefault(seq, (name, new.committed[seq]))
                if batch != new.committed[seq]:
                    yield "OneDecision", f"{first} and {name} decide different batches under number {seq}"
        while (following := self._decided.get(len(self.pages))) is not None:
            yield from self._fold(following[1])
        if new.executed != old.executed:
            yield from self._compared(name, new.executed, after.agreed)

    def _compared(self, name: str, seq: int, book: hybrid.Book) -> Iterator[Broken]:
        """The book of a replica at a number, beside those of others and the judge's own."""
        first, known = self._books.setdefault(seq, (name, book))
        if known != book:
            yield "OneDecision", f"{first} and {name} have different books at number {seq}"
        if seq >= len(self.pages):
            yield "OneDecision", f"{name} has executed number {seq}, which nobody decided"
            return
        page = self.pages[seq]
        if (page.epoch, page.protocol) != (book.epoch, book.protocol):
            is_void = page.epoch < book.epoch
            yield (
                "SwitchIsProved" if is_void else "LevelsMap",
                (
                    f"{name} is in epoch {book.epoch}, {book.protocol}, at number {seq}: it is {page.epoch}, "
                    f"{page.protocol}; {self._void.get(seq, '')}"
                ),
            )
        elif not _is_like(page, book):
            yield (
                "Once",
                f"the book of {name} at number {seq} is not what its operations, each done once, lead to",
            )

    def _fold(self, batch: pbft.Batch) -> Iterator[Broken]:
        """What one more decided batch leads to."""
        seq, page = len(self.pages), self.page
        for request in batch:
            if request.timestamp <= page.answered.get(request.client, 0):
                continue
            page = attrs.evolve(page, answered={**page.answered, request.client: request.timestamp})
            match request.operation:
                case ("operate", int(), _) if page.protocol == "bft":
                    page = self._operated(page, request)
                    yield from self._was_asked(request)
                    self._recorded(page, request)
                case ("close", int() as epoch, tuple() as stops, tuple() as chain):
                    page = yield from self._closed(seq, page, epoch, stops, chain)
                case ("open", int() as epoch, tuple() as calms):
                    page = yield from self._opened(seq, page, epoch, calms)
        self.pages.append(page)

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

    def _was_asked(self, request: pbft.Request) -> Iterator[Broken]:
        match request.operation:
            case ("operate", int() as sequence, what) if (
                request.client,
                sequence,
                what,
            ) not in self._asked and not self._is_traitor(request.client):
                yield (
                    "Validity",
                    f"operation {sequence} of {request.client} is done, who did not ask for {what!r}",
                )

    def _is_traitor(self, name: str) -> bool:
        return name in self._replicas and name not in self._configs

    def _closed(
        self, seq: int, page: Page, epoch: int, stops: Sequence[Any], chain: Sequence[Any]
    ) -> Generator[Broken, None, Page]:
        """The page after a close, which the judge looks at by itself."""
        if (page.epoch, page.protocol) != (epoch, "raft"):
            return page
        told = [_stop_of(epoch, each) for each in stops]
        flaw = next((said for each in told if (said := self._stop_flaw(epoch, each))), "")
        sources = {each.source for each in told if each is not None}
        if not flaw and (len(sources) < self._n - self._f or len(sources) < len(told)):
            flaw = f"{len(told)} stops of {len(sources)} replicas"
        known = [each.held for each in told if each is not None and each.held is not None]
        last = max(known, key=lambda seal: (seal.term, seal.index), default=None)
        wanted = self._chains.get((epoch, last.digest)) if last is not None else ()
        if not flaw and tuple(chain) != wanted:
            flaw = "the chain is not that of the last seal"
        if flaw:
            self._void[seq] = f"{self._void.get(seq, '')}the close proves nothing: {flaw}"
            return page
        after = page
        for link in wanted or ():
            if link is not None:
                request = pbft.Request(client=link[0], timestamp=link[1], operation=link[2])
                yield from self._was_asked(request)
                after = self._operated(after, request)
                self._recorded(after, request)
        reasons = [each.reason for each in told if each is not None]
        is_bft = reasons.count("threat") + reasons.count("standstill") > self._f
        futile = page.futile + 1 if is_bft and after.done == page.done else 0
        after = attrs.evolve(after, epoch=epoch + 1, protocol="bft" if is_bft else "raft", futile=futile)
        self.taken_over[epoch] = tuple(wanted or ())
        self._openings[epoch + 1] = after
        self._began[epoch + 1] = dict(self._ticks)
        own = {why for (_, at), why in self.reasons.items() if at == epoch}
        if not own & ({"threat", "standstill"} if is_bft else {"threat", "standstill", "long"}):
            yield "NobodyAlone", f"epoch {epoch} is closed, and no correct replica had a reason of its own"
        for client, believed in self._believed.pop(epoch, ()):
            yield from self._is_kept(client, believed)
        for held in list(self._held.values()):
            if held.epoch == epoch:
                yield from self._is_one_epoch(held)
        return after

    def _stop_flaw(self, epoch: int, stop: hybrid.Stop | None) -> str:
        """The reason that keeps a stop in a close from being genuine; of correct replicas the judge knows what they signed."""
        if stop is None:
            return "what is no stop"
        held = stop.held
        if stop.source not in self._replicas or not hybrid.is_signed(stop, self._keys):
            return f"a stop of {stop.source}"
        if stop.source in self._configs:
            told = stop.reason, (held.term, held.index, held.digest) if held is not None else None
            if self._stops.get((stop.source, epoch)) != told:
                return f"{stop.source} did not stop so"
        return self._seal_flaw(epoch, held) if held is not None else ""

    def _opened(
        self, seq: int, page: Page, epoch: int, calms: Sequence[Any]
    ) -> Generator[Broken, None, Page]:
        """The page after an open."""
        if (page.epoch, page.protocol) != (epoch, "bft"):
            return page
        wanting = {source for each in calms if (source := self._calm_of(epoch, each))}
        if len(wanting) < self._quorum:
            self._void[seq] = f"{self._void.get(seq, '')}the open proves nothing: {len(wanting)} are calm"
            return page
        lasted = [
            self._ticks[name] - then for name, then in self._began.get(epoch, {}).items() if name in wanting
        ]
        needed = self._dwell(self._openings.get(epoch))
        if sum(ticks >= needed for ticks in lasted) < self._quorum - self._f:
            yield "NoFlapping", f"BFT epoch {epoch} lasts for {lasted} ticks: it is to last for {needed}"
        after = attrs.evolve(page, epoch=epoch + 1, protocol="raft")
        self._openings[epoch + 1] = after
        return after

    def _calm_of(self, epoch: int, value: Any) -> str:
        """Whose genuine calm it is; empty if it is none."""
        match value:
            case (str() as source, bytes() as signature):
                calm = hybrid.Calm(epoch=epoch, source=source, signature=signature)
                is_said = source not in self._configs or (source, epoch) in self._calms
                is_calm = source in self._replicas and is_said and hybrid.is_signed(calm, self._keys)
                return source if is_calm else ""
            case _:
                return ""


# --- values ---------------------------------------------------------------------------------------


def _link(link: hybrid.Link) -> _Link:
    return None if link is None else (link.client, link.timestamp, link.operation, link.signature)


def links(chain: Sequence[hybrid.Link]) -> tuple[_Link, ...]:
    """A chain as the judge writes it down."""
    return tuple(_link(link) for link in chain)


def _chain_of(log: Sequence[raft.Entry]) -> _Chain:
    return tuple(_link(entry.value) if isinstance(entry.value, pbft.Request) else None for entry in log)


def _has(chain: _Chain, client: str, sequence: int) -> bool:
    """Return whether an operation is in a chain."""
    for link in chain:
        if link is not None and link[0] == client:
            match link[2]:
                case ("operate", at, _) if at == sequence:
                    return True
    return False


def _is_like(page: Page, book: hybrid.Book) -> bool:
    """Return whether a replica's book says the same as the judge's page."""
    sessions = {each.client: (each.sequence, each.result) for each in book.sessions}
    return (page.value, page.done, dict(page.sessions)) == (book.value, book.done, sessions)


def _stop_of(epoch: int, value: Any) -> hybrid.Stop | None:
    """A stop as it stands in a close; None if it is none."""
    match value:
        case (str() as source, str() as reason, None, bytes() as signature):
            return hybrid.Stop(epoch=epoch, reason=reason, held=None, source=source, signature=signature)
        case (
            str() as source,
            str() as reason,
            (int() as term, int() as index, str() as digest, tuple() as acks),
            bytes() as signature,
        ):
            about: dict[str, Any] = {"epoch": epoch, "term": term, "index": index, "digest": digest}
            read = tuple(
                hybrid.Ack(source=who, signature=mark, **about)
                for who, mark in (each for each in acks if isinstance(each, tuple) and len(each) == 2)
            )
            held = hybrid.Seal(acks=read, **about)
            return hybrid.Stop(epoch=epoch, reason=reason, held=held, source=source, signature=signature)
        case _:
            return None
