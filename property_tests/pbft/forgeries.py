"""Message fuzzer: messages that a hostile network, a Byzantine replica and a lying client make of a run's.

Whoever forges has all genuine messages, the keys of one replica and of one client, and any object at all. All
objects are trees: what a decoder makes of bytes holds nothing twice.
"""

import contextlib
import random
from collections.abc import Callable, Iterable
from typing import Any, Final, NoReturn

import attrs

from impl import pbft
from impl.pbft import rules
from impl.pbft.state import NO_VOTES
from property_tests.pbft.midway import BYZANTINE, CLIENT, REPLICAS, Midway, keys_of

__all__ = ["Forger"]


# --- objects that are no messages, and no fields of any -----------------------------------------


class _Hostile:
    """An object that raises whatever is done with it."""

    def _refuse(self, *_: object) -> NoReturn:
        raise RuntimeError("looked at")

    __eq__ = __ne__ = __lt__ = __gt__ = __le__ = __ge__ = _refuse
    __hash__ = __len__ = __iter__ = __bool__ = __str__ = __repr__ = __format__ = _refuse
    __getattr__ = _refuse

    @property  # type: ignore[misc]  # on purpose
    def __class__(self) -> Any:
        raise RuntimeError("asked for its class")


class _Disguised:
    """An object that says that it is a prepare."""

    @property  # type: ignore[misc]  # on purpose
    def __class__(self) -> Any:
        return pbft.Prepare


class _Meta(type):
    """A type that raises whatever is asked of it."""

    def __hash__(cls) -> int:
        raise RuntimeError("hashed")

    def __eq__(cls, other: object) -> bool:
        raise RuntimeError("compared")

    @property
    def __name__(cls) -> NoReturn:  # type: ignore[override]  # on purpose
        raise RuntimeError("asked for its name")


class _OfNoType(metaclass=_Meta):
    """An object of such a type."""


class _Text(str):
    """A string that is none."""

    __slots__ = ()
    __eq__ = __hash__ = __len__ = _Hostile._refuse  # noqa: SLF001 - a part of this module


class _Number(int):
    """A number that is none."""

    __eq__ = __lt__ = __ge__ = __hash__ = __index__ = _Hostile._refuse  # noqa: SLF001 - as above


class _Tuple(tuple[Any, ...]):
    """A tuple that is none."""

    __slots__ = ()
    __len__ = __iter__ = __eq__ = __hash__ = _Hostile._refuse  # noqa: SLF001 - as above


@attrs.frozen
class _Pretender(pbft.Prepare):
    """A prepare and something more."""


def _nested(depth: int) -> tuple[Any, ...]:
    value: tuple[Any, ...] = ()
    for _ in range(depth):
        value = (value,)
    return value


def _endless() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


_JUNK: Final[tuple[Any, ...]] = (
    None,
    True,
    -1,
    0,
    1,
    1 << 62,
    (1 << 62) - 1,
    -(1 << 63),
    1 << 64,
    1 << 100_000,
    0.0,
    0.5,
    float("nan"),
    1j,
    "",
    "r0",
    BYZANTINE,
    "\ud83d",
    "\x00",
    "0" * 64,
    "g" * 64,
    "A" * 64,
    "\uff10" * 64,
    "x" * 1_000,
    "x" * (1 << 20),
    b"",
    b"x" * 64,
    bytearray(b"x" * 64),
    memoryview(b"x"),
    b"x" * (1 << 20),
    (),
    (1,),
    (None,) * 1_000,
    ("x",) * 100_000,
    _nested(7),
    _nested(9),
    _nested(15),
    _nested(17),
    _nested(10_000),
    ("x" * 2_000,),
    [],
    _endless(),
    {},
    {"view": 1},
    set(),
    frozenset({1}),
    range(1 << 60),
    object(),
    int,
    pbft.Prepare,
    _Hostile(),
    _Disguised(),
    _OfNoType(),
    _OfNoType,
    _Text("r0"),
    _Number(1),
    _Tuple((1,)),
    _Hostile,
    lambda: None,
    pbft.Timeout(),
    pbft.Receive,
    *(
        object.__new__(kind)
        for kind in (pbft.Prepare, pbft.Request, pbft.ViewChange, pbft.NewView, pbft.Reply)
    ),
)


