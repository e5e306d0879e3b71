"""The Byzantine guard: proof, suspicion, operators and hostile input."""

import random
from collections.abc import Iterable
from typing import Any

import attrs
import pytest

from impl import common
from impl.guard import (
    SCORE_MAX,
    Alarm,
    Append,
    BrokenTrail,
    Effect,
    Entry,
    Evidence,
    Gossip,
    Guard,
    Input,
    Late,
    Observed,
    Progressed,
    Quarantined,
    Release,
    Released,
    Reported,
    asking_order,
    evidence_of,
    first_start,
    health,
    is_heard,
    recover,
    reputation,
    step,
    verify_chain,
)
from impl.pbft import Message, Receive, Refused, StateRequest, SymbolicKeys, Why, digest, signed
from tests.impl.pbft_nodes import (
    X,
    Y,
    Z,
    batch,
    certificate,
    changed,
    checkpoint,
    commit,
    config,
    names,
    new_view,
    only,
    pre_prepare,
    prepare,
    replica,
    taken,
    view_change,
)


def guard(node: str = "r2", *, n: int = 4) -> Guard:
    return first_start(config(node, n=n))


def told(start: Guard, *inputs: Input) -> tuple[Guard, tuple[Effect, ...]]:
    """The guard after inputs, and all effects."""
    effects: tuple[Effect, ...] = ()
    for inp in inputs:
        start, more = step(start, inp)
        effects += more
    return start, effects


def proof_against(source: str, *, n: int = 4, values: tuple[Any, Any] = (X, Y)) -> Evidence:
    """Evidence that `source` signed two commits for one number."""
    found = evidence_of(config("r2", n=n), *(commit(value, source) for value in values))
    assert found is not None
    return found


def entries(effects: Iterable[Effect]) -> list[Entry]:
    return [effect.entry for effect in only(effects, Append)]


def refusals(*messages: Any) -> list[Refused]:
    """The refusals of r2 of four for these messages."""
    return only(taken(replica("r2"), *messages)[1], Refused)


# --- proof --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "messages",
    [
        (prepare(X, "r1"), prepare(Y, "r1")),
        (commit(X, "r1"), commit(Y, "r1")),
        (checkpoint("r1", X, Y), checkpoint("r1", Y, X)),
        (view_change("r1", view=4), view_change("r1", certificate(X), view=4)),
        (pre_prepare(X, source="r1"),),
        (view_change("r1", certificate(X, voters=["r1"]), view=4),),
        (new_view([view_change(name) for name in ("r0", "r2", "r3")], (1, X)),),
    ],
    ids=["prepares", "commits", "checkpoints", "view changes", "a proposal", "a certificate", "a new view"],
)
def test_a_refusal_that_proves_a_fault_quarantines_the_author(messages: tuple[Message, ...]) -> None:
    """The deliverer is irrelevant: here r3 hands over a message that r1 signed."""
    (refused,) = refusals(*messages)
    after, effects = told(guard(), Observed(refused, "r3"))
    assert after.quarantined == ("r1",)
    assert [type(effect) for effect in effects] == [Gossip, Append, Append, Quarantined]
    assert [entry.event for entry in entries(effects)] == ["proved", "quarantined"]
    assert after.scores == {"r0": SCORE_MAX, "r1": 0, "r2": SCORE_MAX, "r3": SCORE_MAX}


def test_gossiped_evidence_convinces_other_guards_once() -> None:
    (refused,) = refusals(commit(X, "r1"), commit(Y, "r1"))
    _, effects = told(guard(), Observed(refused, "r1"))
    (gossip,) = only(effects, Gossip)
    for name in names(4):
        other, more = told(guard(name), Reported(gossip.evidence, "r2"))
        assert other.quarantined == ("r1",)
        assert only(more, Gossip) == [gossip]
        assert told(other, Reported(gossip.evidence, "r3")) == (other, ())


def test_proof_counts_whatever_the_reputation_of_its_reporter() -> None:
    before, _ = told(guard(), *[Late("r3", 10_000)] * 50)
    assert before.scores["r3"] == 0
    for reporter in ("r1", "r3", "nobody", ""):
        assert told(before, Reported(proof_against("r1"), reporter))[0].quarantined == ("r1",)


