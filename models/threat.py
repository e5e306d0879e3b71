"""The threat level, proved for any evidence, any n > 3f, and any settings that `Config` accepts.

Four models, each a `TransitionSystem` over integers, so that two algorithms judge each goal: k-induction (an
inductive invariant, whose clauses are the properties of the model), and Spacer, which looks for an invariant
by itself.

* `counting`: the cluster score. Replicas are looked at one after the other, in the order in which
  `sorted(scores, reverse=True)` has them, each a liar or not: so nothing depends on how many there are. The
  score at index f is that of some correct replica or less, and as much as f + 1 correct replicas have or
  more.
* `machine`: level and calm, where at each input the cluster score is anything between the two bounds that
  `counting` proves. What the level does is said by the cases that the spec has, and `each_input_has_one_case`
  shows that they neither overlap nor leave anything out: the machine is total and deterministic.
* `compared`: two machines side by side, one of which sees more. Its level is never the lower one. A proof
  that one of them has seen before is the exception, and is a wrong model here: it counts once, so that liars
  cannot repeat it.
* `apart`: two machines that differ in what they saw of timing, and in nothing else. They ask for the same
  protocol.

    python -m models.threat

prints what each proof comes to, what it needs each clause for, and how wrong models fail.
"""

import enum
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import click
import z3
from immutabledict import immutabledict

from models.claims import Claim, Question, prove
from tlacheck.smt import Action, Clause, Expression, Proof, TransitionSystem, Variable, View, spacer
from tlacheck.smt.sorts import BOOL, INT
from tlacheck.verdict import Kind, Verdict
from tlacheck.verify import Context, Outcome

__all__ = [
    "CLAIMS",
    "PROOFS",
    "SETTINGS",
    "all_proved",
    "apart",
    "clauses_needed",
    "compared",
    "counting",
    "larger",
    "machine",
    "mutants_fail",
    "proved_level",
    "reached",
    "settled",
    "spacer_agrees",
]

FaultT = TypeVar("FaultT", bound=enum.Enum)

_HIGH: Final = 3
_CRITICAL: Final = 4
_RAISED: Final = range(1, _CRITICAL + 1)


class CountingFault(enum.Enum):
    """The faults of wrong cluster scores."""

    LARGEST = "one reporter decides: the largest score counts [HY-07]"
    ONE_FEWER = "as many decide as may lie"
    WITHHELD = "2f + 1 must agree, so that liars can withhold their consent [HY-07]"
    MORE_LIARS = "one more lies than is allowed for"


class MachineFault(enum.Enum):
    """The faults of wrong levels."""

    NO_HYSTERESIS = "a level is left at the score at which it is entered [HY-06]"
    ANY_SCORE = "any score of anybody counts [HY-07]"
    SLOW = "a level is entered a step after its score is reached"
    RISE_GOES_ON = "a rise does not begin the dwell anew"
    STAY_GOES_ON = "a score that keeps the level does not interrupt the dwell"
    PROOF_GOES_ON = "a new proof does not begin the calm anew"
    LIKE_OTHERS = "Critical is left like any other level"
    TO_NONE = "a level is left for None at once"
    PROOF_SETS = "proof of tampering is a way out of Critical"
    SUSPICION = "proof of equivocation leads to High only"
    LOST_LEVEL = "a crash is a way out of Critical"


class ComparedFault(enum.Enum):
    """Faults by which a machine's level may be lower for having seen more."""

    STAY_GOES_ON = "a score that keeps the level does not interrupt the dwell"
    RISE_GOES_ON = "a rise does not begin the dwell anew"
    PROOF_KNOWN = "the one that sees more has seen the proof before, and has calmed down since"
    LESS = "the one that sees more has a lower score: an average, say"


class ApartFault(enum.Enum):
    """Faults by which timing decides the protocol."""

    UNLIMITED = "timing leads to any score [HY-16]"
    KEEPS_HIGH = "timing may keep High, and not lead to it"


# --- the settings: any that Config accepts ------------------------------------------------------


def _integer(name: str, *, is_rigid: bool = False) -> Variable:
    return Variable(name, (), INT, is_rigid=is_rigid)