# --- the forger ---------------------------------------------------------------------------------


class Forger:
    """Makes one hostile message after the other.

    Args:
        midway: whose messages it has.
        draw: where its choices come from.
    """

    def __init__(self, midway: Midway, draw: random.Random) -> None:
        self._draw = draw
        self._genuine = midway.genuine
        self._missed = iter(midway.missed)
        self._node = midway.victim
        self._timestamp = 0
        self._view_changes = [m for m in self._genuine if isinstance(m, pbft.ViewChange)]
        self._digests = sorted(
            {m.digest for m in self._genuine if isinstance(m, pbft.Prepare | pbft.Checkpoint)} | {"0" * 64}
        )
        self._batches = [m.batch for m in self._genuine if isinstance(m, pbft.PrePrepare)]
        self._responses = [m for m in self._genuine if isinstance(m, pbft.StateResponse)]
        self._told = list(dict.fromkeys(told for m in self._view_changes for told in m.certificates))
        self._bases = list(dict.fromkeys(m.checkpoint for m in self._view_changes))
        self._parts = [
            m for m in self._genuine if isinstance(m, pbft.PrePrepare | pbft.Prepare | pbft.Request)
        ]
        #: How messages are made -> how often.
        self._ways: dict[Callable[[], object], int] = {
            self._late: 24,
            self._replayed: 10,
            self._mutated: 22,
            self._mutated_and_signed: 12,
            self._in_anothers_name: 8,
            self._lie: 14,
            self._asked: 7,
            self._junk: 5,
        }

    def next_for(self, node: pbft.Node) -> object:
        """One more message for a replica, whose state the lies depend on."""
        self._node = node
        (way,) = self._draw.choices(list(self._ways), tuple(self._ways.values()))
        return way()

    # --- what others said

    def _late(self) -> pbft.Message:
        """The next genuine message for the victim, in order, so that the victim makes progress."""
        return next(self._missed, None) or self._replayed()

    def _replayed(self) -> pbft.Message:
        return self._draw.choice(self._genuine)

    def _mutated(self) -> object:
        """A genuine message with something else in one place, at any depth.

        The signatures are left as they are.
        """
        return self._with_a_change(self._draw.choice(self._genuine))

    def _mutated_and_signed(self) -> Any:
        """A changed message, signed again with one of the known keys, perhaps also under its owner's name."""
        changed: Any = self._mutated()
        if self._draw.random() < 0.8:
            if type(changed) is pbft.Request:
                changed = attrs.evolve(changed, client=CLIENT)
            elif hasattr(changed, "source"):
                changed = attrs.evolve(changed, source=BYZANTINE)
        signer = CLIENT if type(changed) is pbft.Request else BYZANTINE
        with contextlib.suppress(pbft.NotCanonical, AttributeError, RuntimeError, RecursionError, ValueError):
            return pbft.signed(changed, keys_of(signer))
        return changed

    def _with_a_change(self, part: Any) -> Any:
        fields = [field.name for field in attrs.fields(type(part))]
        name = self._draw.choice(fields)
        value = getattr(part, name)
        return attrs.evolve(part, **{name: self._other(value)})

    def _other(self, value: Any) -> Any:
        """Something else than this value: one of its parts changed, something like it, or anything."""
        draw = self._draw
        if attrs.has(type(value)) and draw.random() < 0.7:
            return self._with_a_change(value)
        if type(value) is tuple and value and draw.random() < 0.6:
            place = draw.randrange(len(value))
            return (*value[:place], self._other(value[place]), *value[place + 1 :])
        if draw.random() < 0.3:
            return draw.choice(_JUNK)
        match value:
            case bool() | None:
                return not value
            case int():
                return draw.choice([value + 1, value - 1, value + 4, 2 * value, 1 << 61, -value])
            case str() if len(value) == 64:
                return draw.choice(self._digests)
            case str():
                return draw.choice([*REPLICAS, *REPLICAS, CLIENT, "c0", f"{value}0", value.upper(), ""])
            case bytes():
                other = draw.choice([m for m in self._genuine if hasattr(m, "signature")])
                return draw.choice([value[1:], value + b"\0", bytes(64), other.signature])
            case tuple():
                return draw.choice(
                    [value[1:], value[::-1], value + value, value * 100, (), tuple(self._parts[:8])]
                )
            case _:
                return draw.choice(self._parts)

    # --- what the Byzantine replica says

    def _by_byzantine(self, message: Any) -> Any:
        return pbft.signed(message, keys_of(BYZANTINE))

    def _in_anothers_name(self) -> Any:
        """A plausible message in the name of another replica, signed by the Byzantine replica."""
        source = self._draw.choice([name for name in REPLICAS if name != BYZANTINE])
        return self._by_byzantine(attrs.evolve(self._lie(), source=source))

    def _lie(self) -> Any:
        """A well-formed, signed message of the Byzantine replica, about views and numbers of its choice."""
        draw, durable = self._draw, self._node.durable
        low = durable.stable.seq
        view = max(0, durable.view + draw.choice([-1, 0, 0, 0, 1, 2]))
        seq = max(1, low + draw.choice([0, 1, 2, 2, 3, 3, 4, 8, 9]))
        accepted = self._node.votes.get(seq, NO_VOTES).accepted
        digest = accepted if accepted and draw.random() < 0.5 else draw.choice(self._digests)
        mine = next(view for view in range(durable.view, durable.view + 4) if view % 4 == 3)
        lies: list[Callable[[], Any]] = [
            lambda: pbft.Prepare(view=view, seq=seq, digest=digest, source=BYZANTINE),
            lambda: pbft.Commit(view=view, seq=seq, digest=digest, source=BYZANTINE),
            lambda: pbft.PrePrepare(
                view=draw.choice([view, mine, mine]),
                seq=seq,
                batch=draw.choice(self._batches),
                source=BYZANTINE,
            ),
            lambda: pbft.Checkpoint(
                seq=draw.choice([seq, low + 4, low + 8, low + 400]), digest=digest, source=BYZANTINE
            ),
            lambda: pbft.StateRequest(seq=seq, source=BYZANTINE),
            self._state,
            lambda: self._view_change(view + 1),
            lambda: self._new_view(mine),
            self._made_up,
        ]
        return self._by_byzantine(draw.choice(lies)())

    def _made_up(self) -> Any:
        """A message with a proof that is complete, and whose signatures are all its own."""
        draw = self._draw
        base = draw.choice([*self._bases, self._stable_by(4 * draw.randrange(1, 7), "0" * 64)])
        view = draw.randrange(4)
        made_up = self._certificate(view, base.seq + draw.randrange(1, 9))
        change = pbft.ViewChange(view=view + 1, checkpoint=base, certificates=(made_up,), source=BYZANTINE)
        match draw.randrange(4):
            case 0:
                return change
            case 1:
                changes = [
                    self._by_byzantine(attrs.evolve(change, view=3, source=source)) for source in REPLICAS[1:]
                ]
                return self._new_view_by(3, tuple(changes), rules.reproposals(tuple(changes)))
            case 2:
                state = pbft.State(("owned",))
                stable = self._stable_by(4 * draw.randrange(1, 7), pbft.digest(state))
                return pbft.StateResponse(checkpoint=stable, state=state, source=BYZANTINE)
            case _:
                asked = pbft.Request(client="c0", timestamp=draw.randrange(1, 99), operation="owned")
                batch = (pbft.signed(asked, keys_of(CLIENT)),)
                return pbft.PrePrepare(view=3, seq=draw.randrange(1, 25), batch=batch, source=BYZANTINE)

    def _certificate(self, view: int, seq: int) -> pbft.PreparedCertificate:
        batch, primary = self._draw.choice(self._batches), REPLICAS[view % len(REPLICAS)]
        proposal = pbft.PrePrepare(view=view, seq=seq, batch=batch, source=primary)
        prepares = (
            pbft.Prepare(view=view, seq=seq, digest=pbft.digest(batch), source=source)
            for source in REPLICAS
            if source != primary
        )
        return pbft.PreparedCertificate(
            pre_prepare=self._by_byzantine(proposal), prepares=tuple(map(self._by_byzantine, prepares))
        )

    def _stable_by(self, seq: int, digest: str) -> pbft.CheckpointCertificate:
        votes = (pbft.Checkpoint(seq=seq, digest=digest, source=source) for source in REPLICAS)
        return pbft.CheckpointCertificate(seq=seq, digest=digest, proof=tuple(map(self._by_byzantine, votes)))

    def _state(self) -> pbft.StateResponse:
        response = self._draw.choice(self._responses)
        state = pbft.State(response.state.value, response.state.answered[self._draw.randrange(2) :])
        return pbft.StateResponse(checkpoint=self._draw.choice(self._bases), state=state, source=BYZANTINE)

    def _view_change(self, view: int) -> pbft.ViewChange:
        told = {each.seq: each for each in self._draw.sample(self._told, min(3, len(self._told)))}
        base = self._draw.choice(self._bases)
        return pbft.ViewChange(
            view=view,
            checkpoint=base,
            certificates=tuple(
                told[seq] for seq in sorted(told) if seq > base.seq or self._draw.random() < 0.2
            ),
            source=BYZANTINE,
        )

    def _new_view(self, view: int) -> pbft.NewView:
        """A new view of the Byzantine replica from the known view changes, with right or wrong proposals."""
        draw = self._draw
        wanted = [m for m in self._view_changes if m.view == view and m.source != BYZANTINE]
        others = {m.source: m for m in draw.sample(wanted, len(wanted))}
        mine = self._by_byzantine(self._view_change(view))
        chosen = (*draw.sample(list(others.values()), min(2, len(others))), mine)
        follows = rules.reproposals(chosen)
        batches = [
            (seq, draw.choice(self._batches) if draw.random() < 0.1 else batch) for seq, batch in follows
        ]
        return self._new_view_by(view, chosen, batches)

    def _new_view_by(
        self, view: int, chosen: tuple[pbft.ViewChange, ...], batches: Iterable[tuple[int, pbft.Batch]]
    ) -> pbft.NewView:
        proposals = (
            self._by_byzantine(pbft.PrePrepare(view=view, seq=seq, batch=batch, source=BYZANTINE))
            for seq, batch in batches
        )
        return pbft.NewView(view=view, view_changes=chosen, proposals=tuple(proposals), source=BYZANTINE)

    # --- what the client says, and what is no message at all

    def _asked(self) -> pbft.Request:
        """The client asks, more often than it may, or asks too much."""
        self._timestamp += self._draw.randrange(3)
        size = self._draw.choice([1, 10, 500, 2_000])
        asked = pbft.Request(client=CLIENT, timestamp=self._timestamp + 1, operation="x" * size)
        return pbft.signed(asked, keys_of(CLIENT))

    def _junk(self) -> object:
        draw = self._draw
        return draw.choice(
            [
                draw.choice(_JUNK),
                draw.randbytes(draw.randrange(200)),
                pbft.encode(draw.choice(self._genuine)),
                _Pretender(view=0, seq=6, digest=draw.choice(self._digests), source=BYZANTINE),
                (draw.choice(self._genuine),),
                draw.choice(self._told),
            ]
        )
