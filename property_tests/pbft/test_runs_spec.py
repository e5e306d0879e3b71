"""Runs of simulated PBFT clusters are behaviours of the spec, of any length; and what is none is noticed."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from immutabledict import immutabledict

from impl import pbft
from impl.pbft import rules
from property_tests.enduring import Endured
from property_tests.judged import Violated, failed
from property_tests.pbft import journal as journals
from property_tests.pbft import run_checks
from property_tests.pbft.cluster import Setting
from property_tests.pbft.hosting import Taken
from property_tests.pbft.recording import CONFIGS, oracle_of, recorded
from property_tests.pbft.script import Script, endure
from tlacheck import itf
from tlacheck.conform.lockstep import Diverged
from tlacheck.errors import ConfigError
from tlacheck.report.lanes import lanes_of
from tlacheck.report.page import render_page
from tlacheck.tlc.oracle import OracleState, SpecOracle
from tlacheck.values import ModelValue, Value
from tlacheck.verify import Context


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(folder=tmp_path, budget="tests", seed=0, command="repeat me", progress=lambda _: None)


# --- runs that are behaviours of the spec


@pytest.mark.parametrize(("replicas", "traitors"), CONFIGS)
def test_a_configuration_has_the_traitors_of_its_runs(replicas: int, traitors: frozenset[str]) -> None:
    (state,) = oracle_of(CONFIGS[replicas, traitors]).initial_states()
    correct = set(Setting(replicas=replicas).names) - traitors
    assert {name.name for name in state.values["view"]} == correct


@pytest.mark.parametrize(("replicas", "traitors"), CONFIGS)
def test_runs_of_any_size_and_with_any_primary_are_behaviours_of_the_spec(
    replicas: int, traitors: frozenset[str]
) -> None:
    where = Setting.drawn(replicas, replicas=replicas, traitors=len(traitors))
    assert where.traitors == traitors
    run = endure(replicas, steps=1_200, setting=where, against_spec=True)
    assert run.broken == ""
    assert run.trace is None
    assert run.actions["CollectCommits"] > 20
    assert run.sometimes["a view is entered"]


def test_a_long_run_takes_every_action_in_many_views_and_with_batches_of_several_requests() -> None:
    run = endure(0, steps=6_000, setting=Setting.drawn(0), against_spec=True)
    assert run.broken == ""
    assert {name for name, times in run.actions.items() if times} == {
        "Propose",
        "AcceptPrePrepare",
        "CollectPrepares",
        "CollectCommits",
        "CollectCheckpoints",
        "TransferState",
        "Timeout",
        "JoinViewChange",
        "NewView",
        "EnterNewView",
    }
    assert run.sometimes["a traitor begins a view"]
    assert run.sometimes["a view change carries a batch over"]


def test_the_spec_changes_nothing_in_a_run() -> None:
    one, other = (endure(3, steps=800, setting=Setting.drawn(3), against_spec=each) for each in (True, False))
    assert (one.steps, one.sometimes) == (other.steps, other.sometimes)
    assert other.actions.total() == 0


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (
            Setting(traitors=frozenset({"r2"})),
            "no configuration for 4 replicas of which r2 is Byzantine; it has",
        ),
        (Setting(traitors=frozenset()), "no configuration for 4 replicas of which nobody is Byzantine"),
        (Setting(window=4), r"OracleTraitor\.cfg says Window = 8, the replicas have 4"),
        (Setting(interval=2), r"OracleTraitor\.cfg says Interval = 4, the replicas have 2"),
        (Setting(f=0), r"OracleTraitor\.cfg says MaxFaulty = 1, the replicas have 0"),
    ],
)
def test_a_cluster_that_no_configuration_speaks_of_is_refused(where: Setting, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        recorded(where, seed=0)


def test_a_configuration_speaks_of_its_own_replicas_only() -> None:
    with pytest.raises(
        ConfigError, match="OracleTraitorOfFive.cfg does not speak of the replicas <<r0, r1, r2, r3>>"
    ):
        recorded(Setting(), seed=0, config="OracleTraitorOfFive")


# --- a replica that does what the spec does not


def _first_of(vs: Any) -> Any:
    return min((each.checkpoint for each in vs), key=lambda checkpoint: checkpoint.seq)


@pytest.mark.parametrize(
    ("rule", "wrong", "said"),
    [
        ("weak_quorum_size", lambda _: 1, "the spec allows no JoinViewChange("),
        ("may_accept", lambda *_: True, "the spec allows no AcceptPrePrepare("),
        ("prepare_quorum_size", lambda _: 1, "the spec allows no CollectPrepares("),
        ("commit_quorum_size", lambda _: 1, "the spec allows no CollectCommits("),
        ("is_stable", lambda *_: True, "stable["),
        ("told", lambda _: (), "messages: the spec has"),
        ("may_execute", lambda *_: True, "state["),
        ("base", _first_of, "NewView("),
    ],
)
def test_a_replica_that_does_what_the_spec_does_not_leaves_it(
    monkeypatch: pytest.MonkeyPatch, rule: str, wrong: Callable[..., Any], said: str
) -> None:
    """Without `Safety`, which would notice most of it as well."""
    monkeypatch.setattr(rules, rule, wrong)
    found = _found(
        lambda seed: endure(
            seed, steps=2_500, setting=Setting.drawn(seed), against_spec=True, only=frozenset()
        )
    )
    assert found.property == "conforms to PbftRuns"
    assert said in found.broken
    assert found.log


def _found(play: Callable[[int], Endured]) -> Endured:
    run = next((run for seed in range(6) if (run := play(seed)).broken), None)
    assert run is not None, "the spec allowed it all"
    return run


def test_a_step_late_in_a_long_run_that_the_spec_does_not_allow_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """After hundreds of steps its trace shows the last of them, can be read again and drawn."""
    monkeypatch.setattr(journals, "LAST_SHOWN", 12)
    cluster, journal = recorded(Setting.drawn(1), seed=1)
    script = Script(cluster, 1)

    def play(steps: int) -> None:
        while journal.steps < steps:
            script.move()

    play(journals.WHOLE_MAX)
    monkeypatch.setattr(rules, "commit_quorum_size", lambda _: 1)
    with pytest.raises(Diverged) as caught:
        play(10_000)
    (prop, said), trace = failed(caught.value, journal)
    assert prop == "conforms to PbftRuns"
    assert "the spec allows no CollectCommits(" in said
    assert f"(these are the last {journals.LAST_SHOWN} of {journal.steps:,} steps)" in said
    assert len(trace) == journals.LAST_SHOWN
    assert trace.steps[-1].action == "CollectCommits"
    assert trace.violation is not None
    assert trace.violation.step == len(trace)
    itf.write(trace, tmp_path / "late.itf.json")
    again = itf.read(tmp_path / "late.itf.json")
    assert [step.state for step in again.steps] == [step.state for step in trace.steps]
    assert "CollectCommits" in render_page(lanes_of(again), file="late.itf.json")


def test_a_trace_of_a_short_run_shows_the_states_of_the_spec() -> None:
    """Each of its steps is one of the spec, from the state before to the state after, with all messages."""
    cluster, journal = recorded(Setting.drawn(2), seed=2)
    script = Script(cluster, 2)
    while journal.steps < 60:
        script.move()
    trace, oracle = journal.trace, oracle_of("OracleTraitor")
    assert len(trace) == journal.steps
    before = oracle.state({**trace.initial, "event": immutabledict(action="Init")})
    assert oracle.holds("MayStart", before)
    for step in trace.steps:
        (after,) = oracle.apply(f"{step.action}Step", before, *step.arguments.values())
        assert {name: value for name, value in after.values.items() if name != "event"} == step.state
        before = after


def test_a_message_that_no_step_of_the_spec_sends_is_noticed() -> None:
    """A replica that signs something on the side, while its durable state is as it was."""
    cluster, journal = recorded(Setting.drawn(0), seed=0)
    name = cluster.correct[0]
    node = cluster.node(name)
    vote = pbft.Commit(view=0, seq=1, digest=pbft.digest(()), source=name)
    journal._projection.learn_batch(())  # noqa: SLF001 - as if it had been proposed
    effects = (pbft.Send(pbft.signed(vote, pbft.SymbolicKeys(name))),)
    with pytest.raises(Diverged, match="the spec allows no CollectPrepares"):
        journal.step(Taken(name=name, before=node, input=pbft.Receive(vote), after=node, effects=effects))
    cluster, journal = recorded(Setting.drawn(0), seed=0)
    journal._projection.learn_batch(())  # noqa: SLF001 - as above
    with pytest.raises(Diverged, match="messages: the spec has {}"):
        journal.step(Taken(name=name, before=node, input=pbft.Retransmit(), after=node, effects=effects))


def test_what_stands_behind_a_digest_must_be_known() -> None:
    cluster, journal = recorded(Setting.drawn(0), seed=0)
    name = cluster.correct[0]
    vote = pbft.Commit(view=0, seq=1, digest="f" * 64, source=name)
    with pytest.raises(Diverged, match="nobody has what is behind the digest ffffffffffff"):
        journal.step(
            Taken(
                name=name,
                before=cluster.node(name),
                input=pbft.Retransmit(),
                after=cluster.node(name),
                effects=(pbft.Send(vote),),
            )
        )


@pytest.mark.parametrize("value", [("wrong", "r0"), 7, ((1, 2),)])
def test_a_state_that_no_ledger_has_leaves_the_spec(value: pbft.Value) -> None:
    """As a traitor makes it for a replica that takes over any state."""
    cluster, journal = recorded(Setting.drawn(0), seed=0)
    name = cluster.correct[0]
    node = cluster.node(name)
    state = attrs.evolve(node.durable.state, value=value)
    response = pbft.StateResponse(checkpoint=node.durable.stable, state=state, source="r0")
    after = attrs.evolve(node, durable=attrs.evolve(node.durable, state=state))
    with pytest.raises(Diverged, match="is no ledger"):
        journal.step(Taken(name=name, before=node, input=pbft.Receive(response), after=after, effects=()))


def test_a_property_that_breaks_ends_the_run_with_its_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    def blind(self: Any, taken: Any) -> Any:
        del self, taken
        yield "Agreement", "they disagree"

    monkeypatch.setattr("property_tests.pbft.safety.Safety.step", blind)
    run = endure(1, steps=100, setting=Setting.drawn(1), against_spec=True)
    assert (run.property, run.broken) == ("Agreement", "Agreement: they disagree")
    assert run.trace is not None
    assert run.trace.violation is not None
    assert run.trace.violation.property == "Agreement"


def test_the_invariants_are_judged_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SpecOracle, "violated_invariants", lambda *_: ("VotesOnce",))
    run = endure(1, steps=100, setting=Setting.drawn(1), against_spec=True)
    assert run.property == "VotesOnce"
    assert "it does not hold at the end of the run" in run.broken


def test_the_checks_find_what_is_wrong_and_say_nothing_of_too_little(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_checks.conforming(context, runs=1, steps=50).verdict.is_unknown
    assert run_checks.soaked(context, seeds=1, steps=50).verdict.is_unknown
    monkeypatch.setattr(rules, "commit_quorum_size", lambda _: 1)
    for check, runs in ((run_checks.conforming, {"runs": 2}), (run_checks.soaked, {"seeds": 2})):
        outcome = check(context, steps=300, **runs)
        assert outcome.verdict.violates
        assert outcome.trace is not None
        assert itf.read(outcome.trace).violation is not None
        assert "log: " in outcome.message


# --- new views of Byzantine primaries


@attrs.frozen
class Entered:
    """A step by which a replica entered the view of a Byzantine primary.

    Attributes:
        before: the state before it.
        node: who entered.
        message: the new view.
        proof: the view changes that justify it.
    """

    before: OracleState
    node: Value
    message: Any
    proof: frozenset[Any]

    def allowed(self, **other: Any) -> bool:
        """Return whether the spec allows it, or the same with another message or another proof."""
        step = attrs.evolve(self, **other)
        found = oracle_of("OracleTraitor").apply(
            "EnterNewViewStep", step.before, step.node, step.message, step.proof
        )
        return bool(found)


@pytest.fixture(scope="module")
def entered() -> Entered:
    """One with certificates, of which one is the traitor's."""
    for seed in itertools.count():
        cluster, journal = recorded(Setting.drawn(seed), seed=seed)
        script = Script(cluster, seed)
        before = journal._at  # noqa: SLF001 - the state that the next step begins in
        try:
            while cluster.steps < 5_000:
                count = len(journal._done)  # noqa: SLF001 - as above
                script.move()
                for done in list(journal._done)[count:]:  # noqa: SLF001 - as above
                    match done.call.arguments:
                        case {"node": node, "message": message, "viewChanges": proof} if _is_telling(proof):
                            return Entered(before, node, message, proof)
                    before = done.state
                before = journal._at  # noqa: SLF001 - as above
        except Violated as violated:
            raise AssertionError from violated
    raise AssertionError


