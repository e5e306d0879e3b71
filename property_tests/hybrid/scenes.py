"""Scenes of the hybrid: a replica, the book or a client is told something that proves nothing, and must not go by it.

The spec knows no signatures, shapes and digests: what is signed there is signed, and a seal is one. What makes that true of the
implementation is played here, message by message. Each scene says what is wrong, by the property that it is about:

| property     | says                                                                                   |
|--------------|----------------------------------------------------------------------------------------|
| `Authentic`  | what counts has the signature of its source, in this epoch                             |
| `Proved`     | a seal, a stop, a close or an open that proves nothing changes nothing                 |
| `Counted`    | votes count once for each replica, for the same thing, and a quorum of them suffices   |
| `Once`       | an operation is done once, in a BFT epoch or by a close, and answered as it was         |
| `Believed`   | a client believes what enough replicas say of its own operation, in one epoch and term |
| `Anew`       | an epoch begins with nothing of the one before                                         |
| `Reported`   | two acks that contradict each other are shown to all, and prove something of their signer alone |
| `Repeats`    | what others may not have heard is said again                                           |
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

import attrs

from impl import hybrid, pbft, raft, threat
from impl.hybrid.book import Book, calm_value, stop_value
from impl.hybrid.chain import chain_digest, link_value
from property_tests.hybrid.adapter import Telling

__all__ = ["SCENES", "Wrong", "asked_by", "brought", "sealed"]

#: A property, and what is wrong.
Wrong = tuple[str, str]

_NAMES: Final = ("r0", "r1", "r2", "r3")
_UNSIGNED: Final = b"nobody"


def _config(name: str, **limits: Any) -> hybrid.Config:
    return hybrid.Config(
        name, _NAMES, pbft.SymbolicKeys(name), service=Telling(), dwell_ticks=2, standstill_ticks=3, **limits
    )


_M = TypeVar("_M", hybrid.Ack, hybrid.Answer, hybrid.Calm, hybrid.Carried, hybrid.Score, hybrid.Stop)


def _by(name: str, message: _M) -> _M:
    """The message, signed by `name`."""
    return hybrid.signed(message, pbft.SymbolicKeys(name))


def asked_by(client: str, sequence: int = 1, timestamp: int = 1, what: pbft.Value = "it") -> pbft.Request:
    """What a client asks for."""
    request = pbft.Request(client=client, timestamp=timestamp, operation=("operate", sequence, what))
    return pbft.signed(request, pbft.SymbolicKeys(client))


_A: Final = asked_by("a")
_B: Final = asked_by("b")


def _ack(name: str, chain: tuple[hybrid.Link, ...], *, term: int = 2, epoch: int = 0) -> hybrid.Ack:
    digest = chain_digest(epoch, chain)
    return _by(name, hybrid.Ack(epoch=epoch, term=term, index=len(chain), digest=digest, source=name))


def sealed(
    chain: tuple[hybrid.Link, ...],
    *,
    names: Iterable[str] = _NAMES[1:],
    term: int = 2,
    epoch: int = 0,
    acks: tuple[hybrid.Ack, ...] | None = None,
) -> hybrid.Seal:
    """A seal of a chain, with the acks of these replicas, or with other ones."""
    given = acks if acks is not None else tuple(_ack(name, chain, term=term, epoch=epoch) for name in names)
    digest = chain_digest(epoch, chain)
    return hybrid.Seal(epoch=epoch, term=term, index=len(chain), digest=digest, acks=given)


def _stop(
    name: str, held: hybrid.Seal | None = None, *, reason: str = "threat", epoch: int = 0
) -> hybrid.Stop:
    return _by(name, hybrid.Stop(epoch=epoch, reason=reason, held=held, source=name))


def _calm(name: str, epoch: int) -> hybrid.Calm:
    return _by(name, hybrid.Calm(epoch=epoch, source=name))


def brought(
    chain: tuple[hybrid.Link, ...], *, term: int = 2, epoch: int = 0, by: str = "r3", to: str = "r0"
) -> hybrid.Carried:
    """A leader brings a chain."""
    entries = tuple(raft.Entry(term, raft.NoOp() if link is None else link) for link in chain)
    message = raft.AppendEntriesRequest(
        term=term,
        source=by,
        dest=to,
        prev_log_index=0,
        prev_log_term=0,
        entries=entries,
        leader_commit=0,
    )
    return _by(by, hybrid.Carried(epoch=epoch, message=message, source=by))


def _told(node: hybrid.Node, *told: Any) -> tuple[hybrid.Node, list[Any]]:
    """A replica after messages, or other inputs, and what it said."""
    said: list[Any] = []
    for each in told:
        is_input = isinstance(
            each, hybrid.Tick | hybrid.Retransmit | hybrid.ElectionTimeout | hybrid.Heartbeat
        )
        node, effects = hybrid.step(node, each if is_input else hybrid.Receive(each))
        said += [effect.message for effect in effects if isinstance(effect, hybrid.Send)]
    return node, said


def _first(name: str = "r0", **limits: Any) -> hybrid.Node:
    return hybrid.first_start(_config(name, **limits))


def _executing(node: hybrid.Node, request: pbft.Request, seq: int) -> tuple[hybrid.Node, list[Any]]:
    """A replica other than r0 whose PBFT hears in view 0 that a request is decided."""
    batch = (request,)
    digest, others = pbft.digest(batch), [name for name in _NAMES if name != node.name]
    votes: list[Any] = [pbft.PrePrepare(view=0, seq=seq, batch=batch, source="r0")]
    votes += [pbft.Prepare(view=0, seq=seq, digest=digest, source=name) for name in others if name != "r0"]
    votes += [pbft.Commit(view=0, seq=seq, digest=digest, source=name) for name in others]
    return _told(node, *(pbft.signed(vote, pbft.SymbolicKeys(vote.source)) for vote in votes))


def _of_replica(name: str, operation: pbft.Value, timestamp: int = 1) -> pbft.Request:
    request = pbft.Request(client=name, timestamp=timestamp, operation=operation)
    return pbft.signed(request, pbft.SymbolicKeys(name))


def _close(
    stops: Iterable[hybrid.Stop], chain: tuple[hybrid.Link, ...] = (), *, epoch: int = 0
) -> pbft.Value:
    return ("close", epoch, tuple(stop_value(stop) for stop in stops), tuple(map(link_value, chain)))


def _open(calms: Iterable[hybrid.Calm], *, epoch: int = 1) -> pbft.Value:
    return ("open", epoch, tuple(calm_value(calm) for calm in calms))


_CLOSE: Final = _of_replica("r3", _close([_stop(name) for name in _NAMES[1:]]))


def _in_bft(name: str = "r1") -> hybrid.Node:
    """A replica in BFT epoch 1."""
    return _executing(_first(name), _CLOSE, 1)[0]


# --- seals ----------------------------------------------------------------------------------------


def _seals() -> Iterator[Wrong]:
    chain: tuple[hybrid.Link, ...] = (None, _A)
    node, _ = _told(_first(), brought(chain))
    acks = tuple(_ack(name, chain) for name in _NAMES[1:])
    bad = {
        "one ack three times": sealed(chain, acks=(acks[0],) * 3),
        "two acks": sealed(chain, acks=acks[:2]),
        "an ack without a signature": sealed(
            chain, acks=(*acks[:2], attrs.evolve(acks[2], signature=_UNSIGNED))
        ),
        "an ack for another chain": sealed(chain, acks=(*acks[:2], _ack("r3", (None, _B)))),
        "an ack of another term": sealed(chain, acks=(*acks[:2], _ack("r3", chain, term=3))),
        "acks of another epoch": attrs.evolve(sealed(chain, epoch=1), digest=chain_digest(0, chain)),
        "too many acks": sealed(chain, acks=(*acks, *acks)),
    }
    for what, seal in bad.items():
        after, _ = _told(node, seal)
        if after.raft_epoch is not None and after.raft_epoch.held is not None:
            yield "Proved", f"a seal with {what} is held"
    after, said = _told(node, sealed(chain))
    if after.raft_epoch is None or after.raft_epoch.held is None:
        yield "Counted", "a seal with the acks of a quorum is not held"
    if not any(isinstance(each, hybrid.Answer) and each.term == 2 for each in said):
        yield "Counted", "who executes under a seal does not say so"
    _, said = _told(node, sealed(chain, term=3), brought((*chain, _B)))
    if any(isinstance(each, hybrid.Ack) for each in said):
        yield "Counted", "who holds a seal of a later term acks in the term before"
    early, _ = _told(_first(), sealed(chain), brought(chain))
    if early.raft_epoch is None or early.raft_epoch.held is None:
        yield "Counted", "a seal that comes before its chain is not held when that has come"


def _leader() -> Iterator[Wrong]:
    """A leader makes a seal of the acks of a quorum for its own chain, and of nothing less."""
    leader, _ = _told(_first(), hybrid.ElectionTimeout())
    for name in ("r1", "r2"):
        vote = raft.RequestVoteResponse(term=1, source=name, dest="r0", vote_granted=True)
        leader, _ = _told(leader, _by(name, hybrid.Carried(epoch=0, message=vote, source=name)))
    if not leader.is_leader or leader.raft is None:
        yield "Counted", "who has the votes of a majority does not lead"
        return
    leader, said = _told(leader, _A)
    if not any(isinstance(each, hybrid.Ack) for each in said):
        yield "Counted", "a leader does not tell that its own log holds the chain"
    chain: tuple[hybrid.Link, ...] = (None, _A)
    less = {
        "for another chain": _ack("r2", (None, _B), term=1),
        "of another term": _ack("r2", chain, term=2),
        "without a signature": attrs.evolve(_ack("r2", chain, term=1), signature=_UNSIGNED),
        "that came before": _ack("r1", chain, term=1),
        "of another epoch": _ack("r2", chain, term=1, epoch=1),
    }
    for what, ack in less.items():
        after, said = _told(leader, _ack("r1", chain, term=1), ack)
        if any(isinstance(each, hybrid.Seal) for each in said):
            yield "Counted", f"a leader makes a seal with an ack {what}"
    after, said = _told(leader, _ack("r1", chain, term=1), _ack("r3", chain, term=1))
    if not any(isinstance(each, hybrid.Seal) and each.index == 2 for each in said):
        yield "Counted", "a leader makes no seal of the acks of a quorum"
    _, said = _told(after, hybrid.Heartbeat())
    if not any(isinstance(each, hybrid.Seal) for each in said):
        yield "Repeats", "a leader does not say again what it holds"


# --- stops, closes, opens -------------------------------------------------------------------------


def _stops() -> Iterator[Wrong]:
    chain: tuple[hybrid.Link, ...] = (None, _A)
    good = hybrid.Stopped(_stop("r3", sealed(chain)), chain)
    held = sealed(chain, acks=(_ack("r1", chain),) * 3)
    old = sealed(chain, epoch=7)
    bad = {
        "without a signature": attrs.evolve(good, stop=attrs.evolve(good.stop, signature=_UNSIGNED)),
        "for no reason": hybrid.Stopped(_stop("r3", reason="boredom"), ()),
        "with a chain without a seal": hybrid.Stopped(_stop("r3"), chain),
        "with a seal that is none": hybrid.Stopped(_stop("r3", held), chain),
        "with another chain": hybrid.Stopped(good.stop, (None, _B)),
        "with a part of the chain": hybrid.Stopped(good.stop, chain[:1]),
        "with a seal of another epoch": hybrid.Stopped(_stop("r3", old), chain),
        "of another epoch": hybrid.Stopped(_stop("r3", epoch=7), ()),
        "relabelled": hybrid.Stopped(attrs.evolve(_stop("r3", epoch=7), epoch=0), ()),
    }
    for what, stopped in bad.items():
        after, _ = _told(_first(), stopped)
        if after.stops:
            yield "Proved", f"a stop {what} counts"
    after, _ = _told(_first(), good)
    if set(after.stops) != {"r3"}:
        yield "Counted", "a stop that proves all it says does not count"
    after, said = _told(_first(), *([hybrid.Tick()] * 9))
    if after.serving is None:
        yield "Counted", "a replica for whom nobody waits gives up its epoch"
    after, _ = _told(_first(), _A, *([hybrid.Tick()] * 4))
    if after.serving is not None:
        yield "Counted", "a replica for whom a client waits for too long does not stop"
    _, said = _told(after, hybrid.Retransmit())
    if not any(isinstance(each, hybrid.Stopped) and each.stop.source == "r0" for each in said):
        yield "Repeats", "a replica does not say again that it has stopped"
    others = [hybrid.Stopped(_stop(name), ()) for name in ("r2", "r3")]
    backup, _ = _told(_first("r1"), *others, hybrid.Retransmit())
    if "r1" not in backup.pbft.waiting:
        yield "Counted", "a backup does not hand in a close by itself"


def _apply(book: Book, operation: pbft.Value, client: str = "r3") -> tuple[Book, Any]:
    value, result = _config("r0").pbft.service.apply(book.to_value(), _of_replica(client, operation))
    return Book.from_value(value), result


def _closes() -> Iterator[Wrong]:
    chain: tuple[hybrid.Link, ...] = (None, _A)
    longer: tuple[hybrid.Link, ...] = (*chain, _B)
    first = _first().agreed
    held, strangers = sealed(chain), sealed(chain, names=("c1", "c2", "c3"))
    stops = [_stop("r1"), _stop("r2", held), _stop("r3")]
    unsigned = attrs.evolve(stops[2], signature=_UNSIGNED)
    twice = sealed(chain, acks=(_ack("r3", chain),) * 3)
    bad = {
        "two stops": _close(stops[1:], chain),
        "a stop twice": _close([*stops[1:], stops[2]], chain),
        "two stops of one replica": _close([*stops[1:], _stop("r3", reason="long")], chain),
        "a stop without a signature": _close([*stops[:2], unsigned], chain),
        "a stop of a stranger": _close([*stops[:2], _stop("c1")], chain),
        "a stop for no reason": _close([*stops[:2], _stop("r3", reason="boredom")], chain),
        "stops of another epoch": _close([_stop(name, epoch=7) for name in _NAMES[1:]]),
        "a seal of strangers": _close([stops[0], _stop("r2", strangers), stops[2]], chain),
        "a seal of one replica": _close([stops[0], _stop("r2", twice), stops[2]], chain),
        "another chain": _close(stops, (None, _B)),
        "no chain": _close(stops),
        "a longer chain": _close(stops, longer),
        "a chain that nobody holds": _close([_stop(name) for name in _NAMES[1:]], chain),
    }
    for what, operation in bad.items():
        after, _ = _apply(first, operation)
        if after != first:
            yield "Proved", f"a close with {what} closes the epoch"
    after, result = _apply(first, _close(stops, chain))
    if result != ("closed", 1) or after.session("a") is None or after.protocol != "bft":
        yield "Counted", f"a close that proves all is answered {result}"
        return
    again, _ = _apply(after, _close(stops, chain))
    other, _ = _apply(after, _close([_stop(name, epoch=1) for name in _NAMES[1:]], epoch=1))
    if again != after or other != after:
        yield "Proved", "a BFT epoch is closed"
    ahead, _ = _apply(first, _close([_stop(name, epoch=5) for name in _NAMES[1:]], epoch=5))
    if ahead != first:
        yield "Proved", "an epoch is closed that has not begun"
    later = sealed(longer, term=3), sealed((None, _B), term=3)
    mixed = [_stop("r1", sealed((None, _B, _A, asked_by("d")))), _stop("r2", later[0]), _stop("r3", later[1])]
    after, result = _apply(first, _close(mixed, longer))
    if result[0] != "closed":
        yield "Counted", f"the longest chain of the highest term is answered {result}"
    turned: tuple[hybrid.Link, ...] = (None, asked_by("a", 2, 2), _A)
    after, _ = _apply(first, _close([stops[0], _stop("r2", sealed(turned)), stops[2]], turned))
    if after.done != 1:
        yield "Once", "an operation is done after a later one of its client"
    for reasons, protocol in (
        (("threat", "long", "joined"), "raft"),
        (("threat", "standstill", "joined"), "bft"),
        (("long", "long", "joined"), "raft"),
    ):
        named = [_stop(name, reason=why) for name, why in zip(_NAMES[1:], reasons, strict=True)]
        after, _ = _apply(first, _close(named))
        if (after.epoch, after.protocol) != (1, protocol):
            yield "Counted", f"after stops for {reasons} the next epoch is {after.protocol}"
    futile = first
    for _ in range(2):
        futile, _ = _apply(
            futile, _close([_stop(name, epoch=futile.epoch) for name in _NAMES[1:]], epoch=futile.epoch)
        )
        futile, _ = _apply(
            futile, _open([_calm(name, futile.epoch) for name in _NAMES[1:]], epoch=futile.epoch)
        )
    if futile.futile != 2 or (futile.epoch, futile.protocol) != (4, "raft"):
        yield "Counted", f"after two Raft epochs in which nothing was done, {futile.futile} are counted"


def _opens() -> Iterator[Wrong]:
    book = _in_bft().agreed
    calms = [_calm(name, 1) for name in _NAMES[1:]]
    bad = {
        "two calms": _open(calms[:2]),
        "a calm three times": _open([calms[0]] * 3),
        "a calm without a signature": _open([*calms[:2], attrs.evolve(calms[2], signature=_UNSIGNED)]),
        "a calm of a stranger": _open([*calms[:2], _calm("c1", 1)]),
        "calms of another epoch": _open([_calm(name, 3) for name in _NAMES[1:]]),
        "calms of an epoch to come": _open([_calm(name, 3) for name in _NAMES[1:]], epoch=3),
    }
    for what, operation in bad.items():
        after, _ = _apply(book, operation)
        if after != book:
            yield "Proved", f"an open with {what} opens an epoch"
    after, result = _apply(book, _open(calms))
    if result != ("opened", 2) or (after.epoch, after.protocol) != (2, "raft"):
        yield "Counted", f"an open that proves all is answered {result}"
    again, _ = _apply(after, _open([_calm(name, 2) for name in _NAMES[1:]], epoch=2))
    if again != after:
        yield "Proved", "a Raft epoch is opened again"


def _epochs() -> Iterator[Wrong]:
    """What was said in one epoch counts in no other, and nothing of one is left in the next."""
    node, _ = _told(_first("r1"), hybrid.Stopped(_stop("r2"), ()))
    node, _ = _executing(node, _CLOSE, 1)
    if not node.is_bft:
        yield "Counted", "a close that is decided ends no epoch"
        return
    if node.stops or node.acks or node.calms or node.dwelt:
        yield "Anew", "a BFT epoch begins with what was said in the epoch before"
    heard, _ = _told(node, _calm("r2", 1), hybrid.Tick())
    if set(heard.calms) != {"r2"}:
        yield "Counted", f"of one other who is calm {sorted(heard.calms)} are known after a tick"
    heard, _ = _told(heard, hybrid.Tick(), hybrid.Tick())
    if set(heard.calms) != {"r2"}:
        yield "Counted", "a BFT epoch after a futile Raft epoch does not last for longer"
    heard, _ = _told(heard, hybrid.Tick())
    if set(heard.calms) != {"r1", "r2"}:
        yield "Counted", "a replica is not calm when its epoch has lasted for long enough"
    for what, calm in {
        "of another epoch": _calm("r3", 3),
        "relabelled": attrs.evolve(_calm("r3", 3), epoch=1),
        "without a signature": attrs.evolve(_calm("r3", 1), signature=_UNSIGNED),
    }.items():
        after, _ = _told(heard, calm)
        if "r3" in after.calms:
            yield "Authentic", f"a calm {what} counts"
    alarmed = attrs.evolve(
        node, threat=attrs.evolve(node.threat, durable=threat.Durable(level=threat.Level.HIGH))
    )
    after, _ = _told(alarmed, *([hybrid.Tick()] * 5))
    if after.calms:
        yield "Counted", "a replica at High is calm"
    opened, _ = _executing(heard, _of_replica("r3", _open([_calm(name, 1) for name in _NAMES[1:]]), 2), 2)
    if opened.is_bft or opened.epoch != 2 or opened.raft is None:
        yield "Counted", "an open that is decided begins no Raft epoch"
        return
    if opened.calms or opened.stops or opened.dwelt:
        yield "Anew", "a Raft epoch begins with what was said in the epoch before"
    after, _ = _told(opened, brought((None, _A), to="r1"))
    if after.raft is None or after.raft.durable.log:
        yield "Authentic", "what a leader of another epoch brings is taken"
    relabelled = attrs.evolve(brought((None, _A), to="r1"), epoch=2)
    after, _ = _told(opened, relabelled)
    if after.raft is None or after.raft.durable.log:
        yield "Authentic", "what a leader of another epoch brings is taken under another name"
    after, _ = _told(opened, hybrid.Stopped(_stop("r2"), ()))
    if after.stops:
        yield "Authentic", "a stop of an epoch that is over counts"


def _carried() -> Iterator[Wrong]:
    """Raft's messages are of who signed them, and for this replica."""
    chain: tuple[hybrid.Link, ...] = (None, _A)
    good = brought(chain)
    forged = attrs.evolve(good.message, source="r2")
    bad = {
        "without a signature": attrs.evolve(good, signature=_UNSIGNED),
        "of somebody else": _by("r3", hybrid.Carried(epoch=0, message=forged, source="r3")),
        "for somebody else": brought(chain, to="r1"),
        "with a request that its client did not sign": brought((None, attrs.evolve(_A, signature=_UNSIGNED))),
        "with another request than it signed": attrs.evolve(good, message=brought((None, _B)).message),
    }
    for what, carried in bad.items():
        after, _ = _told(_first(), carried)
        if after.raft is None or after.raft.durable.log:
            yield "Authentic", f"a message of Raft {what} is taken"
    after, said = _told(_first(), good)
    if not any(isinstance(each, hybrid.Ack) and each.index == 2 for each in said):
        yield "Counted", "what a leader brings is not acked"
    brings: Any = good.message
    later = attrs.evolve(brings, term=3, prev_log_index=2, prev_log_term=2, entries=())
    after, said = _told(after, _by("r3", hybrid.Carried(epoch=0, message=later, source="r3")))
    if any(isinstance(each, hybrid.Ack) and each.term == 3 for each in said):
        yield "Counted", "a chain whose last entry is of an earlier term is acked"