#: The settings as variables that never change.
SETTINGS: Final = tuple(
    _integer(name, is_rigid=True)
    for name in (
        *(f"up{level}" for level in _RAISED),
        *(f"down{level}" for level in _RAISED),
        "score_max",
        "timing_max",
        "dwell",
        "calm_ticks",
    )
)


def _up(s: Any, level: int) -> Expression:
    return getattr(s, f"up{level}")


def _down(s: Any, level: int) -> Expression:
    return getattr(s, f"down{level}")


def _accepted(s: Any) -> Expression:
    """The conditions that `impl.threat.Config` puts on its settings."""
    growing = [
        z3.And(of(s, level - 1) < of(s, level)) for of in (_up, _down) for level in _RAISED if level > 1
    ]
    return z3.And(
        *growing,
        *(z3.And(_down(s, level) >= 1, _down(s, level) < _up(s, level)) for level in _RAISED),
        _up(s, _CRITICAL) <= s.score_max,
        s.timing_max >= 0,
        s.timing_max < _down(s, _HIGH),
        s.dwell >= 1,
        s.calm_ticks > s.dwell,
    )


_ACCEPTED: Final = Clause("Accepted", _accepted)


# --- the cluster score --------------------------------------------------------------------------


def _right_index(f: Expression) -> Expression:
    """The index of the cluster score among descending scores, the first at 0."""
    return f


_WRONG_INDEX: Final[Mapping[CountingFault | None, Callable[[Expression], Expression]]] = {
    CountingFault.LARGEST: lambda f: f - f,
    CountingFault.ONE_FEWER: lambda f: f - 1,
    CountingFault.WITHHELD: lambda f: f + f,
}


def counting(fault: CountingFault | None = None) -> TransitionSystem:
    """Build replicas with descending scores, counted one by one; properties: the clauses of the invariant.

    Args:
        fault: what is wrong with it; None for the score of `impl.threat`.
    """
    index = _WRONG_INDEX.get(fault, _right_index)

    def look(s: View, n: View, *, score: Expression, lies: Expression) -> Expression:
        """The next replica has this score, no more than the one before, and lies or not."""
        high = z3.If(score >= s.threshold, 1, 0)
        most = s.f if fault is CountingFault.MORE_LIARS else s.f - 1
        return z3.And(
            z3.Or(s.seen == 0, score <= s.last),
            z3.Implies(lies, s.liars <= most),
            n.seen == s.seen + 1,
            n.reached == s.reached + high,
            n.correct == s.correct + z3.If(lies, 0, high),
            n.liars == s.liars + z3.If(lies, 1, 0),
            n.last == score,
            n.cluster == z3.If(s.seen == index(s.f), score, s.cluster),
        )

    def known(s: View) -> Expression:
        return s.seen > index(s.f)

    varying = ("seen", "reached", "correct", "liars", "last", "cluster")
    return TransitionSystem(
        name="Cluster score",
        variables=[
            _integer("f", is_rigid=True),
            _integer("threshold", is_rigid=True),
            *map(_integer, varying),
        ],
        axioms=[Clause("SomeMayLie", lambda s: s.f >= (1 if fault is CountingFault.ONE_FEWER else 0))],
        initial=lambda s: z3.And(*(getattr(s, name) == 0 for name in varying)),
        actions=[Action("Look", {"score": INT, "lies": BOOL}, varying, look)],
        properties=[
            Clause(
                "NobodyAlone",
                lambda s: z3.Implies(z3.And(known(s), s.cluster >= s.threshold), s.correct >= 1),
            ),
            Clause(
                "Demanded",
                lambda s: z3.Implies(z3.And(known(s), s.correct > s.f), s.cluster >= s.threshold),
            ),
            Clause("Counts", lambda s: z3.And(s.seen >= 0, s.reached >= 0)),
            Clause("FewLie", lambda s: s.liars <= s.f),
            Clause("LiarsMakeTheRest", lambda s: s.reached <= s.correct + s.liars),
            Clause("CorrectAreCounted", lambda s: s.correct <= s.reached),
            Clause("SeenOnce", lambda s: s.reached <= s.seen),
            Clause(
                "HighOnesFirst",
                lambda s: z3.Implies(z3.And(s.seen > 0, s.last >= s.threshold), s.reached == s.seen),
            ),
            Clause("LowerOnesLast", lambda s: z3.Implies(known(s), s.last <= s.cluster)),
        ],
    )