def test_a_quarantined_replica_is_not_heard_but_reports_about_it_are() -> None:
    after, _ = told(guard(), Reported(proof_against("r1"), "r0"))
    said = view_change("r1")
    assert not is_heard(after, said)
    assert is_heard(after, new_view([said, view_change("r0"), view_change("r3")], source="r0", view=4))
    assert is_heard(after, commit(X, "r3"))
    assert is_heard(after, X[0])
    assert is_heard(guard(), said)


def test_a_quarantine_changes_neither_membership_nor_quorum() -> None:
    before = guard()
    after, _ = told(before, Reported(proof_against("r1"), "r0"))
    assert after.config is before.config
    assert after.config.n - len(after.quarantined) >= after.config.quorum


@pytest.mark.parametrize("n", range(4, 14))
def test_at_most_f_are_quarantined_and_one_more_raises_an_alarm(n: int) -> None:
    f = config(n=n).f
    inputs = [Reported(proof_against(name, n=n), "r0") for name in names(n)[: f + 1]]
    after, effects = told(guard("r2", n=n), *inputs)
    assert after.quarantined == names(n)[:f]
    assert after.proved == names(n)[: f + 1]
    assert only(effects, Alarm) == [Alarm(names(n)[: f + 1])]
    assert [entry.event for entry in entries(effects)][-1] == "alarm"
    assert after.config.n - len(after.quarantined) >= after.config.quorum
    assert not health(after).is_promised
    assert health(told(guard("r2", n=n), *inputs[:-1])[0]).is_promised


def test_without_the_limit_of_f_a_quarantine_loses_the_quorum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Guard, "quarantined", property(lambda each: each.proved))
    after, _ = told(guard(), *(Reported(proof_against(name), "r0") for name in ("r1", "r3")))
    assert after.config.n - len(after.quarantined) < after.config.quorum


def test_a_guard_quarantines_its_own_replica_if_proved_faulty() -> None:
    after, effects = told(guard("r1"), Reported(proof_against("r1"), "r0"))
    assert only(effects, Quarantined) == [Quarantined("r1")]
    assert after.quarantined == ("r1",)


# --- suspicion ----------------------------------------------------------------------------------


def test_a_forged_signature_lowers_the_score_of_its_deliverer() -> None:
    (refused,) = refusals(changed(commit(X, "r1"), signature=b"no"))
    assert refused.why is Why.FORGED
    after, effects = told(guard(), Observed(refused, "r3"))
    assert after.quarantined == ()
    assert after.scores["r1"] == SCORE_MAX > after.scores["r3"]
    (entry,) = entries(effects)
    assert (entry.event, entry.subject, entry.score) == ("suspected", "r3", after.scores["r3"])


@pytest.mark.parametrize("why", Why)
def test_a_refusal_without_proof_never_quarantines(why: Why) -> None:
    """However often it is repeated."""
    refused = Refused(Receive(commit(X, "r1")), "", why, commit(X, "r1"))
    after, effects = told(guard(), *[Observed(refused, "r3")] * 200)
    assert after.quarantined == ()
    assert only(effects, Quarantined) == []
    assert why in reputation.WEIGHTS


@pytest.mark.parametrize("why", [Why.OLD_VIEW, Why.OUTSIDE_WINDOW, Why.REPEATED, Why.USELESS])
def test_refusals_that_correct_replicas_cause_cost_nothing(why: Why) -> None:
    before = guard()
    assert told(before, Observed(Refused(Receive(commit(X, "r1")), "", why), "r1")) == (before, ())


def test_a_flood_of_suspicions_writes_a_bounded_trail() -> None:
    (refused,) = refusals(changed(commit(X, "r1"), signature=b"no"))
    after, effects = told(guard(), *(Observed(refused, "r3"), Late("r3", 1)) * 1000)
    assert after.scores["r3"] == 0
    assert len(entries(effects)) <= SCORE_MAX