# --- clients --------------------------------------------------------------------------------------


def _requests() -> Iterator[Wrong]:
    unsigned = attrs.evolve(_A, signature=_UNSIGNED)
    after, _ = _told(_first(), unsigned)
    if after.waiting:
        yield "Authentic", "a request without a signature waits"
    after, _ = _told(_first(), asked_by("a", 2, 2), _A)
    if [each.request.timestamp for each in after.waiting.values()] != [2]:
        yield "Once", "an earlier request takes the place of a later one"
    done, said = _executing(_in_bft(), asked_by("a", 1, 1, "one"), 2)
    told = [each for each in said if isinstance(each, pbft.Reply)]
    if [each.result for each in told] != [("done", 1, ("a",))]:
        yield "Once", f"what is done is answered {[each.result for each in told]}"
    again, said = _executing(done, asked_by("a", 1, 2, "one"), 3)
    if [each.result for each in said if isinstance(each, pbft.Reply)] != [("done", 1, ("a",))]:
        yield "Once", "what is done is not answered as it was"
    if again.agreed.done != 1:
        yield "Once", "an operation is done twice"
    later, _ = _executing(again, asked_by("a", 2, 3, "two"), 4)
    past, said = _executing(later, asked_by("a", 1, 4, "one"), 5)
    results = [each.result for each in said if isinstance(each, pbft.Reply)]
    if past.agreed.done != 2 or results != [("past", 1, 2)]:
        yield "Once", f"an operation before the last is answered {results}"
    _, said = _told(later, asked_by("a", 2, 5, "two"))
    told_again = [each for each in said if isinstance(each, hybrid.Answer)]
    if [(each.term, each.sequence) for each in told_again] != [(0, 2)]:
        yield "Repeats", "a client that asks again for what is in the book is not told so"
    elsewhere, said = _executing(_first("r1"), _A, 1)
    results = [each.result for each in said if isinstance(each, pbft.Reply)]
    if elsewhere.agreed.done or results != [("elsewhere", 0)]:
        yield "Once", f"in a Raft epoch what PBFT decides is done, and answered {results}"


