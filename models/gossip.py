"""Gossip, proved for any number of nodes, keys, versions and messages; and its detector. GOSSIP-1, -2.

Nothing deleted comes back, and no copy lacks what it says that it has, by an inductive invariant over all
copies that ever exist. An owner is like another one, so the model has one, in one generation (a later one
begins with an empty copy).

* **Copies** are a sort, and are made once: `made`. What is in one never changes: `has(c, v)`, its version
  `top(c)` and its collection version `gc(c)` are rigid. So a node is a copy at each moment, and the delta
  of a message, however late, is a part of a copy that somebody had. Loss, duplication, reordering, crashes,
  the number of nodes: all are in that.
* **Versions** are a total order. `key(v)` and `tomb(v)`, the key written and whether it was deleted, are
  rigid, too: what the owner writes until the end of time; `last` says how far it has come.
* **Actions**: `Write`; `Own`, a state of the owner, for some collection version; `Apply`, of a part of a
  delta that may be cut anywhere; `Reset`. Their conditions are `MayApply` and `MayReset` of
  specs/gossip/Gossip.tla; that they are is this sentence, checked by no machine.

`Sound`: of a key that was written again, or deleted, a copy has an old record only if the last one is still
to come: it is above the copy's version and, if it is a tombstone, above its collection version. `Complete`:
of what a copy says that it goes up to it has all that is current. Both hold within resets.

From these two follows that copies which have come equally far show the same (`Converged`): in which order,
how often and by which ways deltas came does not matter. That one delta taken twice is one taken once, and
that copies grow, is in `LAWS`.

`DETECTOR`: the decision of `impl.gossip.detector`, in numbers of its own: monotone in silence, bounded
after a crash by what the intervals were, and no suspicion while silence stays within mean and pause.

    python -m models.gossip
"""

import enum
import sys
from collections.abc import Callable, Mapping
from typing import Final

import attrs
import click
import z3

from models.axioms import total_order
from tlacheck.smt import (
    Action,
    Clause,
    Expression,
    Proof,
    Sort,
    TransitionSystem,
    Variable,
    View,
    becomes,
    forall,
    relation,
    uninterpreted,
)
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = [
    "DETECTOR",
    "LAWS",
    "PROOF",
    "Fault",
    "Law",
    "clauses_needed",
    "detector_decided",
    "gossip",
    "laws_decided",
    "mutants_fail",
    "no_resurrection",
]

GOALS: Final = ("Sound", "Complete", "UpToItsVersion")

_SECONDS: Final = 60


class Fault(enum.Enum):
    """The fault of a wrong rule."""

    WHATEVER_IS_COLLECTED = "a delta is applied whatever its sender has collected"
    FROM_WHO_COLLECTED_LESS = "a copy within a reset takes from who has collected less"
    WITH_GAPS = "a delta may begin above what a copy has"
    SAYS_WHOLE = "a delta that was cut says that it is whole"
    LAST_ONLY = "a cut leaves the last records, not the first"
    OVERWRITES = "a late delta overwrites what is newer"
    ADDS_TO = "a reset adds to a copy"
    COLLECTS_WHAT_LIVES = "an owner collects live records, too"


@attrs.frozen(kw_only=True)
class _Sorts:
    copy: Sort = attrs.field(factory=lambda: uninterpreted("Copy"))
    version: Sort = attrs.field(factory=lambda: uninterpreted("Version"))
    key: Sort = attrs.field(factory=lambda: uninterpreted("Key"))


def gossip(fault: Fault | None = None) -> TransitionSystem:
    """Build the model, whose properties are the clauses of its inductive invariant.

    Args:
        fault: what is wrong with it; None for the rules of `impl.gossip`.
    """
    sorts = _Sorts()
    return TransitionSystem(
        name="Gossip",
        variables=(
            relation("le", sorts.version, sorts.version, is_rigid=True),
            Variable("zero", (), sorts.version, is_rigid=True),
            Variable("key", (sorts.version,), sorts.key, is_rigid=True),
            relation("tomb", sorts.version, is_rigid=True),
            Variable("top", (sorts.copy,), sorts.version, is_rigid=True),
            Variable("gc", (sorts.copy,), sorts.version, is_rigid=True),
            relation("has", sorts.copy, sorts.version, is_rigid=True),
            relation("made", sorts.copy),
            relation("written", sorts.version),
        ),
        axioms=total_order("le", sorts.version, "zero"),
        initial=lambda s: z3.And(
            forall([sorts.copy], lambda c: z3.Implies(s.made(c), _is_empty(s, sorts, c))),
            forall([sorts.version], lambda v: s.written(v) == (v == s.zero)),
        ),
        actions=_actions(sorts, fault),
        properties=_invariant(sorts),
    )


