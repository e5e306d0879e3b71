"""A replica among hostile messages takes only genuine ones.

Some checks are removed in turn, which must be noticed.
"""

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from impl import pbft
from impl.common.ed25519 import Ed25519Keys
from impl.pbft import limits, proofs, rules, validation
from impl.pbft.shapes import SHAPES
from property_tests.pbft.hostile import Broken, Flood, hostile
from property_tests.pbft.midway import BYZANTINE, Midway, keys_of, situations
from tlacheck.verdict import Kind
from tlacheck.verify import Context

each_situation = pytest.mark.parametrize("midway", situations(), ids=lambda midway: midway.name)


def _context(folder: Path, seed: int = 1) -> Context:
    return Context(folder=folder, budget="ci", seed=seed, command="", progress=lambda _: None)


def test_no_message_of_two_thousand_does_harm(tmp_path: Path) -> None:
    found = hostile(_context(tmp_path), messages=2_000)
    assert found.verdict.kind is Kind.SAMPLED, found.verdict.reason
    assert found.verdict.cases == found.figures["messages"] == 2_010
    assert all(found.figures[f"refused_{why.name.lower()}"] for why in pbft.Why)
    assert not tracemalloc.is_tracing()


def test_the_same_seed_gives_the_same_messages() -> None:
    floods = [Flood(seed=seed) for seed in (1, 1, 2)]
    for flood in floods:
        flood.play_round(block=20)
    found = [(flood.refused, flood.taken, flood.effects) for flood in floods]
    assert found[0] == found[1] != found[2]


def test_too_few_messages_establish_nothing(tmp_path: Path) -> None:
    found = hostile(_context(tmp_path), messages=50)
    assert found.verdict.kind is Kind.UNKNOWN
    assert "tell more messages" in str(found.verdict.reason)


# --- what it begins with ------------------------------------------------------------------------


@each_situation
def test_what_was_signed_in_a_run_is_authentic_and_what_is_made_up_is_not(midway: Midway) -> None:
    assert all(midway.is_authentic(message) for message in midway.genuine)
    votes = [m for m in midway.genuine if isinstance(m, pbft.Commit)]
    for vote in votes:
        made_up = attrs.evolve(vote, view=vote.view + 100)
        assert not midway.is_authentic(made_up)
        assert not midway.is_authentic(pbft.signed(made_up, keys_of(BYZANTINE))) or vote.source == BYZANTINE


@each_situation
def test_a_replica_that_hears_what_it_missed_gets_to_where_the_others_are(midway: Midway) -> None:
    """So it has everything to lose: each situation is one from which a replica goes on."""
    node = midway.victim
    for message in midway.missed:
        node, _ = pbft.step(node, pbft.Receive(message))
    assert node.durable.executed >= max(midway.decided) - node.config.interval
    assert node.durable.view >= 2


# --- checks that are missing --------------------------------------------------------------------


def _always(value: Any) -> Callable[..., Any]:
    return lambda *_: value


def _flooded(rounds: int = 4) -> str:
    """The rule that is broken within some rounds."""
    flood = Flood(seed=1)
    try:
        for _ in range(rounds):
            flood.play_round(block=200)
    except Broken as broken:
        return str(broken).partition(":")[0]
    return "none"


@pytest.mark.parametrize(
    ("where", "name", "instead", "rules_broken"),
    [
        (SHAPES, "rejection", "", {"total"}),
        (Ed25519Keys, "verify", True, {"authentic"}),
        (validation, "is_signed_by", True, {"authentic"}),
        (proofs, "_is_signed", True, {"authentic"}),
        (validation, "_proof_refusal", None, {"authentic", "agreement", "certified"}),
        (validation, "_request_refusal", None, {"authentic", "bounded"}),
        (validation, "_use_refusal", None, {"authentic", "bounded", "durable", "total", "once"}),
        (validation, "_view_change_refusal", None, {"bounded", "durable"}),
        (validation, "_checkpoint_refusal", None, {"bounded"}),
        (rules, "in_window", True, {"bounded"}),
        (rules, "may_accept", True, {"once", "durable", "agreement"}),
        (validation, "_contradiction", None, {"once"}),
        (rules, "is_prepared", True, {"certified"}),
        (rules, "is_committed", True, {"certified"}),
        (rules, "is_stable", True, {"certified"}),
        (limits, "over", "", {"bounded"}),
    ],
    ids=lambda value: value if isinstance(value, str) and value else None,
)
def test_a_check_that_is_missing_is_noticed(
    monkeypatch: pytest.MonkeyPatch, where: Any, name: str, instead: object, rules_broken: set[str]
) -> None:
    situations()
    monkeypatch.setattr(where, name, _always(instead))
    assert _flooded() in rules_broken


def _stepping(change: Callable[[pbft.Node, pbft.Node, Any], Any]) -> Callable[..., Any]:
    """A core whose steps come to something else."""
    real = pbft.step
    return lambda node, inp: change(node, *real(node, inp))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (
            lambda _, after, effects: (after, tuple(e for e in effects if not isinstance(e, pbft.Persist))),
            "durable",
        ),
        (lambda _, after, effects: (after, effects[::-1]), "durable"),
        (lambda _, after, effects: (attrs.evolve(after, futile=9), effects), "refusal"),
        (lambda _, after, effects: (after, effects * 2), "refusal"),
    ],
    ids=["nothing is persisted", "it is persisted too late", "a refusal counts", "it is refused twice"],
)
def test_a_core_that_does_something_else_is_noticed(
    monkeypatch: pytest.MonkeyPatch, change: Callable[..., Any], rule: str
) -> None:
    situations()
    monkeypatch.setattr(pbft, "step", _stepping(change))
    assert _flooded() == rule


def test_a_core_that_keeps_what_it_hears_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    heard = []

    def kept(_: pbft.Node, after: pbft.Node, effects: Any) -> Any:
        heard.append(bytes(1_000))
        return after, effects

    situations()
    monkeypatch.setattr(pbft, "step", _stepping(kept))
    found = hostile(_context(tmp_path), messages=900)
    assert found.verdict.violates == "memory"


def test_a_kind_of_refusal_that_never_comes_up_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    situations()
    monkeypatch.setattr(pbft, "step", _stepping(_relabelled))
    found = hostile(_context(tmp_path), messages=600)
    assert found.verdict.kind is Kind.UNKNOWN
    assert "no refusal as RATE" in str(found.verdict.reason)


def _relabelled(_: pbft.Node, after: pbft.Node, effects: Any) -> Any:
    match effects:
        case (pbft.Refused(why=pbft.Why.RATE) as refused,):
            return after, (attrs.evolve(refused, why=pbft.Why.USELESS),)
    return after, effects