# --- the rules of the level ---------------------------------------------------------------------


def reached(s: Any, score: Expression) -> Expression:
    """The level to which a score leads."""
    return z3.Sum(*(z3.If(score >= _up(s, level), 1, 0) for level in _RAISED))


def _keeps(s: Any, level: Expression, score: Expression, of: Callable[[Any, int], Expression] = _down) -> Any:
    """Decide if a score is enough to keep a level above None."""
    return z3.Or(*(z3.And(level == each, score >= of(s, each)) for each in _RAISED))


def _stays(s: Any, level: Expression, score: Expression, of: Callable[[Any, int], Expression] = _down) -> Any:
    return z3.Or(level == 0, _keeps(s, level, score, of))


def _dwell(s: Any, level: Expression) -> Expression:
    return z3.If(level == _CRITICAL, s.calm_ticks, s.dwell)


def larger(a: Expression, b: Expression) -> Expression:
    """The larger of two numbers."""
    return z3.If(a > b, a, b)


def proved_level(proof: Expression) -> Expression:
    """The level to which no proof (0), tampering (1) or equivocation (2) leads."""
    return z3.If(proof == 0, 0, z3.If(proof == 1, _HIGH, _CRITICAL))


def settled(
    s: Any,
    level: Expression,
    calm: Expression,
    score: Expression,
    *,
    ticks: bool,
    fault: enum.Enum | None = None,
) -> tuple[Expression, Expression]:
    """Level and calm after an input.

    Args:
        s: the settings.
        level: before it, and after a proof.
        calm: likewise.
        score: the cluster score after it.
        ticks: whether it was a tick.
        fault: what is wrong.
    """
    wrong = fault.name if fault else ""
    rises = reached(s, score) > level
    stays = _stays(s, level, score, _up if wrong == "NO_HYSTERESIS" else _down)
    over = calm + 1 >= (s.dwell if wrong == "LIKE_OTHERS" else _dwell(s, level))
    below = 0 if wrong == "TO_NONE" else level - 1
    higher = level if wrong == "SLOW" else reached(s, score)
    fallen = z3.If(over, below, level) if ticks else level
    counted = z3.If(over, 0, calm + 1) if ticks else calm
    return (
        z3.If(rises, higher, z3.If(stays, level, fallen)),
        z3.If(
            rises,
            calm if wrong == "RISE_GOES_ON" else 0,
            z3.If(stays, calm if wrong == "STAY_GOES_ON" else 0, counted),
        ),
    )


def _scores(s: Any, *scores: Expression) -> Expression:
    return z3.And(*(z3.And(score >= 0, score <= s.score_max) for score in scores))


# --- level and calm -----------------------------------------------------------------------------

_MACHINE: Final = (
    "level",
    "calm",
    # The last step: the level before, the cluster score after it, the scores of some correct
    # replica and of f + 1.
    "old",
    "score",
    "best",
    "weak",
    "proof",
    # History: ticks since the level changed, since it was kept by a score or a proof; the same before the
    # last step.
    "since",
    "quiet",
    "since_then",
    "quiet_then",
    # All ticks, and the dwells of all times that a level was left.
    "ticks",
    "dwelt",
)


