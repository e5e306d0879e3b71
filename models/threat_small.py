"""One replica of four, for which the rules of `models.threat` and the spec have the same states.

TLC lists the states of `specs/threat/MCThreat.tla` under `models/ThreatSmall.cfg`. Z3 lists those of a system
that is made of the functions that the proofs are about, with the settings of that configuration and the
scores of four replicas in the place of any cluster score. What is compared is all that a rule reads: level,
calm, what was seen, the scores of the others, the proof there is. Numbers of statements are left out, as in
the view of the configuration.
"""

import enum
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import z3
from immutabledict import immutabledict

from models.raft_small import compared
from models.threat import SETTINGS, larger, proved_level, settled
from tlacheck.smt import Action, Clause, Expression, TransitionSystem, Variable, View, reachable
from tlacheck.smt.sorts import INT
from tlacheck.tlc.graph import Node, stream_graph
from tlacheck.values import Function, ModelValue
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["CONFIG", "MODULE", "Fault", "engines_agree", "replica", "states_by_tlc", "states_by_z3"]

#: The spec with which the model is compared, and its configuration.
MODULE: Final = Path(__file__).parents[1] / "specs" / "threat" / "MCThreat.tla"
CONFIG: Final = Path(__file__).with_name("ThreatSmall.cfg")


class Fault(enum.Enum):
    """The fault of a wrong model."""

    LARGEST = "the largest score counts"
    LIKE_OTHERS = "Critical is left like any other level"


_VALUES: Final = {
    **{f"up{level}": score for level, score in enumerate((2, 3, 5, 6), 1)},
    **{f"down{level}": score for level, score in enumerate((1, 2, 4, 5), 1)},
    "score_max": 6,
    "timing_max": 3,
    "dwell": 1,
    "calm_ticks": 2,
}
_SCORE_MAX: Final = 6
_TAMPERING, _TIMING, _TIMING_MAX, _DECAY = 5, 2, 3, 6
_OTHERS: Final = ("r1", "r2", "r3")
_STATE: Final = ("level", "calm", "evidence", "timing", *_OTHERS, "proof")
_PROOFS: Final = ("nothing", "tampering", "equivocation")


def _smaller(a: Expression, b: Expression | int) -> Expression:
    return z3.If(a < b, a, b)


def replica(fault: Fault | None = None) -> TransitionSystem:
    """The system.

    Args:
        fault: what is wrong with it; None for the machine of the spec.
    """

    def cluster(scores: list[Expression]) -> Expression:
        """The second largest of four: what two of them have."""
        held = (
            scores
            if fault is Fault.LARGEST
            else [_smaller(*two) for two in itertools.combinations(scores, 2)]
        )
        most = held[0]
        for each in held[1:]:
            most = larger(most, each)
        return most

    def moves(s: View, n: View, *, shown: int = 0, ticks: bool = False, **changed: Expression) -> Expression:
        """The changes as given, and the resulting level and calm."""
        known = {name: changed.get(name, getattr(s, name)) for name in _STATE[2:]}
        own = larger(known["evidence"], known["timing"])
        score = cluster([own, *(known[name] for name in _OTHERS)])
        level, calm = s.level, s.calm
        if shown:
            level, calm = larger(level, proved_level(z3.IntVal(shown))), z3.IntVal(0)
        after, counted = settled(s, level, calm, score, ticks=ticks, fault=fault)
        return z3.And(
            n.level == after, n.calm == counted, *(getattr(n, name) == value for name, value in known.items())
        )

    def tampering(s: View, n: View) -> Expression:
        """Self sees tampering."""
        return moves(s, n, evidence=_smaller(s.evidence + _TAMPERING, _SCORE_MAX))

    def timing(s: View, n: View) -> Expression:
        """Self sees that something is late."""
        return moves(s, n, timing=_smaller(s.timing + _TIMING, _TIMING_MAX))

    def hear(name: str) -> Action:
        return Action(f"Hear_{name}", {}, _STATE, lambda s, n: moves(s, n, **{name: z3.IntVal(_SCORE_MAX)}))

    def prove(proof: int) -> Action:
        return Action(
            f"Prove_{_PROOFS[proof]}",
            {},
            _STATE,
            lambda s, n: z3.And(s.proof < proof, moves(s, n, shown=proof, proof=z3.IntVal(proof))),
        )

    def tick(s: View, n: View) -> Expression:
        """All scores fade."""
        fading = ("evidence", "timing", *_OTHERS)
        return moves(
            s, n, ticks=True, **{name: larger(getattr(s, name) - _DECAY, z3.IntVal(0)) for name in fading}
        )

    def restart(s: View, n: View) -> Expression:
        """A crash takes scores and calm."""
        lost = ("calm", "evidence", "timing", *_OTHERS)
        return z3.And(n.level == s.level, n.proof == s.proof, *(getattr(n, name) == 0 for name in lost))

    return TransitionSystem(
        name="One of four",
        variables=[*SETTINGS, *(Variable(name, (), INT) for name in _STATE)],
        axioms=[
            Clause(
                "Concrete", lambda s: z3.And(*(getattr(s, name) == value for name, value in _VALUES.items()))
            )
        ],
        initial=lambda s: z3.And(*(getattr(s, name) == 0 for name in _STATE)),
        actions=[
            Action("Tampering", {}, _STATE, tampering),
            Action("Timing", {}, _STATE, timing),
            *map(hear, _OTHERS),
            prove(1),
            prove(2),
            Action("Tick", {}, _STATE, tick),
            Action("Restart", {}, _STATE, restart),
        ],
        properties=[Clause("Levels", lambda s: z3.And(s.level >= 0, s.level <= len(_VALUES)))],
    )


def states_by_z3(fault: Fault | None = None) -> tuple[frozenset[Function], Verdict]:
    """The part of each reachable state that a rule reads, found by Z3."""
    reached = reachable(replica(fault))
    return frozenset(map(_projected, reached.states)), reached.verdict


def _projected(state: Mapping[str, Any]) -> Function:
    return immutabledict({name: state[name] for name in _STATE})


def states_by_tlc(*, memory_mb: int = 512) -> tuple[frozenset[Function], Verdict]:
    """The part of each reachable state that a rule reads, found by TLC.

    Args:
        memory_mb: the heap of TLC's process.
    """
    found = set()
    with stream_graph(MODULE, CONFIG, memory_mb=memory_mb) as stream:
        for part in stream:
            if isinstance(part, Node):
                state = part.state
                scores = {name: state["score"][ModelValue(name)] for name in _OTHERS}
                proof = _PROOFS.index(state["proved"][ModelValue("r3")])
                seen = {name: state[name] for name in ("level", "calm", "evidence", "timing")}
                found.add(immutabledict({**seen, **scores, "proof": proof}))
        verdict = stream.summary.verdict
    return frozenset(found), verdict


def engines_agree(context: Context) -> Outcome:
    """The machine of one of four replicas has the same states for TLC and for Z3."""
    context.progress("TLC lists the states")
    by_tlc, told = states_by_tlc()
    context.progress("Z3 lists the states")
    by_z3, found = states_by_z3()
    return compared(by_tlc, told, by_z3, found)
