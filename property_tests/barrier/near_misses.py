"""Inputs that a node refuses or passes over by a hair, and the effects of those that it takes, in order.

The spec has no malformed message, no host that errs, and no order of effects; random play seldom meets a
number at its bound. Each case is worked out from the docstrings of `impl.manager.barrier`.
"""

from collections.abc import Iterator
from typing import Any, Final

import attrs

from impl.common.shapes import NUMBER_END
from impl.manager import barrier
from impl.manager.barrier import (
    Ack,
    ActOn,
    Ask,
    Committed,
    Compare,
    Config,
    Decision,
    Effect,
    Ended,
    Expire,
    Fence,
    Fetch,
    Heard,
    Known,
    Node,
    Open,
    Opened,
    Probe,
    Propose,
    Receive,
    Record,
    Refused,
    Result,
    Send,
    Spread,
    Tick,
    ToCoordinator,
    Update,
    Welcome,
    Write,
)
from tlacheck.verify import Context, Outcome

__all__ = ["near_misses"]

_KNOWN: Final = (("n1", Known(1, 2, "x")), ("n2", Known(1, 0, None)))
#: Field -> what it may be, and what it may not be, of each kind of message.
_MESSAGES: Final[dict[type[Any], dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]]]] = {
    Ask: {"generation": ((1, NUMBER_END - 1), (0, True, None, 1.0, NUMBER_END))},
    Welcome: {"generation": ((1,), (0, "1")), "index": ((0, 5), (-1, False))},
    Fetch: {"index": ((0, 5), (-1, None))},
    Update: {
        "index": ((0, 5), (-1, "5")),
        "fence": ((0, 5), (-1, "5")),
        "known": (
            ((), _KNOWN, _KNOWN[:1]),
            (
                None,
                list(_KNOWN),
                _KNOWN[::-1],
                (*_KNOWN, _KNOWN[1]),
                (["n1", Known(1, 1, "x")],),
                (("n1", Known(1, 1, "x"), 0),),
                (("n1",),),
                ((1, Known(1, 1, "x")),),
                (("n1", (1, 1, "x")),),
                (("n1", Known(-1, 1, "x")),),
                (("n1", Known(1, -1, "x")),),
                (("n1", Known("1", 1, "x")),),  # type: ignore[arg-type]  # malformed on purpose
            ),
        ),
    },
    Probe: {"index": ((0, 5), (-1, 1.5))},
    Ack: {"generation": ((1,), (0, None)), "index": ((0, 5), (-1, b"1"))},
}


def _shapes() -> Iterator[tuple[str, bool]]:
    """Each field at its bounds, within and beyond."""
    node = _ready()
    for kind, fields in _MESSAGES.items():
        good = kind(**{name: within[0] for name, (within, _) in fields.items()})
        for name, (within, beyond) in fields.items():
            for value in within:
                message = attrs.evolve(good, **{name: value})
                yield f"{message} is a message", not barrier.messages.rejection(message)
            for value in beyond:
                message = attrs.evolve(good, **{name: value})
                after, effects = barrier.step(node, Receive("n2", message))
                is_refused = after == node and _are_refused(effects)
                yield f"{message} is refused", is_refused and bool(barrier.messages.rejection(message))
    for other in (None, "probe", Ask(1)):
        after, effects = barrier.step(node, Receive("n2", other))  # type: ignore[arg-type]  # any object
        yield f"{other!r} to a node is refused", after == node and _are_refused(effects)
    after, effects = barrier.step(node, object())  # type: ignore[arg-type]  # any object
    yield "what is no input is refused", after == node and _are_refused(effects)


def _are_refused(effects: tuple[Effect, ...]) -> bool:
    return len(effects) == 1 and isinstance(effects[0], Refused)


# --- nodes


def _ready(**changed: Any) -> Node:
    """A coordinator that has applied three decisions, the last a fence, and may act."""
    node = barrier.first_start(Config(node="n1", is_coordinator=True))
    node, _ = barrier.step(node, Receive("c", Welcome(1, 0)))
    for index, entry in enumerate((Decision("n2", 1, 1, "a"), "else", Fence()), start=1):
        node, _ = barrier.step(node, Committed(index, entry))
    return attrs.evolve(node, **changed)


def _heard(node: Node, owner: str, record: Record) -> Node:
    return barrier.step(node, Heard(owner, record))[0]


def _gives(node: Node, inp: Any, *effects: Effect) -> bool:
    """Return whether an input has exactly these effects."""
    return barrier.step(node, inp)[1] == effects


def _passes_over(node: Node, inp: Any) -> bool:
    """Return whether an input changes nothing, and nobody is told."""
    return barrier.step(node, inp) == (node, ())