def _answer(name: str, *, epoch: int = 0, term: int = 2, result: pbft.Value = "yes", **fields: Any) -> Any:
    known: Mapping[str, Any] = {"client": "c", "sequence": 2, "source": name, **fields}
    return _by(name, hybrid.Answer(epoch=epoch, term=term, result=result, **known))


def _reply(name: str, *, timestamp: int = 2, result: pbft.Value = ("done", 1, "yes"), **fields: Any) -> Any:
    known: Mapping[str, Any] = {"client": "c", "source": name, **fields}
    return pbft.signed(
        pbft.Reply(view=0, timestamp=timestamp, result=result, **known), pbft.SymbolicKeys(name)
    )


def _clients() -> Iterator[Wrong]:
    first = hybrid.Client(name="c", replicas=_NAMES, f=1, keys=pbft.SymbolicKeys("c"))
    client, _ = hybrid.ask(first, "first")
    client, _ = hybrid.ask(client, "second")
    two = [_answer("r0"), _answer("r1")]
    bad = {
        "two under a seal": two,
        "one of them again": [*two, two[0]],
        "one without a signature": [*two, attrs.evolve(_answer("r2"), signature=_UNSIGNED)],
        "a stranger": [*two, _answer("c1")],
        "one of another term": [*two, _answer("r2", term=3)],
        "one of another epoch": [*two, _answer("r2", epoch=1)],
        "one with another result": [*two, _answer("r2", result="no")],
        "one about another operation": [*two, _answer("r2", sequence=1)],
        "one about another client": [*two, _answer("r2", client="d")],
        "one of the book": [_answer("r0", term=0)],
        "one of the book, twice": [_answer("r0", term=0)] * 2,
        "one of PBFT": [_reply("r0")],
        "one of PBFT and one about an earlier request": [_reply("r0"), _reply("r1", timestamp=1)],
        "one of PBFT and one without a signature": [
            _reply("r0"),
            attrs.evolve(_reply("r1"), signature=_UNSIGNED),
        ],
        "one of PBFT and a stranger": [_reply("r0"), _reply("c1")],
        "one of PBFT and one of another client's": [_reply("r0"), _reply("r1", client="d")],
        "all that it is not done": [_reply(name, result=("elsewhere", 0)) for name in _NAMES],
    }
    for what, messages in bad.items():
        if _believes(client, messages):
            yield "Believed", f"a client believes {what}"
    good = {
        "a quorum": [*two, _answer("r3")],
        "two of the book": [_answer("r0", term=0), _answer("r1", term=0, epoch=1)],
        "two of PBFT": [_reply("r0"), _reply("r2")],
    }
    for what, messages in good.items():
        if not _believes(client, messages):
            yield "Believed", f"a client does not believe {what}"