def machine(fault: MachineFault | None = None) -> TransitionSystem:
    """Build one replica's level and calm, under any input; properties: the clauses of the invariant.

    Args:
        fault: what is wrong with it; None for the machine of `impl.threat`.
    """

    def moves(
        s: View, n: View, score: Expression, *, proof: Expression | int = 0, ticks: bool = False
    ) -> Any:
        shown = proved_level(z3.IntVal(proof) if isinstance(proof, int) else proof)
        if fault is MachineFault.SUSPICION:
            shown = z3.If(shown == _CRITICAL, _HIGH, shown)
        level, calm = s.level, s.calm
        if not isinstance(proof, int):
            level = shown if fault is MachineFault.PROOF_SETS else larger(level, shown)
            calm = calm if fault is MachineFault.PROOF_GOES_ON else z3.IntVal(0)
        after, counted = settled(s, level, calm, score, ticks=ticks, fault=fault)
        more = 1 if ticks else 0
        return z3.And(
            _scores(s, score, n.best, n.weak),
            n.weak <= score,
            z3.BoolVal(True) if fault is MachineFault.ANY_SCORE else score <= n.best,
            n.weak <= n.best,
            n.score == score,
            n.proof == proof,
            n.level == after,
            n.calm == counted,
            *history(s, n, more),
        )

    def history(s: View, n: View, more: int) -> list[Expression]:
        return [
            n.old == s.level,
            n.since_then == s.since + more,
            n.quiet_then == s.quiet + more,
            n.since == z3.If(n.level != s.level, 0, s.since + more),
            n.quiet == z3.If(z3.Or(_keeps(s, n.level, n.score), n.proof > 0), 0, s.quiet + more),
            n.ticks == s.ticks + more,
            n.dwelt == s.dwelt + z3.If(n.level < s.level, s.dwell, 0),
        ]

    def hear(s: View, n: View, *, score: Expression) -> Expression:
        """Any change of scores, neither proof nor tick: own evidence, a statement, or nothing."""
        return moves(s, n, score)

    def show(s: View, n: View, *, score: Expression, proof: Expression) -> Expression:
        """A proof that is new."""
        return z3.And(proof >= 1, proof <= 2, moves(s, n, score, proof=proof))

    def tick(s: View, n: View, *, score: Expression) -> Expression:
        """Time goes by; scores fade, and are anything."""
        return moves(s, n, score, ticks=True)

    def restart(s: View, n: View) -> Expression:
        """A crash takes scores and calm, and leaves the level."""
        return z3.And(
            n.level == (0 if fault is MachineFault.LOST_LEVEL else s.level),
            *(getattr(n, name) == 0 for name in ("calm", "score", "best", "weak", "proof")),
            *history(s, n, 0),
        )

    def left(s: View) -> Expression:
        return s.level < s.old

    return TransitionSystem(
        name="Threat level",
        variables=[*SETTINGS, *map(_integer, _MACHINE)],
        axioms=[_ACCEPTED],
        initial=lambda s: z3.And(*(getattr(s, name) == 0 for name in _MACHINE)),
        actions=[
            Action("Hear", {"score": INT}, _MACHINE, hear),
            Action("Show", {"score": INT, "proof": INT}, _MACHINE, show),
            Action("Tick", {"score": INT}, _MACHINE, tick),
            Action("Restart", {}, _MACHINE, restart),
        ],
        properties=[
            Clause("Levels", lambda s: z3.And(s.level >= 0, s.level <= _CRITICAL)),
            Clause(
                "NobodyAlone",
                lambda s: z3.And(
                    *(
                        z3.Implies(
                            z3.And(s.level > s.old, s.proof == 0, s.level == each), s.best >= _up(s, each)
                        )
                        for each in _RAISED
                    )
                ),
            ),
            Clause(
                "Demanded",
                lambda s: z3.And(*(z3.Implies(s.weak >= _up(s, each), s.level >= each) for each in _RAISED)),
            ),
            Clause("OneLevelAtATime", lambda s: z3.Implies(left(s), s.level == s.old - 1)),
            Clause("Hysteresis", lambda s: z3.Implies(left(s), z3.Not(_keeps(s, s.old, s.score)))),
            Clause("DwellRespected", lambda s: z3.Implies(left(s), s.quiet_then >= _dwell(s, s.old))),
            Clause("NoFlapping", lambda s: z3.Implies(left(s), s.since_then >= s.dwell)),
            Clause(
                "NoEscape",
                lambda s: z3.Implies(
                    z3.And(s.old == _CRITICAL, s.level != _CRITICAL),
                    z3.And(
                        s.level == _HIGH,
                        s.proof == 0,
                        s.since_then >= s.calm_ticks,
                        s.quiet_then >= s.calm_ticks,
                    ),
                ),
            ),
            Clause(
                "ProofActsAtOnce",
                lambda s: z3.And(
                    z3.Implies(s.proof == 1, s.level >= _HIGH), z3.Implies(s.proof == 2, s.level == _CRITICAL)
                ),
            ),
            Clause("ChangesAreBounded", lambda s: s.dwelt <= s.ticks),
            Clause("CalmIsSince", lambda s: s.calm <= s.since),
            Clause("CalmIsQuiet", lambda s: s.calm <= s.quiet),
            Clause("DwellsAreApart", lambda s: s.dwelt + s.since <= s.ticks),
            Clause("CalmIsCounted", lambda s: s.calm >= 0),
        ],
    )


