"""The judge of the hybrid can fail: each property catches a wrong rule within a few runs."""

import types
from typing import Any

import attrs
import pytest

from impl import hybrid, pbft
from impl.common import StepResult
from impl.hybrid import client, control, core, rules, shapes, suspicion, switches
from impl.threat import Level
from property_tests.hybrid import invariants
from property_tests.hybrid.host import HybridCore, configs_of
from property_tests.hybrid.protocol import HYBRID
from property_tests.hybrid.runs import played, with_behaviour
from tlacheck.harness import Protocol

#: An object, the name of something in it, and what is put in its place.
Patch = tuple[Any, str, Any]


def _lowest(locked: Any) -> Any:
    """The shortest prefix of the lowest term among the locked QCs in the aborts of an epoch-end command."""
    return min((qc for qc in locked if qc), key=lambda qc: (qc.term, qc.index), default=None)


def _switches(protocol: str) -> Any:
    """A switch of the control state that looks at nothing."""

    def switch(_: Any, told: hybrid.ControlState, *__: Any) -> Any:
        return attrs.evolve(told, epoch=told.epoch + 1, protocol=protocol), ("done",)

    return switch


def _done_twice(told: hybrid.ControlState, service: Any, request: Any) -> hybrid.ControlState:
    """An operation is done, and then again."""
    once = _operated(told, service, request)
    return _operated(attrs.evolve(once, sessions=told.sessions), service, request)


def _own(keeper: control.ControlStateMachine, value: Any, request: Any) -> Any:
    """Give one replica one more operation in its control state."""
    after, result = _apply(keeper, value, request)
    told = control.ControlState.from_value(after)
    is_odd = keeper.keys == pbft.SymbolicKeys("r1")
    return attrs.evolve(told, done=told.done + is_odd).to_value(), result


_apply = control.ControlStateMachine.apply
_operated = control.ControlState.operated
_recover = hybrid.recover


def _forgetful(config: Any, durable: Any) -> hybrid.Node:
    """The replica comes back, and has not aborted."""
    node = _recover(config, durable)
    epoch = node.raft_epoch
    return attrs.evolve(node, raft_epoch=attrs.evolve(epoch, abort=None)) if epoch is not None else node


def _counts(needed: int) -> Any:
    """Quorums for clients alone."""
    return types.SimpleNamespace(byzantine_quorum=lambda _, f: needed * f + 1)


# : What is wrong -> the property that shows it, the strategy under which it does, how many replicas, and the
# patches.
_WRONG: dict[str, tuple[str, str, int, tuple[Patch, ...]]] = {
    "any vote": ("VotesGrow", "usurped terms", 4, ((rules, "may_vote", lambda *_: True),)),
    "any hold": (
        "LocksGrow",
        "",
        4,
        ((rules, "may_lock", lambda *_: True), (core, "may_lock", lambda *_: True)),
    ),
    "QCs of a majority": (
        "QCIsProved",
        "",
        7,
        ((rules, "is_quorum", lambda votes, replicas, _: len(set(votes)) > len(replicas) // 2),),
    ),
    "QCs of one": ("QCsAgree", "split entries", 4, ((rules, "is_quorum", lambda *_: True),)),
    "the lowest QC": ("SwitchIsProved", "", 4, ((rules, "highest_qc", _lowest),)),
    "an epoch-end command of anything": (
        "SwitchIsProved",
        "bad switches",
        4,
        ((control.ControlStateMachine, "_end_epoch", _switches("bft")),),
    ),
    "an epoch-start command of anything": (
        "SwitchIsProved",
        "bad switches",
        4,
        ((control.ControlStateMachine, "_start_epoch", _switches("raft")),),
    ),
    "raft after any epoch-end command": ("LevelsMap", "", 4, ((control, "BFT", "raft"),)),
    "a control state of one's own": ("OneDecision", "", 4, ((control.ControlStateMachine, "apply", _own),)),
    "any level serves": ("LevelsMap", "", 4, ((switches, "level", lambda _: Level.NONE),)),
    "f + 1 answers": ("Kept", "", 4, ((client, "quorum", _counts(1)),)),
    "one answer": ("Linearizable", "false answers", 4, ((client, "quorum", _counts(0)),)),
    "done twice": ("Once", "", 4, ((control.ControlState, "operated", _done_twice),)),
    "unsigned requests": ("Validity", "tampered entries", 4, ((shapes, "request_rejection", lambda *_: ""),)),
    "an abort is forgotten in a crash": ("AbortedIsSilent", "", 4, ((hybrid, "recover", _forgetful),)),
    "an abort hides what is locked": (
        "OneEpoch",
        "",
        4,
        (
            (switches, "Abort", lambda **told: hybrid.Abort(**{**told, "locked": None})),
            (switches, "AbortHistory", lambda abort, _: hybrid.AbortHistory(abort, ())),
        ),
    ),
    "a threat at any level": ("NobodyAlone", "", 4, ((switches, "level", lambda _: Level.HIGH),)),
    "one other is enough to join": (
        "NobodyAlone",
        "threat aborts",
        4,
        ((rules, "must_join", lambda others, _: others > 0),),
    ),
    "switches back at once": (
        "NoFlapping",
        "",
        4,
        ((switches, "_wants_switchback", lambda node: node.is_bft),),
    ),
    "switches back at any level": ("NobodyAlone", "", 4, ((switches, "level", lambda _: Level.NONE),)),
    "votes of any index contradict each other": (
        "HonestIsNeverProved",
        "",
        4,
        ((suspicion, "_place", lambda vote: (vote.epoch, vote.term, 0)),),
    ),
    "no QC is good": ("HonestIsTaken", "", 4, ((core, "qc_rejection", lambda *_: "it is not"),)),
    "nothing is written": ("DurableStays", "", 4, ((core, "_forgets", lambda *_: False),)),
    "answers are not looked at": (
        "Total",
        "false answers",
        4,
        ((client, "_is_well_formed", lambda *_: True),),
    ),
    "no abort counts": ("Progress", "silence", 4, ((switches, "abort_rejection", lambda *_: "no"),)),
    "nothing fades": ("Return", "", 4, ((suspicion, "ticked", StepResult),)),
}


#: The first seed that is tried, where runs of earlier ones notice nothing.
_FIRST_SEED = {"switches back at any level": 7, "an abort is forgotten in a crash": 24}


def _hasty(usual: Protocol) -> Protocol:
    """The same with short timeouts: events that never come do not come any sooner."""
    return attrs.evolve(usual, core=lambda size: HybridCore(configs_of(size, multiplier_max=1)))


@pytest.mark.parametrize("wrong", _WRONG)
def test_each_property_is_seen_to_fail(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    rule, behaviour, replicas, patches = _WRONG[wrong]
    for target, name, replacement in patches:
        monkeypatch.setattr(target, name, replacement)
    size = next(size for size in HYBRID.sizes if len(size.nodes) == replicas + 6)
    protocol = _hasty(with_behaviour(behaviour))
    only = frozenset({rule})
    found = (
        run
        for seed in range(_FIRST_SEED.get(wrong, 0), 40)
        if (run := played(seed, steps=3_000, size=size, protocol=protocol, only=only)).broken
    )
    first = next(found, None)
    assert first is not None, "no run noticed it"
    assert first.broken == rule, first.why


def test_each_property_has_a_wrong_rule() -> None:
    """The table of the judge, and what the harness adds to it."""
    words = invariants.__doc__ or ""
    named = {line.split("`")[1] for line in words.splitlines() if line.startswith("| `")}
    assert named | {"Total", "Progress", "Return", "Linearizable"} == {rule for rule, *_ in _WRONG.values()}