def _is_telling(proof: Any) -> bool:
    """Return whether the traitor and somebody else tell of what they prepared."""
    telling = {change["source"] == _TRAITOR for change in proof if change["certificates"]}
    return telling == {True, False}


_TRAITOR = ModelValue("r0")


def _changed(record: Any, **fields: Any) -> Any:
    return immutabledict({**record, **fields})


def _with_traitor(proof: frozenset[Any], **fields: Any) -> frozenset[Any]:
    """The proof, in which the traitor says something else."""
    return frozenset(
        _changed(change, **fields) if change["source"] == _TRAITOR else change for change in proof
    )


def _certificates(step: Entered) -> frozenset[Any]:
    (own,) = (change for change in step.proof if change["source"] == _TRAITOR)
    return frozenset(own["certificates"])


def test_a_new_view_of_a_traitor_is_allowed_with_what_justifies_it(entered: Entered) -> None:
    """Also if the traitor conceals what it prepared, as long as it proposes what follows from the rest."""
    assert entered.allowed()
    silent = _with_traitor(entered.proof, certificates=frozenset())
    (proposals,) = oracle_of("OracleTraitor").evaluate("Reproposals", entered.before, silent)
    assert entered.allowed(message=_changed(entered.message, proposals=proposals), proof=silent)