# --- two machines -------------------------------------------------------------------------------

_TWO: Final = ("level", "calm", "other_level", "other_calm")


def _two(
    name: str,
    fault: enum.Enum | None,
    *,
    axiom: Clause,
    scores: Callable[[Any, Expression, Expression], Expression],
    proofs: Callable[[Expression, Expression], Expression],
    properties: Sequence[Clause],
) -> TransitionSystem:
    """Two machines that take their inputs at the same time.

    Args:
        name: what they are.
        fault: what is wrong with both.
        axiom: about the settings.
        scores: how their cluster scores compare after an input.
        proofs: how what is proved to them compares, where something is to one of them.
        properties: of both.
    """

    def moves(
        s: View, n: View, score: Any, other: Any, *, shown: Any = None, ticks: bool = False
    ) -> Expression:
        relations = [_scores(s, score, other), scores(s, score, other)]
        for prefix, own, proof in (("", score, shown and shown[0]), ("other_", other, shown and shown[1])):
            level, calm = getattr(s, f"{prefix}level"), getattr(s, f"{prefix}calm")
            if proof is not None:
                level, calm = larger(level, proved_level(proof)), z3.If(proof > 0, 0, calm)
            after, counted = settled(s, level, calm, own, ticks=ticks, fault=fault)
            relations += [getattr(n, f"{prefix}level") == after, getattr(n, f"{prefix}calm") == counted]
        return z3.And(*relations)

    def hear(s: View, n: View, *, score: Expression, other: Expression) -> Expression:
        return moves(s, n, score, other)

    def show(
        s: View, n: View, *, score: Expression, other: Expression, proof: Expression, more: Expression
    ) -> Expression:
        is_proof = z3.And(proof >= 0, proof <= 2, more >= 0, more <= 2, proofs(proof, more))
        return z3.And(is_proof, moves(s, n, score, other, shown=(proof, more)))

    def tick(s: View, n: View, *, score: Expression, other: Expression) -> Expression:
        return moves(s, n, score, other, ticks=True)

    def restart(s: View, n: View) -> Expression:
        kept = [n.level == s.level, n.other_level == s.other_level]
        return z3.And(*kept, n.calm == 0, n.other_calm == 0)

    both = {"score": INT, "other": INT}
    return TransitionSystem(
        name=name,
        variables=[*SETTINGS, *map(_integer, _TWO)],
        axioms=[axiom],
        initial=lambda s: z3.And(*(getattr(s, name) == 0 for name in _TWO)),
        actions=[
            Action("Hear", both, _TWO, hear),
            Action("Show", {**both, "proof": INT, "more": INT}, _TWO, show),
            Action("Tick", both, _TWO, tick),
            Action("Restart", {}, _TWO, restart),
        ],
        properties=properties,
    )


def compared(fault: ComparedFault | None = None) -> TransitionSystem:
    """Build two machines, the other of which sees more: higher or equal scores, and all proofs or more.

    `counting` shows that cluster scores compare as the scores do: a score reached by f + 1 is reached
    by them.

    Args:
        fault: what is wrong with it.
    """
    return _two(
        "Threat levels compared",
        fault,
        axiom=_ACCEPTED,
        scores=lambda _, score, other: z3.BoolVal(True) if fault is ComparedFault.LESS else score <= other,
        proofs=lambda proof, more: z3.BoolVal(True) if fault is ComparedFault.PROOF_KNOWN else proof <= more,
        properties=[
            Clause("MoreIsNeverLower", lambda s: s.level <= s.other_level),
            Clause(
                "CalmIsNoLonger",
                lambda s: z3.Implies(s.level == s.other_level, s.other_calm <= s.calm),
            ),
            Clause("CalmIsCounted", lambda s: s.calm >= 0),
        ],
    )