def test_false_evidence_lowers_the_score_of_its_reporter() -> None:
    false = Evidence(accused="r1", messages=(commit(X, "r1"), commit(Y, "r1", seq=2)))
    after, _ = told(guard(), Reported(false, "r3"))
    assert after.quarantined == ()
    assert (after.scores["r1"], after.scores["r3"]) == (SCORE_MAX, SCORE_MAX - reputation.FALSE_REPORT)


def test_lateness_costs_by_its_length_up_to_a_maximum() -> None:
    scores = [told(guard(), Late("r1", by_ms))[0].scores["r1"] for by_ms in (1, 999, 1000, 3500, 10**9)]
    assert scores == [99, 99, 98, 96, 95]


def test_progress_restores_a_score_once_per_batch() -> None:
    before, _ = told(guard(), Late("r1", 3500), Late("r0", 3500))
    after, effects = told(before, Progressed(1, ("r1", "r1", "r2", "r9")))
    assert (after.scores["r1"], after.scores["r2"], after.scores["r0"]) == (97, 100, 96)
    assert effects == ()
    again, (refused,) = told(after, Progressed(1, ("r1",)))
    assert again is after
    assert isinstance(refused, common.Refused)
    healed, _ = told(after, *(Progressed(seq, ["r1"]) for seq in range(2, 500)))
    assert healed.scores["r1"] == SCORE_MAX


def test_replicas_are_asked_by_reputation_without_the_quarantined() -> None:
    after, _ = told(guard(n=7), Late("r0", 5000), Late("r3", 1), Reported(proof_against("r5", n=7), "r0"))
    assert asking_order(after) == ("r1", "r4", "r6", "r3", "r0")


# --- operators ----------------------------------------------------------------------------------


def test_released_evidence_counts_no_more() -> None:
    found = proof_against("r1")
    held, _ = told(guard(), Reported(found, "r0"))
    after, effects = told(held, Release("r1", "new disk, new keys"))
    assert only(effects, Released) == [Released("r1")]
    assert entries(effects)[0].detail == "new disk, new keys"
    assert is_heard(after, commit(X, "r1"))
    turned = attrs.evolve(found, messages=found.messages[::-1])
    assert told(after, Reported(found, "r0"), Reported(turned, "r3")) == (after, ())
    other = proof_against("r1", values=(Y, Z))
    assert told(after, Reported(other, "r0"))[0].quarantined == ("r1",)


@pytest.mark.parametrize(
    ("name", "reason"), [("r1", ""), ("r1", None), ("r3", "why not"), (None, "x"), ("r1", "\ud800")]
)
def test_a_release_without_reason_or_need_is_refused(name: Any, reason: Any) -> None:
    held, _ = told(guard(), Reported(proof_against("r1"), "r0"))
    after, (refused,) = told(held, Release(name, reason))
    assert after is held
    assert isinstance(refused, common.Refused)


def test_a_release_quarantines_the_next_proved_replica() -> None:
    held, _ = told(guard(), Reported(proof_against("r1"), "r0"), Reported(proof_against("r3"), "r0"))
    assert held.quarantined == ("r1",)
    after, effects = told(held, Release("r1", "repaired"))
    assert only(effects, Quarantined) == [Quarantined("r3")]
    assert after.quarantined == ("r3",)


def test_health_reports_quarantine_scores_and_trail() -> None:
    before, after = guard(n=7), told(guard(n=7), Reported(proof_against("r5", n=7), "r0"))[0]
    assert (health(before).to_spare, health(after).to_spare) == (2, 1)
    found = health(after)
    assert (found.quarantined, found.proved, found.is_promised, found.entries) == (("r5",), ("r5",), True, 2)
    assert dict(found.scores) == after.scores
    assert found.head == after.head


# --- after a crash ------------------------------------------------------------------------------


def test_a_guard_recovers_from_its_trail_and_evidence() -> None:
    inputs: list[Input] = [
        Late("r0", 5000),
        Reported(proof_against("r5", n=7), "r0"),
        Reported(proof_against("r1", n=7), "r0"),
        Release("r5", "repaired"),
        Reported(proof_against("r6", n=7), "r0"),
        Reported(proof_against("r5", n=7, values=(Y, Z)), "r0"),
    ]
    before, effects = told(guard(n=7), *inputs)
    kept = [gossip.evidence for gossip in only(effects, Gossip)]
    after = recover(before.config, entries(effects), [*reversed(kept), Evidence(accused="r0", messages=())])
    assert after == before
    assert after.quarantined == ("r1", "r6")
    assert recover(before.config, [], []) == guard(n=7)


