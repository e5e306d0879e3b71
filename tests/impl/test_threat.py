"""The threat level: no reporter decides alone; it rises at once, falls slowly and survives crashes."""

import itertools
import random
from collections.abc import Iterable

import attrs
import pytest

import impl.threat
from impl import guard, pbft
from impl.threat import (
    BFT,
    RAFT,
    Because,
    Config,
    Input,
    InvalidConfig,
    Level,
    LevelChanged,
    Observed,
    Persist,
    Proof,
    ProofKind,
    Refused,
    State,
    Statement,
    Suspicion,
    Threat,
    Tick,
    Weights,
    cluster_score,
    first_start,
    level,
    observed,
    own_score,
    proof,
    protocol,
    recover,
    rules,
    step,
)
from impl.threat.sources import PROVES, SUSPICIOUS

REPLICAS = ("r0", "r1", "r2", "r3")
CONFIG = Config("r0", REPLICAS)
EQUIVOCATION = Proof(ProofKind.EQUIVOCATION, "r3", "digest")
TAMPERING = Proof(ProofKind.TAMPERING, "r3", "digest")


def after(*inputs: Input, config: Config = CONFIG) -> Threat:
    """A machine after these inputs."""
    return taking(first_start(config), *inputs)


def taking(threat: Threat, *inputs: Input) -> Threat:
    for inp in inputs:
        threat, _ = step(threat, inp)
    return threat


def ticks(count: int) -> Iterable[Tick]:
    return itertools.repeat(Tick(), count)


def changes(threat: Threat, count: int) -> list[tuple[int, str, str]]:
    """The level changes within `count` ticks: the tick, the old and the new level."""
    found = []
    for number in range(1, count + 1):
        threat, effects = step(threat, Tick())
        found += [
            (number, effect.old.name, effect.new.name)
            for effect in effects
            if isinstance(effect, LevelChanged)
        ]
    return found


# --- levels -------------------------------------------------------------------------------------


def test_high_and_critical_select_bft_and_the_others_raft() -> None:
    assert [protocol(each) for each in Level] == [RAFT, RAFT, RAFT, BFT, BFT]
    assert Level.NONE < Level.LOW < Level.MEDIUM < Level.HIGH < Level.CRITICAL


def test_every_exported_name_exists() -> None:
    assert all(hasattr(impl.threat, name) for name in impl.threat.__all__)


# --- nobody alone -------------------------------------------------------------------------------


def test_one_reporter_changes_nothing_and_two_raise_the_level() -> None:
    """HY-07: a single liar must not cause the switch to BFT."""
    alone = after(Statement("r3", 1, 100))
    assert (level(alone), cluster_score(alone)) == (Level.NONE, 0)
    assert level(taking(alone, Statement("r1", 1, 60))) is Level.HIGH


def test_two_correct_reporters_suffice_whatever_the_others_say() -> None:
    """HY-07: two correct replicas that see an attack suffice."""
    told = after(Statement("r3", 1, -5), Statement("r1", 1, 90), Observed(Suspicion.TAMPERING))
    assert level(told) is Level.HIGH


@pytest.mark.parametrize(("n", "f"), [(1, 0), (4, 1), (5, 1), (7, 2), (10, 3)])
def test_the_cluster_score_is_bounded_by_correct_replicas(n: int, f: int) -> None:
    """For any choice of liars. The naive twin counts the replicas with at least that score."""
    draw = random.Random(n)
    for _ in range(200):
        scores = [draw.randrange(6) for _ in range(n)]
        found = rules.cluster_score(f, scores)
        assert found == max(c for c in range(6) if sum(score >= c for score in scores) > f)
        for liars in itertools.combinations(range(n), f):
            correct = sorted((scores[i] for i in range(n) if i not in liars), reverse=True)
            assert correct[f] <= found <= correct[0]


def test_only_the_latest_statement_counts() -> None:
    told = after(Statement("r1", 5, 100), Statement("r2", 1, 100))
    calmer = taking(told, Statement("r1", 6, 3))
    assert calmer.scores["r1"] == 3
    for number in (5, 6, 1):
        again, effects = step(calmer, Statement("r1", number, 100))
        assert again == calmer
        assert isinstance(effects[0], Refused)


def test_a_stated_score_is_clamped() -> None:
    told = after(Statement("r1", 1, 10**30), Statement("r2", 1, -(10**30)))
    assert (told.scores["r1"], told.scores["r2"]) == (100, 0)


def test_the_score_of_a_silent_replica_decays_to_nothing() -> None:
    told = after(Statement("r1", 1, 100), Statement("r2", 1, 100), *ticks(100))
    assert set(told.scores.values()) == {0}


# --- own evidence -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "score"),
    [(Suspicion.SIGNATURE, 15), (Suspicion.REFUSED, 10), (Suspicion.TAMPERING, 60), (Suspicion.TIMING, 5)],
)
def test_each_kind_of_evidence_has_its_weight_and_is_stated_at_once(kind: Suspicion, score: int) -> None:
    threat, effects = step(first_start(CONFIG), Observed(kind))
    assert own_score(threat) == score
    assert effects == (Persist(threat.durable), State(score, 1))