def _lives() -> Iterator[tuple[str, bool]]:
    config = Config(node="n1")
    first = barrier.first_start(config)
    yield "the first generation is 1", first.generation == 1 and first.own == Record(1)
    yield "a restart goes on in the next one", barrier.restart(config, 1).generation == 2
    for generation in (0, -1):
        try:
            barrier.restart(config, generation)
        except ValueError:
            continue
        yield f"nobody ran in generation {generation}", False
    yield "a new node asks how long the log is", _gives(first, Tick(), ToCoordinator(Ask(1)))
    told = barrier.step(first, Receive("c", Welcome(1, 2)))
    yield "who is told fetches", told[1] == (ToCoordinator(Fetch(0)),) and told[0].floor == 2
    yield "and again at each tick, without asking", _gives(told[0], Tick(), ToCoordinator(Fetch(0)))
    yield "who needs nothing does not", _gives(first, Receive("c", Welcome(1, 0)))
    yield "a second welcome is passed over", _passes_over(told[0], Receive("c", Welcome(1, 0)))
    yield "so is one for another life", _passes_over(first, Receive("c", Welcome(2, 0)))
    yield "a ready node does nothing at a tick", _passes_over(_ready(), Tick())
    behind = _heard(_ready(), "n2", Record(1, 2, 4, "b"))
    yield "one behind a record fetches at a tick", _gives(behind, Tick(), ToCoordinator(Fetch(3)))
    one = _heard(behind, "n3", Record(1, 1, 3, "c"))
    yield "also if it is behind one of several", _gives(one, Tick(), ToCoordinator(Fetch(3)))


def _records() -> Iterator[tuple[str, bool]]:
    node = _ready()
    written, effects = barrier.step(node, Write("w"))
    record = Record(1, node.own.version + 1, 3, "w")
    yield "a write is spread", effects == (Spread(record),) and written.copies == {"n1": record}
    held = _heard(written, "n2", Record(1, 2, 3, "b"))
    yield "a record joins the others", held.copies == {"n1": record, "n2": Record(1, 2, 3, "b")}
    again, _ = barrier.step(held, Write("v"))
    yield "a write keeps the others", again.copies["n2"] == Record(1, 2, 3, "b")
    yield "one's own record is not heard", _passes_over(node, Heard("n1", Record(9, 9, 0, "no")))
    yield "nor is the same one again", _passes_over(held, Heard("n2", Record(1, 2, 3, "other")))
    yield "of a later life is later", _heard(held, "n2", Record(2, 0, 3)).copies["n2"].generation == 2
    yield "of an earlier life is not", _passes_over(held, Heard("n2", Record(0, 9, 3)))
    yield (
        "what rests on more than is applied is fetched",
        _gives(node, Heard("n2", Record(1, 2, 4)), ToCoordinator(Fetch(3))),
    )
    yield "what rests on as much is not", _gives(node, Heard("n2", Record(1, 2, 3)))
    for what, record, acts in (
        ("resting on the fence", Record(1, 2, 3), True),
        ("older than the fence", Record(1, 2, 2), False),
        ("ahead of the node", Record(1, 2, 4), False),
        ("of nobody", Record(0, 0, 3), False),
    ):
        holder = attrs.evolve(node, copies={**node.copies, "n2": record})
        after, effects = barrier.step(holder, ActOn("n2"))
        is_right = (
            effects == (barrier.Acted("n2", record),) and after.acted == ("n2", record)
            if acts
            else after == holder and _are_refused(effects)
        )
        yield f"a record {what} is acted on: {acts}", is_right
    yield "nobody acts on itself", _are_refused(barrier.step(written, ActOn("n1"))[1])