def _is_empty(s: View, sorts: _Sorts, c: Expression) -> Expression:
    nothing = forall([sorts.version], lambda v: z3.Not(s.has(c, v)))
    return z3.And(s.top(c) == s.zero, s.gc(c) == s.zero, nothing)


def _lt(s: View, v: Expression, w: Expression) -> Expression:
    return z3.And(s.le(v, w), v != w)


def _greater(s: View, v: Expression, w: Expression) -> Expression:
    return z3.If(s.le(v, w), w, v)


def _is_last(s: View, sorts: _Sorts, w: Expression) -> Expression:
    """Version w, above 0, is the last that was written of its key."""
    return z3.And(
        s.written(w),
        w != s.zero,
        forall(
            [sorts.version], lambda x: z3.Implies(z3.And(s.written(x), _lt(s, w, x)), s.key(x) != s.key(w))
        ),
    )


def _is_collected(s: View, w: Expression, gc: Expression) -> Expression:
    return z3.And(s.tomb(w), s.le(w, gc))


def _invariant(sorts: _Sorts) -> tuple[Clause, ...]:
    copy, version = sorts.copy, sorts.version

    def clause(name: str, over: list[Sort], body: Callable[[View], Callable[..., Expression]]) -> Clause:
        return Clause(name, lambda s: forall(over, body(s)))

    return (
        clause(
            "Sound",
            [copy, version, version],
            lambda s: (
                lambda c, v, w: z3.Implies(
                    z3.And(s.made(c), s.has(c, v), _is_last(s, sorts, w), s.key(v) == s.key(w), v != w),
                    z3.And(_lt(s, s.top(c), w), z3.Not(_is_collected(s, w, s.gc(c)))),
                )
            ),
        ),
        clause(
            "Complete",
            [copy, version],
            lambda s: (
                lambda c, w: z3.Implies(
                    z3.And(s.made(c), _is_last(s, sorts, w), s.le(w, s.top(c))),
                    z3.Or(s.has(c, w), _is_collected(s, w, s.gc(c))),
                )
            ),
        ),
        clause(
            "UpToItsVersion",
            [copy, version],
            lambda s: lambda c, v: z3.Implies(z3.And(s.made(c), s.has(c, v)), s.le(v, s.top(c))),
        ),
        clause("TopIsWritten", [copy], lambda s: lambda c: z3.Implies(s.made(c), s.written(s.top(c)))),
        clause("CollectedIsWritten", [copy], lambda s: lambda c: z3.Implies(s.made(c), s.written(s.gc(c)))),
        clause(
            "WrittenInOrder",
            [version, version],
            lambda s: lambda v, w: z3.Implies(z3.And(s.written(w), s.le(v, w)), s.written(v)),
        ),
    )


def _made(n: View, s: View, new: Expression) -> Expression:
    return z3.And(z3.Not(s.made(new)), becomes(n, "made", lambda c: z3.Or(s.made(c), c == new)))