def test_evidence_stops_at_the_maximum_score() -> None:
    full = after(*itertools.repeat(Observed(Suspicion.SIGNATURE), 7))
    assert (own_score(full), full.durable.number) == (100, 7)
    again, effects = step(full, Observed(Suspicion.SIGNATURE))
    assert (again, effects) == (full, ())


def test_a_score_is_restated_until_it_is_zero() -> None:
    threat = after(Observed(Suspicion.SIGNATURE))
    stated = []
    for number in range(1, 31):
        threat, effects = step(threat, Tick())
        stated += [(number, effect) for effect in effects if isinstance(effect, State)]
    assert stated == [(5, State(10, 2)), (10, State(5, 3))]


def test_timing_alone_never_exceeds_medium() -> None:
    """HY-16: all replicas of a slow network see timing anomalies, as many as they like."""
    slow = after(
        *itertools.repeat(Observed(Suspicion.TIMING), 1000), *(Statement(name, 1, 40) for name in REPLICAS)
    )
    assert (own_score(slow), level(slow)) == (40, Level.MEDIUM)


def test_timing_is_not_added_to_other_evidence() -> None:
    """HY-16: a bad signature weighs the same in a slow and in a fast network."""
    slow = after(*itertools.repeat(Observed(Suspicion.TIMING), 8), Observed(Suspicion.SIGNATURE))
    assert own_score(slow) == 40
    assert slow.evidence == 15


# --- proof --------------------------------------------------------------------------------------


def test_equivocation_is_critical_and_tampering_high() -> None:
    threat, effects = step(first_start(CONFIG), EQUIVOCATION)
    assert level(threat) is Level.CRITICAL
    assert effects[-1] == LevelChanged(Level.NONE, Level.CRITICAL, Because.PROOF)
    assert level(after(TAMPERING)) is Level.HIGH
    assert level(after(EQUIVOCATION, attrs.evolve(TAMPERING, accused="r1"))) is Level.CRITICAL


def test_a_proof_counts_once_and_a_graver_one_once_more() -> None:
    """Otherwise a liar could hold the level up by convicting itself repeatedly."""
    shown = after(TAMPERING)
    for again in (TAMPERING, attrs.evolve(TAMPERING, digest="another")):
        assert step(shown, again)[0] == shown
    graver = taking(shown, EQUIVOCATION)
    assert level(graver) is Level.CRITICAL
    assert step(graver, TAMPERING)[0] == step(graver, EQUIVOCATION)[0] == graver
    assert graver.durable.proved == {"r3": EQUIVOCATION}


def test_a_new_proof_restarts_the_cooldown() -> None:
    calm = taking(after(EQUIVOCATION), *ticks(119))
    assert changes(calm, 1) == [(1, "CRITICAL", "HIGH")]
    shaken = taking(calm, Proof(ProofKind.TAMPERING, "r1", "digest"))
    assert changes(shaken, 120) == [(120, "CRITICAL", "HIGH")]


# --- up and down --------------------------------------------------------------------------------


def test_the_level_rises_at_once_and_falls_one_by_one() -> None:
    threat, effects = step(after(Statement("r1", 1, 95)), Statement("r2", 1, 90))
    assert effects[-1] == LevelChanged(Level.NONE, Level.CRITICAL, Because.SCORE)
    assert changes(threat, 1000) == [
        (135, "CRITICAL", "HIGH"),
        (155, "HIGH", "MEDIUM"),
        (175, "MEDIUM", "LOW"),
        (195, "LOW", "NONE"),
    ]


def test_a_score_around_the_threshold_does_not_make_the_level_flap() -> None:
    """HY-06: from 60 down to 50 and up again, which is between the thresholds of High."""
    threat = after(Statement("r1", 1, 60), Statement("r2", 1, 60))
    seen = []
    for number in range(2, 100):
        threat, effects = step(threat, Statement("r1", number, 50 + 10 * (number % 2)))
        threat, more = step(threat, Statement("r2", number, 60))
        seen += [effect for effect in (*effects, *more) if isinstance(effect, LevelChanged)]
        threat = taking(threat, Tick())
    assert seen == []
    assert level(threat) is Level.HIGH


def test_a_score_that_keeps_the_level_restarts_the_cooldown() -> None:
    threat = taking(after(TAMPERING), *ticks(19))
    assert threat.calm == 19
    kept = taking(threat, Statement("r1", 1, 45), Statement("r2", 1, 45))
    assert (level(kept), kept.calm) == (Level.HIGH, 0)
    assert changes(kept, 21) == [(20, "HIGH", "MEDIUM")]