def _believes(client: hybrid.Client, messages: Iterable[Any]) -> bool:
    for message in messages:
        client, believed = hybrid.hear(client, message)
        if believed is not None:
            return True
    return False


# --- who contradicts himself ----------------------------------------------------------------------


def _contradictions() -> Iterator[Wrong]:
    one, other = _ack("r3", (None, _A)), _ack("r3", (None, _B))
    after, said = _told(_first(), one, other)
    if not any(isinstance(each, hybrid.Exposure) for each in said):
        yield "Reported", "two acks that contradict each other are not shown"
    if "r3" not in after.threat.durable.proved:
        yield "Reported", "two acks that contradict each other prove nothing"
    after, _ = _told(_first(), hybrid.Exposure(one, other))
    if "r3" not in after.threat.durable.proved:
        yield "Reported", "two acks that somebody shows prove nothing"
    bad = {
        "without a signature": hybrid.Exposure(one, attrs.evolve(other, signature=_UNSIGNED)),
        "of two replicas": hybrid.Exposure(one, _ack("r2", (None, _B))),
        "of two terms": hybrid.Exposure(one, _ack("r3", (None, _B), term=3)),
        "of two lengths": hybrid.Exposure(one, _ack("r3", (None, _B, _A))),
        "that are the same": hybrid.Exposure(one, one),
    }
    for what, exposure in bad.items():
        after, _ = _told(_first(), exposure)
        if after.threat.durable.proved:
            yield "Reported", f"acks {what} prove something"
    after, _ = _told(_first(), one, _ack("r3", (None, _A, _B)), _ack("r3", (None, _B), term=3))
    if after.threat.durable.proved:
        yield "Reported", "acks that a correct replica may give prove something"


#: The scenes by name.
SCENES: Final[Mapping[str, Callable[[], Iterator[Wrong]]]] = {
    "seals": _seals,
    "a leader": _leader,
    "stops": _stops,
    "closes": _closes,
    "opens": _opens,
    "epochs": _epochs,
    "carried": _carried,
    "requests": _requests,
    "clients": _clients,
    "contradictions": _contradictions,
}