def _actions(sorts: _Sorts, fault: Fault | None) -> tuple[Action, ...]:
    copy, version = sorts.copy, sorts.version

    def write(s: View, n: View, *, v: Expression) -> Expression:
        """The owner writes its next version."""
        upto = forall([version], lambda w: s.written(w) == _lt(s, w, v))
        return z3.And(v != s.zero, upto, becomes(n, "written", lambda w: z3.Or(s.written(w), w == v)))

    def own(s: View, n: View, *, new: Expression) -> Expression:
        """A state of the owner, with its tombstones collected up to some version."""
        gc, is_wrong = s.gc(new), fault is Fault.COLLECTS_WHAT_LIVES
        return z3.And(
            _made(n, s, new),
            s.written(s.top(new)),
            forall([version], lambda v: z3.Implies(s.written(v), s.le(v, s.top(new)))),
            s.le(gc, s.top(new)),
            forall(
                [version],
                lambda v: (
                    s.has(new, v)
                    == z3.And(
                        _is_last(s, sorts, v), z3.Not(s.le(v, gc) if is_wrong else _is_collected(s, v, gc))
                    )
                ),
            ),
        )

    def apply(
        s: View, n: View, *, c: Expression, d: Expression, begin: Expression, end: Expression, new: Expression
    ) -> Expression:
        """A copy takes the part of another one's records from `begin` to `end`."""
        enough = z3.If(
            s.le(s.gc(c), s.gc(d)),
            z3.Or(s.gc(d) == s.gc(c), s.le(s.gc(d), s.top(c))),
            z3.BoolVal(True) if fault is Fault.FROM_WHO_COLLECTED_LESS else s.le(s.gc(c), s.top(c)),
        )

        def within(v: Expression) -> Expression:
            return _lt(s, end, v) if fault is Fault.LAST_ONLY else s.le(v, end)

        reach = _greater(s, s.top(d), end) if fault in (Fault.SAYS_WHOLE, Fault.LAST_ONLY) else end

        def news(v: Expression) -> Expression:
            fresh = z3.BoolVal(True) if fault is Fault.OVERWRITES else _lt(s, s.top(c), v)
            return z3.And(s.has(d, v), _lt(s, begin, v), within(v), fresh)

        def kept(v: Expression) -> Expression:
            return z3.And(
                s.has(c, v),
                forall([version], lambda w: z3.Implies(z3.And(news(w), w != v), s.key(w) != s.key(v))),
            )

        return z3.And(
            s.made(c),
            s.made(d),
            z3.BoolVal(True) if fault is Fault.WITH_GAPS else s.le(begin, s.top(c)),
            s.le(begin, end),
            z3.Or(s.le(end, s.top(d)), end == begin),
            z3.BoolVal(True) if fault is Fault.WHATEVER_IS_COLLECTED else enough,
            _made(n, s, new),
            s.gc(new) == _greater(s, s.gc(c), s.gc(d)),
            s.top(new) == _greater(s, s.top(c), reach),
            forall(
                [version],
                lambda v: (
                    s.has(new, v) == z3.And(z3.Or(kept(v), news(v)), z3.Not(_is_collected(s, v, s.gc(new))))
                ),
            ),
        )

    def reset(
        s: View, n: View, *, c: Expression, d: Expression, end: Expression, new: Expression
    ) -> Expression:
        """A copy is replaced by another one's records up to `end`; the other one has collected more."""

        def stays(v: Expression) -> Expression:
            return z3.And(s.has(c, v), z3.BoolVal(fault is Fault.ADDS_TO))

        return z3.And(
            s.made(c),
            s.made(d),
            _lt(s, s.gc(c), s.gc(d)),
            s.le(end, s.top(d)),
            _made(n, s, new),
            s.gc(new) == s.gc(d),
            s.top(new) == (_greater(s, end, s.top(c)) if fault is Fault.ADDS_TO else end),
            forall([version], lambda v: s.has(new, v) == z3.Or(z3.And(s.has(d, v), s.le(v, end)), stays(v))),
        )

    two = {"c": copy, "d": copy}
    return (
        Action("Write", {"v": version}, ("written",), write),
        Action("Own", {"new": copy}, ("made",), own),
        Action("Apply", {**two, "begin": version, "end": version, "new": copy}, ("made",), apply),
        Action("Reset", {**two, "end": version, "new": copy}, ("made",), reset),
    )


def _consequences() -> tuple[Clause, ...]:
    sorts = _Sorts()
    copy, version = sorts.copy, sorts.version
    return (
        # A key deleted for good is shown by no copy that goes up to the deletion, or has collected it.
        Clause(
            "NoResurrection",
            lambda s: forall(
                [copy, version, version],
                lambda c, v, t: z3.Implies(
                    z3.And(
                        s.made(c), s.has(c, v), s.tomb(t), _is_last(s, sorts, t), s.key(v) == s.key(t), v != t
                    ),
                    z3.And(_lt(s, s.top(c), t), _lt(s, s.gc(c), t)),
                ),
            ),
        ),
        # Copies that have come equally far agree on all that is current.
        Clause(
            "Converged",
            lambda s: forall(
                [copy, copy, version],
                lambda c, d, w: z3.Implies(
                    z3.And(
                        s.made(c), s.made(d), s.top(c) == s.top(d), s.gc(c) == s.gc(d), _is_last(s, sorts, w),
                        z3.Not(s.tomb(w)),
                    ),
                    s.has(c, w) == s.has(d, w),
                ),
            ),
        ),
    )  # fmt: skip