def test_a_rise_restarts_the_cooldown() -> None:
    low = after(Statement("r1", 1, 10), Statement("r2", 1, 10), *ticks(24))
    assert (level(low), low.calm) == (Level.LOW, 19)
    high = taking(low, TAMPERING)
    assert changes(high, 20) == [(20, "HIGH", "MEDIUM")]


# --- crashes ------------------------------------------------------------------------------------


def test_a_crash_keeps_level_numbers_and_proofs() -> None:
    """HY-10: otherwise a crash would end Critical and make old statements and proofs count again."""
    before = after(EQUIVOCATION, Observed(Suspicion.SIGNATURE), Statement("r1", 4, 9), *ticks(119))
    back = recover(CONFIG, before.durable)
    assert back.durable == before.durable
    assert (level(back), cluster_score(back), back.calm) == (Level.CRITICAL, 0, 0)
    assert changes(back, 120) == [(120, "CRITICAL", "HIGH")]
    assert step(back, Statement("r1", 4, 9))[0] == step(back, EQUIVOCATION)[0] == back
    (_, stated) = step(back, Observed(Suspicion.SIGNATURE))[1]
    assert stated == State(15, before.durable.number + 1)


def test_recovery_drops_statements_and_proofs_of_strangers() -> None:
    known = after(Statement("r3", 1, 5), EQUIVOCATION).durable
    smaller = recover(Config("r0", REPLICAS[:3], 0), known)
    assert (smaller.durable.heard, smaller.durable.proved) == ({}, {})


def test_durable_changes_are_persisted_before_anything_is_stated() -> None:
    for inp in (Observed(Suspicion.REFUSED), Statement("r1", 1, 1), EQUIVOCATION):
        threat, effects = step(first_start(CONFIG), inp)
        assert effects[0] == Persist(threat.durable)
    assert step(first_start(CONFIG), Tick())[1] == ()


# --- settings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        ({"replicas": ()}, "name all of the cluster"),
        ({"replicas": (*REPLICAS, "r3")}, "each replica has one score"),
        ({"node": "r9"}, "name it among them"),
        ({"f": -1}, "starts at 0"),
        ({"f": 2}, "it takes 7. Add 3, or allow for f = 1 at most"),
        ({"up": (10, 30, 90)}, "it takes 4 scores"),
        ({"up": (10, 60, 60, 90)}, "a higher level takes a higher score"),
        ({"down": (5, 20, 20, 75)}, "a higher level takes a higher score"),
        ({"down": (0, 20, 45, 75)}, "LOW is entered at 10 and left below 0: leave it below 1 to 9"),
        ({"down": (5, 20, 60, 75)}, "HIGH is entered at 60 and left below 60"),
        ({"score_max": 80}, "use at least 90"),
        ({"weights": Weights(timing=0)}, "the weight of timing is 0"),
        ({"timing_max": 45}, "a slow network is no attack"),
        ({"timing_max": -1}, "Use 0 to 44"),
        ({"decay": 0}, "decay is 0: use at least 1"),
        ({"dwell_ticks": 0}, "dwell_ticks is 0: use at least 1"),
        ({"restate_ticks": 0}, "restate_ticks is 0: use at least 1"),
        ({"calm_ticks": 20}, "use at least 21"),
    ],
)
def test_invalid_settings_are_refused_with_advice(change: dict[str, object], advice: str) -> None:
    with pytest.raises(InvalidConfig) as refused:
        attrs.evolve(CONFIG, **change)  # type: ignore[arg-type]  # wrong on purpose
    assert advice in str(refused.value)


def test_f_defaults_to_the_maximum() -> None:
    assert [Config("0", tuple(map(str, range(n)))).f for n in (1, 3, 4, 6, 7)] == [0, 0, 1, 1, 2]
    assert CONFIG.n == 4


# --- inputs from replica and guard ------------------------------------------------------------------


def test_refusals_that_correct_replicas_cause_are_no_suspicion() -> None:
    assert observed(pbft.Why.FORGED) == Observed(Suspicion.SIGNATURE)
    assert observed(pbft.Why.UNPROVEN) == Observed(Suspicion.REFUSED)
    assert {why for why in pbft.Why if observed(why) is None} == {
        pbft.Why.EQUIVOCATION,
        pbft.Why.OLD_VIEW,
        pbft.Why.OUTSIDE_WINDOW,
        pbft.Why.REPEATED,
        pbft.Why.USELESS,
        pbft.Why.RATE,
    }
    assert Suspicion.TIMING not in SUSPICIOUS.values()


def test_each_offence_of_the_guard_is_one_of_the_two_kinds_of_proof() -> None:
    assert set(PROVES) == set(guard.Offence)
    evidence = guard.Evidence(accused="r1", messages=())
    shown = proof(evidence, guard.Offence.FALSE_PROOF)
    assert (shown.kind, shown.accused, len(shown.digest)) == (ProofKind.TAMPERING, "r1", 64)
    assert proof(evidence, guard.Offence.CONCEALMENT).kind is ProofKind.EQUIVOCATION
