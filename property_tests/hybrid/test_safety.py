"""The judge of the hybrid can fail: for each of its properties some wrong rule is found by it within a few runs."""

import types
from typing import Any

import attrs
import pytest

from impl import hybrid, pbft
from impl.hybrid import book, client, core, rules, shapes, suspicion, switches
from impl.hybrid.outcome import Outcome
from impl.threat import Level
from property_tests.hybrid import safety
from property_tests.hybrid.cluster import Setting
from property_tests.hybrid.script import endure

#: An object, the name of something in it, and what is put in its place.
Patch = tuple[Any, str, Any]


def _lowest(held: Any) -> Any:
    """Of what the stops of a close hold, the shortest chain of the lowest term."""
    return min((seal for seal in held if seal), key=lambda seal: (seal.term, seal.index), default=None)


def _switches(protocol: str) -> Any:
    """A switch of the book that looks at nothing."""

    def switch(_: Any, told: hybrid.Book, *__: Any) -> Any:
        return attrs.evolve(told, epoch=told.epoch + 1, protocol=protocol), ("done",)

    return switch


def _done_twice(told: hybrid.Book, service: Any, request: Any) -> hybrid.Book:
    """An operation is done, and then again."""
    once = _operated(told, service, request)
    return _operated(attrs.evolve(once, sessions=told.sessions), service, request)


def _own(keeper: book.BookKeeper, value: Any, request: Any) -> Any:
    """One replica has one operation more in its book."""
    after, result = _apply(keeper, value, request)
    told = book.Book.from_value(after)
    is_odd = keeper.keys == pbft.SymbolicKeys("r1")
    return attrs.evolve(told, done=told.done + is_odd).to_value(), result


_apply = book.BookKeeper.apply
_operated = book.Book.operated
_recover = hybrid.recover


def _forgetful(config: Any, durable: Any) -> hybrid.Node:
    """The replica comes back, and has not stopped."""
    node = _recover(config, durable)
    epoch = node.raft_epoch
    return attrs.evolve(node, raft_epoch=attrs.evolve(epoch, stopped=None)) if epoch is not None else node


def _counts(needed: int) -> Any:
    """Quorums for clients alone."""
    return types.SimpleNamespace(byzantine_quorum=lambda _, f: needed * f + 1)


#: What is wrong -> the property that shows it, the strategy under which it does, how many replicas, and the patches.
_WRONG: dict[str, tuple[str, str, int, tuple[Patch, ...]]] = {
    "any ack": ("AcksGrow", "usurped terms", 4, ((rules, "may_ack", lambda *_: True),)),
    "any hold": (
        "HoldsGrow",
        "",
        4,
        ((rules, "may_hold", lambda *_: True), (core, "may_hold", lambda *_: True)),
    ),
    "seals of a majority": (
        "SealIsProved",
        "",
        7,
        ((rules, "seals", lambda acks, replicas, _: len(set(acks)) > len(replicas) // 2),),
    ),
    "seals of one": ("SealsAgree", "split entries", 4, ((rules, "seals", lambda *_: True),)),
    "the lowest seal": ("SwitchIsProved", "", 4, ((rules, "last_seal", _lowest),)),
    "a close of anything": (
        "SwitchIsProved",
        "bad switches",
        4,
        ((book.BookKeeper, "_close", _switches("bft")),),
    ),
    "an open of anything": (
        "SwitchIsProved",
        "bad switches",
        4,
        ((book.BookKeeper, "_open", _switches("raft")),),
    ),
    "raft after any close": ("LevelsMap", "", 4, ((book, "BFT", "raft"),)),
    "a book of one's own": ("OneDecision", "", 4, ((book.BookKeeper, "apply", _own),)),
    "any level serves": ("LevelsMap", "", 4, ((switches, "level", lambda _: Level.NONE),)),
    "f + 1 answers": ("Kept", "", 4, ((client, "quorum", _counts(1)),)),
    "one answer": ("Linearizable", "false answers", 4, ((client, "quorum", _counts(0)),)),
    "done twice": ("Once", "", 4, ((book.Book, "operated", _done_twice),)),
    "unsigned requests": ("Validity", "tampered entries", 4, ((shapes, "request_complaint", lambda *_: ""),)),
    "a stop is forgotten in a crash": ("StoppedIsSilent", "", 4, ((hybrid, "recover", _forgetful),)),
    "a stop hides what is held": (
        "OneEpoch",
        "",
        4,
        (
            (switches, "Stop", lambda **told: hybrid.Stop(**{**told, "held": None})),
            (switches, "Stopped", lambda stop, _: hybrid.Stopped(stop, ())),
        ),
    ),
    "a threat at any level": ("NobodyAlone", "", 4, ((switches, "level", lambda _: Level.HIGH),)),
    "one other is enough to join": (
        "NobodyAlone",
        "threat stops",
        4,
        ((rules, "stops_epoch", lambda others, _: others > 0),),
    ),
    "calm at once": ("NoFlapping", "", 4, ((switches, "_is_calm", lambda node: node.is_bft),)),
    "calm at any level": ("NobodyAlone", "", 4, ((switches, "level", lambda _: Level.NONE),)),
    "acks of any index contradict each other": (
        "HonestIsNeverProved",
        "",
        4,
        ((suspicion, "_place", lambda ack: (ack.epoch, ack.term, 0)),),
    ),
    "no seal is good": ("HonestIsTaken", "", 4, ((core, "seal_flaw", lambda *_: "it is not"),)),
    "nothing is written": ("DurableStays", "", 4, ((core, "_forgets", lambda *_: False),)),
    "answers are not looked at": (
        "Total",
        "false answers",
        4,
        ((client, "_is_well_formed", lambda *_: True),),
    ),
    "no stop counts": ("Progress", "silence", 4, ((switches, "stop_flaw", lambda *_: "no"),)),
    "nothing fades": ("Return", "", 4, ((suspicion, "ticked", Outcome),)),
}


def _hasty(usual: Setting) -> Setting:
    """The same with little patience: what never comes is seen not to come sooner."""
    return attrs.evolve(usual, limits={**usual.limits, "patience_max": 1})


@pytest.mark.parametrize("wrong", _WRONG)
def test_each_property_is_seen_to_fail(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    rule, strategy, replicas, patches = _WRONG[wrong]
    for target, name, replacement in patches:
        monkeypatch.setattr(target, name, replacement)
    found = (
        run
        for seed in range(20)
        if (
            run := endure(
                seed,
                steps=1_000,
                setting=_hasty(Setting.drawn(seed, replicas=replicas, traitors=replicas // 3)),
                only=frozenset({rule}),
                strategy=strategy,
            )
        ).broken
    )
    first = next(found, None)
    assert first is not None, "no run noticed it"
    assert first.property == rule, first.broken
    assert first.log


def test_each_property_has_a_wrong_rule() -> None:
    """The table of the judge, and what the cluster adds to it."""
    words = safety.__doc__ or ""
    named = {line.split("`")[1] for line in words.splitlines() if line.startswith("| `")}
    assert named | {"Total", "Progress", "Return", "Linearizable"} == {rule for rule, *_ in _WRONG.values()}