#: The proof, its requirements, and the wrong rules that fail it.
PROOF: Final = Proof(
    claim="Gossip, any number of nodes, keys, versions and messages",
    model=gossip,
    faults=Fault,
    goals=GOALS,
    consequences=_consequences(),
    command=".venv/bin/python -m models.gossip",
)


#: The checks of `verify.toml`. No copy shows what was deleted, and none lacks what it says that it has.
no_resurrection, clauses_needed, mutants_fail = PROOF.holds, PROOF.clauses_needed, PROOF.mutants_fail


# --- laws of one step, and the detector ----------------------------------------------------------


@attrs.frozen
class Law:
    """A statement about numbers, and one like it that is wrong.

    Attributes:
        id: its name.
        says: it, in words.
        holds: assumptions and conclusion.
        fails: the same with something dropped, which must have a counterexample.
    """

    id: str
    says: str
    holds: tuple[Expression, Expression]
    fails: tuple[Expression, Expression]

    def verdict(self, *, is_wrong: bool = False) -> str:
        """`proved`, `refuted` or `unknown`."""
        assumed, concluded = self.fails if is_wrong else self.holds
        solver = z3.Solver()
        solver.set("timeout", _SECONDS * 1_000)
        solver.add(assumed, z3.Not(concluded))
        found = solver.check()
        return "proved" if found == z3.unsat else "refuted" if found == z3.sat else "unknown"


def _merging_laws() -> tuple[Law, ...]:
    gc, top, other_gc, begin, end = z3.Ints("gc top other_gc begin end")
    numbers = z3.And(gc >= 0, top >= 0, other_gc >= 0, begin >= 0, begin <= end)
    applies = z3.And(
        numbers, begin <= top, z3.If(other_gc >= gc, z3.Or(other_gc == gc, other_gc <= top), top >= gc)
    )
    new_gc, new_top = z3.If(other_gc > gc, other_gc, gc), z3.If(end > top, end, top)
    grows = z3.Or(new_gc > gc, z3.And(new_gc == gc, new_top >= top))
    resets = z3.And(numbers, begin == 0, other_gc > gc)
    reset_grows = z3.Or(other_gc > gc, z3.And(other_gc == gc, end >= top))
    again_gc, again_top = z3.If(other_gc > new_gc, other_gc, new_gc), z3.If(end > new_top, end, new_top)
    v = z3.Int("v")
    nothing_new = z3.Not(z3.And(v > new_top, v > begin, v <= end))
    still = z3.If(other_gc >= new_gc, z3.Or(other_gc == new_gc, other_gc <= new_top), new_top >= new_gc)
    return (
        Law(
            "applying-grows", "a copy that takes a delta grows: collection version, then version",
            (applies, grows), (numbers, z3.And(grows, new_gc == gc)),
        ),
        Law(
            "resetting-grows", "a copy that is reset grows",
            (resets, reset_grows), (z3.And(numbers, begin == 0, other_gc >= gc), reset_grows),
        ),
        Law(
            "applying-twice-is-once", "a delta that was taken brings nothing more",
            (applies, z3.And(again_gc == new_gc, again_top == new_top, nothing_new)),
            (applies, z3.And(again_gc == new_gc, again_top == top)),
        ),
        Law(
            "what-applies-still-applies", "a delta that came twice may be taken the second time, too",
            (applies, still), (numbers, still),
        ),
    )  # fmt: skip