def _without_one(step: Entered) -> frozenset[Any]:
    return step.proof - {min(step.proof, key=str)}


def _of_one_twice(step: Entered) -> frozenset[Any]:
    (one, *_) = (change for change in step.proof if change["source"] != _TRAITOR)
    (own,) = (change for change in step.proof if change["source"] == _TRAITOR)
    silent = _changed(own, certificates=frozenset())
    return (step.proof - {one}) | {silent}


def _of_somebody_else_changed(step: Entered) -> frozenset[Any]:
    one = next(c for c in step.proof if c["source"] != _TRAITOR and c["certificates"])
    return (step.proof - {one}) | {_changed(one, certificates=frozenset())}


def _with_certificate(step: Entered, **fields: Any) -> frozenset[Any]:
    told = _certificates(step)
    certificate = min(told, key=str)
    return _with_traitor(step.proof, certificates=(told - {certificate}) | {_changed(certificate, **fields)})


@pytest.mark.parametrize(
    "forged",
    [
        _without_one,
        _of_one_twice,
        _of_somebody_else_changed,
        lambda step: _with_certificate(step, batch=(("c0", 999),)),
        lambda step: _with_certificate(step, batch=()),
        lambda step: _with_certificate(step, view=step.message["view"]),
        lambda step: _with_certificate(step, seq=100),
        lambda step: _with_certificate(step, more=0),
        lambda step: _with_traitor(step.proof, view=step.message["view"] + 1),
        lambda step: _with_traitor(step.proof, checkpoint=immutabledict(seq=4, state=())),
        lambda step: _with_traitor(step.proof, more=0),
        lambda _: frozenset(),
    ],
    ids=[
        "one too few",
        "one of them twice",
        "what a correct replica said is changed",
        "a batch that nobody prepared",
        "nothing, where something was prepared",
        "prepared in the view that begins",
        "prepared beyond the window",
        "a certificate of another form",
        "a view change to another view",
        "a checkpoint that nobody has",
        "a view change of another form",
        "no proof",
    ],
)
def test_a_new_view_that_is_justified_by_what_nobody_could_have_said_is_refused(
    entered: Entered, forged: Callable[[Entered], frozenset[Any]]
) -> None:
    """The best message for such a proof: what follows from it, or what was proposed."""
    proof = forged(entered)
    assert proof != entered.proof
    assert not entered.allowed(proof=proof)
    if proof:
        oracle = oracle_of("OracleTraitor")
        base = oracle.evaluate("Base", entered.before, proof)
        for proposals in oracle.evaluate("Reproposals", entered.before, proof):
            best = _changed(entered.message, checkpoint=base, proposals=proposals)
            assert not entered.allowed(message=best, proof=proof)


@pytest.mark.parametrize(
    "forged",
    [
        lambda _: {"proposals": frozenset()},
        lambda message: {"proposals": message["proposals"] | {immutabledict(seq=100, batch=(("c0", 1),))}},
        lambda message: {"proposals": frozenset(_changed(each, batch=()) for each in message["proposals"])},
        lambda message: {"checkpoint": immutabledict(seq=message["checkpoint"]["seq"] + 4, state=())},
        lambda _: {"source": ModelValue("r1")},
        lambda message: {"view": message["view"] + 1},
        lambda message: {"view": message["view"] + 4},
        lambda _: {"type": "ViewChange"},
    ],
    ids=[
        "proposes nothing",
        "proposes more",
        "proposes that nothing happens",
        "from another checkpoint",
        "by another replica",
        "for another view",
        "for a view that nobody wants",
        "is none",
    ],
)
def test_a_new_view_that_does_not_follow_from_what_justifies_it_is_refused(
    entered: Entered, forged: Callable[[Any], dict[str, Any]]
) -> None:
    assert not entered.allowed(message=_changed(entered.message, **forged(entered.message)))