def apart(fault: ApartFault | None = None) -> TransitionSystem:
    """Build two machines that see the same but for timing.

    Beyond the limit of timing their cluster scores are the same: see the claim
    `timing-changes-no-high-score`.

    Args:
        fault: what is wrong with it.
    """

    def alike(s: Any, score: Expression, other: Expression) -> Expression:
        if fault is ApartFault.UNLIMITED:
            return z3.BoolVal(True)
        return z3.Implies(z3.Or(score > s.timing_max, other > s.timing_max), score == other)

    def accepted(s: Any) -> Expression:
        if fault is not ApartFault.KEEPS_HIGH:
            return _accepted(s)
        return z3.substitute(_accepted(s), (s.timing_max < _down(s, _HIGH), s.timing_max < _up(s, _HIGH)))

    def is_bft(level: Expression) -> Expression:
        return level >= _HIGH

    return _two(
        "Threat levels but for timing",
        fault,
        axiom=Clause("Accepted", accepted),
        scores=alike,
        proofs=lambda proof, more: proof == more,
        properties=[
            Clause("SameProtocol", lambda s: is_bft(s.level) == is_bft(s.other_level)),
            Clause(
                "SameThreat",
                lambda s: z3.Implies(
                    is_bft(s.level), z3.And(s.level == s.other_level, s.calm == s.other_calm)
                ),
            ),
        ],
    )


# --- claims about all settings and scores -------------------------------------------------------

_UNKNOWN: Final = {variable.name: z3.Int(variable.name) for variable in SETTINGS}
_ANY: Final = View({variable: _UNKNOWN[variable.name] for variable in SETTINGS})


def _cases(level: Expression, calm: Expression, score: Expression, ticks: Expression) -> tuple[Any, ...]:
    """List the cases of an input: the level rises, is kept, waits, counts a tick, or is left."""
    over = calm + 1 >= _dwell(_ANY, level)
    low = z3.Or(*(z3.And(level == each, score < _down(_ANY, each)) for each in _RAISED))
    return (
        z3.Or(*(z3.And(level < each, score >= _up(_ANY, each)) for each in _RAISED)),
        z3.And(
            z3.Or(level == 0, *(z3.And(level == each, score >= _down(_ANY, each)) for each in _RAISED)),
            *(z3.Implies(level < each, score < _up(_ANY, each)) for each in _RAISED),
        ),
        z3.And(low, z3.Not(ticks)),
        z3.And(low, ticks, z3.Not(over)),
        z3.And(low, ticks, over),
    )


def _one_case(assumption: Expression) -> Question:
    """Exactly one of the cases applies, at any level, calm and score, tick or not."""
    level, calm, score, ticks = z3.Ints("level calm score ticks")
    cases = _cases(level, calm, score, ticks == 1)
    return Question(
        unknowns=(level, calm, score, ticks, *_UNKNOWN.values()),
        assumptions=(
            assumption,
            z3.And(level >= 0, level <= _CRITICAL, calm >= 0, ticks >= 0, ticks <= 1),
            _scores(_ANY, score),
            *(each >= 0 for each in _UNKNOWN.values()),
        ),
        conclusion=z3.PbEq([(case, 1) for case in cases], 1),
    )


def _same_case() -> Question:
    """The functions that the models use do what the cases say."""
    level, calm, score, ticks = z3.Ints("level calm score ticks")
    rises, keeps, waits, counts, leaves = _cases(level, calm, score, ticks == 1)
    untold, told = (settled(_ANY, level, calm, score, ticks=each) for each in (False, True))
    after, counted = (z3.If(ticks == 1, a, b) for a, b in zip(told, untold, strict=True))
    return Question(
        unknowns=(level, calm, score, ticks, *_UNKNOWN.values()),
        assumptions=(
            _accepted(_ANY),
            z3.And(level >= 0, level <= _CRITICAL, calm >= 0, ticks >= 0, ticks <= 1),
            _scores(_ANY, score),
        ),
        conclusion=z3.And(
            z3.Implies(rises, z3.And(after == reached(_ANY, score), counted == 0)),
            z3.Implies(keeps, z3.And(after == level, counted == 0)),
            z3.Implies(waits, z3.And(after == level, counted == calm)),
            z3.Implies(counts, z3.And(after == level, counted == calm + 1)),
            z3.Implies(leaves, z3.And(after == level - 1, counted == 0)),
        ),
    )