def _detector_laws() -> tuple[Law, ...]:
    """In reals: n intervals, their sum S and sum of squares Q; silence e, pause p, least deviation m."""
    n, total, squares, silence, more, pause, least, longest = z3.Reals("n S Q e f p m x")
    shape = z3.And(n >= 1, total >= 0, n * squares >= total * total, pause >= 0, least > 0, silence >= 0)
    spread, times = z3.Reals("spread y")
    is_spread = z3.And(
        spread >= n * squares - total * total,
        spread >= n * n * least * least,
        z3.Or(spread == n * squares - total * total, spread == n * n * least * least),
        times >= 0,
    )

    def suspects(e: Expression) -> Expression:
        beyond = n * (e - pause) - total
        return z3.And(beyond > 0, beyond * beyond > times * times * spread)

    beyond, later, root = z3.Reals("b c r")
    is_later = z3.And(beyond > 0, later >= beyond, root >= 0)
    bounded = z3.And(shape, total <= n * longest, longest > 0)
    within = z3.And(shape, is_spread, silence <= pause + total / n)
    mean, off = z3.Reals("mean off")
    return (
        Law(
            "monotone-in-silence", "who is suspected after a silence is suspected after a longer one",
            (z3.And(is_later, beyond * beyond > root), later * later > root),
            (z3.And(later >= beyond, beyond * beyond > root, root >= 0), later * later > root),
        ),
        Law(
            "longer-silence-is-further-beyond", "a longer silence is further beyond mean and pause",
            (z3.And(n >= 1, more >= silence), n * (more - pause) - total >= n * (silence - pause) - total),
            (more >= silence, n * (more - pause) - total >= n * (silence - pause) - total),
        ),
        Law(
            "within-mean-and-pause-nobody-is-suspected",
            "no suspicion while silence is at most mean and pause",
            (within, z3.Not(suspects(silence))),
            (z3.And(shape, is_spread, silence <= 2 * pause + total / n), z3.Not(suspects(silence))),
        ),
        Law(
            "no-suspicion-if-intervals-keep-within-half-the-pause",
            "no suspicion if intervals and silence are within `off` of a mean, and the pause is twice that",
            (
                z3.And(shape, is_spread, total >= n * (mean - off), silence <= mean + off, pause >= 2 * off),
                z3.Not(suspects(silence)),
            ),
            (
                z3.And(shape, is_spread, total >= n * (mean - off), silence <= mean + off, pause >= off),
                z3.Not(suspects(silence)),
            ),
        ),
        Law(
            "bounded-after-a-crash",
            "no interval above x: n squared times the variance is at most (n x / 2)^2",
            (
                z3.And(bounded, squares <= longest * total),
                n * squares - total * total <= n * n * longest * longest / 4,
            ),
            (bounded, n * squares - total * total <= n * n * longest * longest / 4),
        ),
        Law(
            "mean-is-bounded", "and the mean is at most x",
            (z3.And(bounded, silence >= pause + longest), n * (silence - pause) - total >= 0),
            (z3.And(shape, longest > 0, silence >= pause + longest), n * (silence - pause) - total >= 0),
        ),
    )  # fmt: skip


LAWS: Final = _merging_laws()
DETECTOR: Final = _detector_laws()


def _decided(context: Context, laws: tuple[Law, ...]) -> Outcome:
    wrong: list[str] = []
    for law in laws:
        context.progress(law.id)
        if (found := law.verdict()) != "proved":
            wrong.append(f"{law.id}: {found}")
        if (found := law.verdict(is_wrong=True)) != "refuted":
            wrong.append(f"{law.id}, with something dropped: {found}, and not refuted")
    figures: Mapping[str, int] = {"laws": len(laws), "wrong": len(wrong)}
    if wrong:
        return Outcome(verdict=Verdict.unknown(wrong[0]), figures=figures, message="\n".join(wrong))
    return Outcome(verdict=Verdict.proved(), figures=figures)


def laws_decided(context: Context) -> Outcome:
    """Copies grow, and a delta taken twice is one taken once; each law fails with an assumption dropped."""
    return _decided(context, LAWS)


def detector_decided(context: Context) -> Outcome:
    """The detector is monotone, bounded, and patient; each law fails with an assumption dropped."""
    return _decided(context, DETECTOR)


@click.command()
def main() -> None:
    """Print the proof, what it needs each clause for, how wrong rules fail it, and the laws."""
    done = PROOF.tell(click.echo)
    for law in (*LAWS, *DETECTOR):
        click.echo(
            f"{law.id}: {law.verdict()}, with something dropped {law.verdict(is_wrong=True)}: {law.says}"
        )
    sys.exit(0 if done else 1)


if __name__ == "__main__":
    main()