def test_recovering_from_a_broken_trail_is_refused() -> None:
    _, effects = told(guard(), Late("r0", 1), Late("r0", 1))
    with pytest.raises(
        BrokenTrail, match=r"entry 1 of the audit trail of 'r2': entry 2 stands where 1 belongs"
    ):
        recover(config("r2"), entries(effects)[1:], [])


# --- nonsense -----------------------------------------------------------------------------------


class _Hostile:
    """An object that raises on every access."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("compared")

    def __hash__(self) -> int:
        raise RuntimeError("hashed")

    def __bool__(self) -> bool:
        raise RuntimeError("asked")

    def __len__(self) -> int:
        raise RuntimeError("measured")

    def __repr__(self) -> str:
        raise RuntimeError("shown")


class _Text(str):
    __slots__ = ()
    __eq__ = _Hostile.__eq__
    __hash__ = _Hostile.__hash__


_THINGS: tuple[Any, ...] = (
    None, True, -1, 1 << 9000, -(1 << 99_999), 0.5, float("nan"), "", "r1", "\ud800", b"", (),
    ("r1", ["r1"], None), [], {}, {"r1"}, object(), _Hostile(), _Text("r1"), _Hostile, commit(X, "r1"),
    commit(Y, "r1"), view_change("r1"), StateRequest(seq=1, source="r1"), X[0], Why.FORGED,
    Why.EQUIVOCATION, Receive(commit(X, "r1")), object.__new__(Evidence), object.__new__(Refused),
    object.__new__(type(commit(X, "r1"))),
)  # fmt: skip

_KINDS: tuple[Any, ...] = (
    Observed, Reported, Progressed, Late, Release, Evidence, Refused, Receive, type(commit(X, "r1")), Entry,
)  # fmt: skip


def _thing(draw: random.Random, depth: int = 3) -> Any:
    """Any object: a plain one, a collection, or a record with any objects in its fields."""
    if depth == 0 or draw.random() < 0.3:
        return draw.choice(_THINGS)
    kind = draw.choice((*_KINDS, tuple, list))
    if not attrs.has(kind):
        return kind(_thing(draw, depth - 1) for _ in range(draw.randrange(3)))
    made = object.__new__(kind)
    for field in attrs.fields(kind):
        if draw.random() < 0.95:
            object.__setattr__(made, field.name, _thing(draw, depth - 1))
    return made


@pytest.mark.parametrize("seed", range(4))
def test_arbitrary_objects_raise_nothing_and_quarantine_nobody(seed: int) -> None:
    draw, state, trail = random.Random(seed), guard(), []
    for number in range(600):
        kind = _KINDS[number % 5]
        made = object.__new__(kind)
        for field in attrs.fields(kind):
            object.__setattr__(made, field.name, _thing(draw))
        state, effects = step(state, made if number % 6 else _thing(draw))
        is_heard(state, _thing(draw))
        verify_chain([_thing(draw) for _ in range(3)], node="r2")
        trail += entries(effects)
    assert state.quarantined == ()
    assert verify_chain(trail, node="r2", head=state.head) is None
    assert digest(tuple(state.scores.items())) != ""


def test_a_flood_of_plausible_evidence_convicts_only_its_author() -> None:
    """Replays of correct messages in all pairs under all names: only r3's own contradictions count."""
    said = [make(value, name) for make in (prepare, commit) for value in (X, Y) for name in ("r1", "r3")]
    honest = [each for each in said if each.source == "r3" or each.digest == digest(X)]
    state = guard("r0")
    for one in honest:
        for other in honest:
            for accused in names(4):
                state, _ = step(state, Reported(Evidence(accused=accused, messages=(one, other)), "r3"))
                stolen = signed(changed(other, source=accused), SymbolicKeys("r3"))
                state, _ = step(state, Reported(Evidence(accused=accused, messages=(one, stolen)), "r3"))
    assert state.proved == ("r3",)
    assert batch("x") == X
