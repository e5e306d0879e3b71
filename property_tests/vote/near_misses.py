"""Mutated-message tests: proofs with one part changed must be refused, and intact ones accepted.

Random play seldom puts such things together, and liars would.
"""

from collections.abc import Iterator
from typing import Any, Final

import attrs

from impl import vote
from impl.common import SymbolicKeys
from tlacheck.verdict import Verdict
from tlacheck.verify import Context, Outcome

__all__ = ["near_misses"]

_NAMES: Final = ("v1", "v2", "v3", "v4")
_BALLOT: Final = vote.Ballot("deploy", _NAMES, SymbolicKeys(""))


def _said(kind: type[Any], source: str, number: int = 1, **fields: Any) -> Any:
    if kind is not vote.Retry:
        fields.setdefault("choice", vote.APPROVE)
    return vote.signed(kind(ballot="deploy", round=number, source=source, **fields), SymbolicKeys(source))


def _three(kind: type[Any], number: int = 1, **fields: Any) -> tuple[Any, ...]:
    return tuple(_said(kind, source, number, **fields) for source in _NAMES[:3])


def _bundles() -> Iterator[tuple[str, Any, bool]]:
    """Each proof with a label, and True if it is intact."""
    for kind, made in ((vote.Vote, vote.Certificate), (vote.Confirm, vote.Verdict)):
        one, two, three = _three(kind)
        name = made.__name__
        yield name, made((one, two, three)), True
        yield f"{name} of two", made((one, two)), False
        yield f"{name} with a voter twice", made((one, two, two)), False
        yield f"{name} of two rounds", made((one, two, _said(kind, "v3", 2))), False
        yield f"{name} for two choices", made((one, two, _said(kind, "v3", choice=vote.REJECT))), False
        yield f"{name} with a forged part", made((one, two, attrs.evolve(three, source="v4"))), False
    lock = vote.Certificate(_three(vote.Vote))
    one, two, three = _three(vote.Retry, 2, lock=lock)
    yield "Opening", vote.Opening((one, two, three)), True
    yield "Opening of two", vote.Opening((one, two)), False
    yield "Opening with a voter twice", vote.Opening((one, two, two)), False
    yield "Opening of two rounds", vote.Opening((one, two, _said(vote.Retry, "v3", 3, lock=None))), False
    later = vote.Certificate(_three(vote.Vote, 2))
    yield (
        "Opening with a lock of its own round",
        vote.Opening((one, two, _said(vote.Retry, "v3", 2, lock=later))),
        False,
    )


def _rejections() -> Iterator[str]:
    for name, thing, is_right in _bundles():
        if (vote.rejection_reason(thing, _BALLOT) == "") != is_right:
            yield f"{name} is {'refused' if is_right else 'taken'}"
    first = vote.Certificate(_three(vote.Vote, 1))
    second = vote.Certificate(_three(vote.Vote, 2, choice=vote.REJECT))
    locks = (first, second, None)
    retries = tuple(
        _said(vote.Retry, source, 3, lock=lock) for source, lock in zip(_NAMES, locks, strict=False)
    )
    opening = vote.Receive(vote.Opening(retries))
    waiting, _ = vote.voter.step(
        vote.voter.first_start("v1", attrs.evolve(_BALLOT, keys=SymbolicKeys("v1"))), vote.GiveUp()
    )
    if vote.voter.step(waiting, vote.Cast(vote.APPROVE))[0] is not waiting:
        yield "a voter votes in a round that is not opened"
    entered, _ = vote.voter.step(waiting, opening)
    if entered.durable.bound != vote.REJECT:
        yield f"the latest lock is for REJECT, and the voter is bound to {entered.durable.bound}"
    if vote.voter.step(entered, opening)[0] is not entered:
        yield "a voter enters a round twice"


def near_misses(context: Context) -> Outcome:
    """Whatever differs by one part from what proves something is refused."""
    context.progress("near misses")
    wrong = list(_rejections())
    figures = {"tried": len(list(_bundles())) + 3, "wrong": len(wrong)}
    if wrong:
        return Outcome(
            verdict=Verdict.violated("NearMisses", wrong[0]), figures=figures, message="\n".join(wrong)
        )
    return Outcome(verdict=Verdict.sampled(figures["tried"], context.seed), figures=figures)