def _decisions() -> Iterator[tuple[str, bool]]:
    node = _ready()
    yield "the log is known", dict(node.known) == {"n2": Known(1, 1, "a")} and node.fence == node.applied == 3
    again = Committed(3, Decision("n3", 1, 1, "c"))
    yield (
        "a decision is applied once",
        _passes_over(node, again) and _passes_over(node, Committed(2, Fence())),
    )
    yield "a gap is fetched", barrier.step(node, Committed(5, Fence())) == (node, (ToCoordinator(Fetch(3)),))
    after, effects = barrier.step(node, Committed(4, Decision("n3", 1, 1, "c")))
    yield "the next one is taken", dict(after.known) == {"n2": Known(1, 1, "a"), "n3": Known(1, 1, "c")}
    yield "and moves no fence", (after.applied, after.fence, effects) == (4, 3, ())
    stale, _ = barrier.step(node, Committed(4, Decision("n2", 1, 0, "old")))
    yield "one that read less counts only", (stale.applied, dict(stale.known)) == (4, dict(node.known))
    same, _ = barrier.step(node, Committed(4, Decision("n2", 1, 1, "same")))
    yield "one that read as much is taken", same.known["n2"] == Known(1, 1, "same")
    fenced, effects = barrier.step(node, Committed(4, Fence()))
    yield (
        "a fence renews the own record",
        effects == (Spread(Record(1, node.own.version + 1, 4, node.own.value)),),
    )
    yield "a second fence is the last", fenced.fence == 4
    late, effects = barrier.step(node, Receive("n2", Update(4, 3, _KNOWN)))
    yield "an update takes it on", (late.applied, late.known, effects) == (4, dict(_KNOWN), ())
    yield "not back", _passes_over(node, Receive("n2", Update(3, 3, _KNOWN)))
    known = (("n2", Known(1, 1, "a")),)
    yield (
        "who has less gets an update",
        _gives(node, Receive("n2", Fetch(2)), Send("n2", Update(3, 3, known))),
    )
    yield "who has as much gets nothing", _passes_over(node, Receive("n2", Fetch(3)))
    holder = _heard(_heard(node, "n3", Record(1, 1, 3, "c")), "n2", Record(1, 1, 3, "a"))
    drawn = Propose(Decision("n3", 1, 1, "c"))
    yield "a comparison proposes what differs", _gives(holder, Compare(("n2", "n3")), drawn)
    yield (
        "of all, and of oneself",
        _gives(holder, Compare(), Propose(Decision("n1", 1, node.own.version, None)), drawn),
    )
    replica = attrs.evolve(holder, config=Config(node="n1"))
    yield "only a coordinator compares", _are_refused(barrier.step(replica, Compare())[1])


def _barriers() -> Iterator[tuple[str, bool]]:
    node = _heard(_ready(), "n2", Record(2, 1, 3))
    replica = attrs.evolve(node, config=Config(node="n1"))
    yield "only a coordinator opens one", _are_refused(barrier.step(replica, Open(("n2",)))[1])
    yield "without a fence there is none", _are_refused(barrier.step(_ready(fence=0), Open(("n2",)))[1])
    yield "for nobody there is none", _are_refused(barrier.step(node, Open(()))[1])
    opened, effects = barrier.step(node, Open(("n3", "n2")))
    probes = (Send("n2", Probe(3)), Send("n3", Probe(3)))
    yield "those concerned are probed", effects == (Opened(1), *probes)
    yield (
        "each in the life that is known",
        opened.barrier is not None and dict(opened.barrier.expected) == {"n2": 2, "n3": 1},
    )
    yield "a second one waits", _are_refused(barrier.step(opened, Open(("n2",)))[1])
    yield "a tick probes them again", _gives(opened, Tick(), *probes)
    for what, source, ack in (
        ("of an earlier life", "n2", Ack(1, 3)),
        ("from before the fence", "n2", Ack(2, 2)),
        ("of a stranger", "n4", Ack(1, 3)),
    ):
        yield f"an acknowledgement {what} does not count", _passes_over(opened, Receive(source, ack))
    one, effects = barrier.step(opened, Receive("n2", Ack(2, 3)))
    yield "one counts", effects == () and one.barrier is not None and one.barrier.missing == ("n3",)
    yield "once", _passes_over(one, Receive("n2", Ack(2, 3)))
    yield "a tick probes whom it lacks", _gives(one, Tick(), Send("n3", Probe(3)))
    passed, effects = barrier.step(one, Receive("n3", Ack(1, 3)))
    yield "the last one ends it", effects == (Ended(1, 3, Result.PASSED, ()),)
    yield "a tick probes nobody then", _passes_over(passed, Tick())
    yield "its time-out is passed over", _passes_over(passed, Expire(1))
    yield "and a late acknowledgement", _passes_over(passed, Receive("n3", Ack(1, 3)))
    yield "the next one has the next number", barrier.step(passed, Open(("n2",)))[1][0] == Opened(2)
    yield "another's time-out is passed over", _passes_over(one, Expire(2))
    yield "a time-out without one too", _passes_over(node, Expire(1))
    yield "an acknowledgement without one too", _passes_over(node, Receive("n2", Ack(2, 3)))
    ended, effects = barrier.step(one, Expire(1))
    yield "its time-out leaves it unknown", effects == (Ended(1, 3, Result.UNKNOWN, ("n3",)),)
    yield "for good", _passes_over(ended, Receive("n3", Ack(1, 3)))
    yield "and nobody is probed any more", _passes_over(ended, Tick())
    for index, extra in ((3, ()), (4, (ToCoordinator(Fetch(3)),))):
        yield (
            f"a probe for {index} is answered",
            _gives(node, Receive("n2", Probe(index)), Send("n2", Ack(1, 3)), *extra),
        )


def near_misses(context: Context) -> Outcome:
    """The worked cases of messages, lives, records, decisions and barriers."""
    context.progress("worked cases")
    cases = [*_shapes(), *_lives(), *_records(), *_decisions(), *_barriers()]
    return Outcome.of_cases("NearMisses", cases, context.seed)