def _growing() -> Expression:
    """Settings with growing thresholds, which are left at any score."""
    return z3.And(
        *(
            z3.And(of(_ANY, level - 1) < of(_ANY, level))
            for of in (_up, _down)
            for level in _RAISED
            if level > 1
        ),
        _up(_ANY, _CRITICAL) <= _ANY.score_max,
        _ANY.dwell >= 1,
    )


def _timing(limit: Expression | None = None) -> Question:
    """A score with timing reaches a threshold beyond the limit of timing exactly if it does without."""
    evidence, timing, threshold = z3.Ints("evidence timing threshold")
    timing_max = _UNKNOWN["timing_max"]
    own = larger(evidence, timing) if limit is None else limit
    return Question(
        unknowns=(evidence, timing, threshold, timing_max),
        assumptions=(
            evidence >= 0,
            timing >= 0,
            timing_max >= 0,
            timing <= timing_max,
            threshold > timing_max,
        ),
        conclusion=(own >= threshold) == (evidence >= threshold),
    )


_OWN: Final = "impl.threat, docstring"

#: True and false claims about levels, for all settings and scores.
CLAIMS: Final[tuple[Claim, ...]] = (
    Claim(
        id="each-input-has-one-case",
        statement=(
            "At any level, calm and cluster score an input does one of five things, and no two: the "
            "machine "
            "is total and deterministic."
        ),
        source=_OWN,
        requirement="THREAT-1",
        expected=Kind.PROVED,
        formulate=lambda: _one_case(_accepted(_ANY)),
    ),
    Claim(
        id="the-model-does-what-the-cases-say",
        statement="Level and calm of the models below are those of the five cases.",
        source=_OWN,
        requirement="THREAT-1",
        expected=Kind.PROVED,
        formulate=_same_case,
    ),
    Claim(
        id="without-hysteresis-each-input-has-one-case",
        statement="The same where a level may be left at a score that leads to it.",
        source=f"settings that impl.threat.Config refuses, against {_OWN}",
        requirement="THREAT-3",
        expected=Kind.VIOLATED,
        formulate=lambda: _one_case(_growing()),
    ),
    Claim(
        id="timing-changes-no-high-score",
        statement=(
            "The larger of evidence and timing reaches a threshold beyond the limit of timing "
            "exactly if "
            "evidence does."
        ),
        source=_OWN,
        requirement="THREAT-2",
        expected=Kind.PROVED,
        formulate=_timing,
    ),
    Claim(
        id="added-timing-changes-no-high-score",
        statement="So does their sum.",
        source=f"HY-16, against {_OWN}",
        requirement="THREAT-2",
        expected=Kind.VIOLATED,
        formulate=lambda: _timing(z3.Int("evidence") + z3.Int("timing")),
    ),
)


# --- the proofs ---------------------------------------------------------------------------------

_COMMAND: Final = ".venv/bin/python -m models.threat"

#: The four proofs, their requirements, and the wrong models that fail them.
PROOFS: Final[tuple[Proof[Any], ...]] = (
    Proof(
        claim="The cluster score, any number of replicas",
        model=counting,
        faults=CountingFault,
        goals=("NobodyAlone", "Demanded"),
        command=_COMMAND,
    ),
    Proof(
        claim="The threat level, any evidence and settings",
        model=machine,
        faults=MachineFault,
        goals=(
            "NobodyAlone",
            "Demanded",
            "OneLevelAtATime",
            "Hysteresis",
            "DwellRespected",
            "NoFlapping",
            "NoEscape",
            "ProofActsAtOnce",
            "ChangesAreBounded",
        ),
        command=_COMMAND,
    ),
    Proof(
        claim="More evidence, any evidence and settings",
        model=compared,
        faults=ComparedFault,
        goals=("MoreIsNeverLower",),
        command=_COMMAND,
    ),
    Proof(
        claim="Timing, any evidence and settings",
        model=apart,
        faults=ApartFault,
        goals=("SameProtocol",),
        command=_COMMAND,
    ),
)


