"""No correct replica is quarantined, whatever f liars say; and each way to get that wrong is noticed.

Accuracy in the sense of PeerReview: no correct node is ever exposed by a correct one.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase

from impl.guard import Evidence, Guard, core, evidence
from impl.guard.evidence import is_message, place
from impl.pbft import (
    NULL_BATCH,
    Commit,
    Message,
    PrePrepare,
    ViewChange,
    Why,
)
from impl.pbft.shapes import shape_complaint
from property_tests.guard.checks import accuracy
from property_tests.guard.machine import OverrunMachine, run_machine
from property_tests.guard.world import Broken
from tlacheck.verdict import Kind
from tlacheck.verify import Context

pytestmark = pytest.mark.sweep


def test_no_correct_replica_is_quarantined_and_without_liars_the_others_go_on(tmp_path: Path) -> None:
    """With all that the runs must have met: liars of each kind, view changes, transfers, restarts, accusations."""
    context = Context(folder=tmp_path, budget="ci", seed=0, command="", progress=lambda _: None)
    outcome = accuracy(context, examples=100, steps=30)
    assert outcome.message == ""
    assert outcome.verdict.kind is Kind.SAMPLED, outcome.verdict
    assert dict(outcome.figures).keys() == {
        "examples",
        "accusations_of_correct",
        "proofs_against_liars",
        "executed",
    }
    assert all(int(count) > 40 for count in outcome.figures.values())


def test_not_even_all_others_together_frame_a_correct_replica_but_by_states() -> None:
    """Docstring of `impl.guard.evidence`: one rule of it needs that at most f lie, and the others need signatures only."""
    met = Counter[str]()
    for seed in range(20):
        met += run_machine(seed=seed, examples=40, machine=OverrunMachine, phases=(Phase.generate,))
        if met["an accusation of a correct replica"] and met["EnteredView"]:
            return
    pytest.fail(f"20 seeds met only {met}")


def _always(*_: object, **__: object) -> bool:
    return True


def _place_without_view(message: Message) -> tuple[str, int, int] | None:
    there = place(message)
    return None if there is None else (there[0], 0, there[2])


def _conceals_whatever_is_stable(commit: Message, change: Message) -> bool:
    if not isinstance(commit, Commit) or not isinstance(change, ViewChange) or change.view <= commit.view:
        return False
    return all(each.seq != commit.seq for each in change.certificates)


def _conceals_what_was_replaced(commit: Message, change: Message) -> bool:
    if not isinstance(commit, Commit) or not isinstance(change, ViewChange) or change.view <= commit.view:
        return False
    if change.checkpoint.seq >= commit.seq:
        return False
    return all((each.seq, each.view) != (commit.seq, commit.view) for each in change.certificates)


def _conceals_later_commits(commit: Message, change: Message) -> bool:
    if not isinstance(commit, Commit) or not isinstance(change, ViewChange):
        return False
    return change.checkpoint.seq < commit.seq and all(each.seq != commit.seq for each in change.certificates)


def _proposes_nothing(message: Message, _: object) -> bool:
    return isinstance(message, PrePrepare) and message.batch == NULL_BATCH


def _believes(found: Any, config: Any) -> str:
    """Counts what is reported, and verifies nothing."""
    if (
        type(found) is not Evidence
        or found.accused not in config.replicas
        or type(found.messages) is not tuple
    ):
        return "no evidence"
    shaped = all(not shape_complaint(config, message) for message in found.messages)
    return "" if shaped else "no messages"


def _forgery_convicts(_: object, why: Why, message: Any, __: object) -> Evidence | None:
    """Who is named in a message whose signature does not hold is taken for its author."""
    if why is not Why.FORGED or not is_message(message) or not hasattr(message, "source"):
        return None
    return Evidence(accused=message.source, messages=(message,))


def _low_score_quarantines(guard: Guard) -> tuple[str, ...]:
    return tuple(name for name, score in guard.scores.items() if score < 95)[: guard.config.f]


MUTANTS = [
    ("signatures of evidence are not checked", evidence, "is_signed_by", _always),
    ("votes of different views contradict each other", evidence, "place", _place_without_view),
    ("a commit behind a stable checkpoint is concealed", evidence, "conceals", _conceals_whatever_is_stable),
    (
        "a certificate that a later one replaced is concealed",
        evidence,
        "conceals",
        _conceals_what_was_replaced,
    ),
    ("a commit after the view change is concealed", evidence, "conceals", _conceals_later_commits),
    ("nobody may propose nothing", evidence, "is_usurped", _proposes_nothing),
    ("reports are counted, not verified", evidence, "verify", _believes),
    ("a forged signature convicts whom it names", core, "_proof_of", _forgery_convicts),
    ("a low score quarantines", Guard, "quarantined", property(_low_score_quarantines)),
]


@pytest.mark.parametrize(
    ("where", "name", "wrong"), [each[1:] for each in MUTANTS], ids=[each[0] for each in MUTANTS]
)
def test_a_guard_that_is_wrong_takes_a_correct_replica_for_faulty(
    where: Any, name: str, wrong: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(where, name, wrong)
    with pytest.raises(Broken, match="correct"):
        run_machine(seed=0, examples=100, steps=30, phases=(Phase.generate,))