def all_proved(context: Context) -> Outcome:
    """Each of the four invariants is inductive, and each claim comes out as it is known to."""
    return _together(context, lambda proof: proof.holds(context), claims=True)


def clauses_needed(context: Context) -> Outcome:
    """Without any one of its clauses none of the invariants is a proof."""
    return _together(context, lambda proof: proof.clauses_needed(context))


def mutants_fail(context: Context) -> Outcome:
    """Each wrong model has a step that breaks the invariant."""
    return _together(context, lambda proof: proof.mutants_fail(context))


def _together(context: Context, check: Callable[[Proof[Any]], Outcome], *, claims: bool = False) -> Outcome:
    """Combine all proofs into one outcome: the first that is not as it should be, or proved."""
    verdict, figures, lines = Verdict.proved(), dict[str, int](), list[str]()
    for proof in PROOFS:
        context.progress(proof.claim)
        outcome = check(proof)
        for name, value in outcome.figures.items():
            figures[name] = figures.get(name, 0) + int(value)
        if outcome.verdict.kind is not Kind.PROVED:
            lines.append(f"{proof.claim}: {outcome.verdict}\n{outcome.message}")
            verdict = outcome.verdict if verdict.kind is Kind.PROVED else verdict
    for result in map(prove, CLAIMS) if claims else ():
        figures["claims"] = figures.get("claims", 0) + 1
        if not result.is_as_expected:
            reason = f"{result.claim.id} is {result.verdict}, expected {result.claim.expected.value}"
            lines.append(reason)
            verdict = Verdict.unknown(reason)
    return Outcome(
        verdict=verdict, figures=immutabledict(figures), message="\n".join(lines), command=_COMMAND
    )


def _goals(proof: Proof[Any], fault: enum.Enum | None) -> tuple[TransitionSystem, Clause]:
    """Return a model, and all its goals as one clause.

    For `counting` and `machine` Spacer gets the whole invariant: from the goals alone it finds none for
    the one, and takes between seconds and a minute for the other.
    """
    system = proof.model(fault)
    is_told = fault is None and proof.model in {counting, machine}
    wanted = system.properties if is_told else [system.find(name) for name in proof.goals]
    return system, Clause("Goals", lambda s: z3.And(*(one.formula(s) for one in wanted)))


def _right_and_wrong(proof: Proof[FaultT]) -> tuple[FaultT | None, ...]:
    return (None, *proof.faults)


def spacer_agrees(context: Context) -> Outcome:
    """Check that Spacer proves the goals of the right models, and refutes them for each wrong one."""
    lines, figures = [], {"proved": 0, "refuted": 0}
    for proof in PROOFS:
        for fault in _right_and_wrong(proof):
            context.progress(fault.value if fault else proof.claim)
            verdict = spacer(*_goals(proof, fault)).verdict
            expected = Kind.VIOLATED if fault else Kind.PROVED
            figures["refuted" if fault else "proved"] += verdict.kind is expected
            if verdict.kind is not expected:
                lines.append(f"{fault.value if fault else proof.claim}: {verdict}")
    verdict = Verdict.unknown(f"{len(lines)} otherwise, the first {lines[0]}") if lines else Verdict.proved()
    return Outcome(
        verdict=verdict, figures=immutabledict(figures), message="\n".join(lines), command=_COMMAND
    )


def main() -> int:
    """Print all of it.

    Returns:
        0 if all is as it should be, 1 otherwise.
    """
    is_fine = True
    for proof in PROOFS:
        is_fine &= proof.tell(click.echo)
    for result in map(prove, CLAIMS):
        is_fine &= result.is_as_expected
        click.echo(f"{result.claim.id}: {result.verdict}")
    return 0 if is_fine else 1


if __name__ == "__main__":
    sys.exit(main())
