"""Recorded runs of simulated PBFT clusters, of any length, fit the spec; runs that do not are rejected."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from immutabledict import immutabledict

from impl import pbft
from impl.pbft import rules
from property_tests.pbft.host import Hosted, PbftCore, configs_of
from property_tests.pbft.protocol import PBFT
from property_tests.pbft.recorder import PbftRecorder
from tlacheck import itf
from tlacheck.conform.lockstep import Diverged
from tlacheck.errors import ConfigError
from tlacheck.harness import Broken, Judge, Run, Schedule, SoakPlan, soak
from tlacheck.harness.run import oracle_of
from tlacheck.harness.soak import play
from tlacheck.report.lanes import lanes_of
from tlacheck.report.page import render_page
from tlacheck.sim import StepRecord
from tlacheck.tlc.oracle import OracleState, SpecOracle
from tlacheck.values import ModelValue, Value

TARGET = "property_tests.pbft.protocol:PBFT"
#: What only a judge could notice is left out.
SPEC_ALONE = ("none",)


def _oracle() -> SpecOracle:
    return oracle_of(PBFT, PBFT.sizes[0])


def _begun(seed: int, *, trace_max: int = 150) -> tuple[Run, Schedule]:
    protocol = attrs.evolve(PBFT, trace_max=trace_max)
    run = Run(protocol, PBFT.sizes[0], seed=seed, oracle=_oracle())
    schedule = Schedule(run, protocol, seed=seed)
    schedule.begin()
    return run, schedule


def _steps(run: Run) -> int:
    return run.recorder.actions.total()


# --- runs that are behaviours of the spec


@pytest.mark.parametrize("size", [size for size in PBFT.sizes if size.config], ids=lambda size: size.config)
def test_runs_of_any_size_are_behaviours_of_the_spec(size: Any, tmp_path: Path) -> None:
    run = play(SoakPlan(target=TARGET, steps=1_600, nodes=len(size.nodes), out=tmp_path), 4)
    assert run.explanation == ()
    assert run.goals["step: CollectCommits"] > 20
    assert run.goals["a view is entered"]


@pytest.mark.sweep
def test_a_long_run_takes_nearly_every_action_in_many_views(tmp_path: Path) -> None:
    found = soak(SoakPlan(target=TARGET, steps=8_000, out=tmp_path), range(2))
    assert found.failed == ()
    assert [name for name in found.missing if name.startswith("step: ")] == []
    assert found.goals["a Byzantine primary begins a view"]
    assert found.goals["a view change carries a batch over"]


def test_the_spec_changes_nothing_in_a_run(tmp_path: Path) -> None:
    plan = SoakPlan(target=TARGET, steps=1_000, out=tmp_path)
    one, other = (play(attrs.evolve(plan, judged=judged), 3) for judged in (True, False))
    assert one.steps == other.steps
    assert {name: n for name, n in one.goals.items() if not name.startswith("step: ")} == dict(other.goals)
    assert other.actions == 0


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"window": 4}, r"OracleTraitor\.cfg says Window = 8, the replicas have 4"),
        ({"interval": 2}, r"OracleTraitor\.cfg says Interval = 4, the replicas have 2"),
        ({"f": 0}, r"OracleTraitor\.cfg says MaxFaulty = 1, the replicas have 0"),
    ],
)
def test_replicas_of_another_configuration_are_refused(limits: dict[str, Any], said: str) -> None:
    other = attrs.evolve(
        PBFT,
        core=lambda size: PbftCore(configs_of(size.nodes, **limits)),
        recorder=lambda size, spec: PbftRecorder(size, spec, configs=configs_of(size.nodes, **limits)),
    )
    with pytest.raises(ConfigError, match=said):
        Run(other, PBFT.sizes[0], seed=0, oracle=_oracle())


def test_a_configuration_speaks_of_its_own_replicas_only() -> None:
    with pytest.raises(ConfigError, match="OracleTraitorOfFive.cfg does not speak of the replicas <<r"):
        Run(PBFT, PBFT.sizes[0], seed=0, oracle=oracle_of(PBFT, PBFT.sizes[1]))


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
        ("base", _first_of, "NewView"),
    ],
)
def test_a_replica_that_does_what_the_spec_does_not_leaves_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rule: str, wrong: Callable[..., Any], said: str
) -> None:
    """Without judges, which would notice most of it as well."""
    monkeypatch.setattr(rules, rule, wrong)
    plan = SoakPlan(target=TARGET, steps=3_300, only=SPEC_ALONE, out=tmp_path)
    found = soak(plan, range(8), until_failed=True)
    assert found.failed, "the spec allowed it all"
    assert found.failed[0].property == "conforms to PbftRuns"
    assert said in "; ".join(found.failed[0].explanation)


def test_a_step_late_in_a_long_run_that_the_spec_does_not_allow_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """After hundreds of steps its trace shows the last of them, can be read again and drawn."""
    run, schedule = _begun(1, trace_max=12)
    while _steps(run) < 150:
        schedule.happen()
    monkeypatch.setattr(rules, "commit_quorum_size", lambda _: 1)
    with pytest.raises(Diverged) as caught:
        schedule.round(run.steps + 10_000)
    trace = caught.value.trace
    assert trace.violation is not None
    assert trace.violation.property == "conforms to PbftRuns"
    said, last = trace.violation.explanation
    assert "the spec allows no CollectCommits(" in said
    assert last == f"(these are the last 12 of {_steps(run):,} steps)"
    assert len(trace) == trace.violation.step == 12
    assert trace.steps[-1].action == "CollectCommits"
    itf.write(trace, tmp_path / "late.itf.json")
    again = itf.read(tmp_path / "late.itf.json")
    assert [step.state for step in again.steps] == [step.state for step in trace.steps]
    assert "CollectCommits" in render_page(lanes_of(again), file="late.itf.json")


def test_a_trace_of_a_short_run_shows_the_states_of_the_spec() -> None:
    """Each of its steps is one of the spec, from the state before to the state after, with all messages."""
    run, schedule = _begun(2)
    while _steps(run) < 60:
        schedule.happen()
    trace, oracle = run.recorder.trace(), _oracle()
    assert trace is not None
    assert len(trace) == _steps(run)
    before = oracle.state({**trace.initial, "event": immutabledict(action="Init")})
    assert oracle.holds("MayStart", before)
    for step in trace.steps:
        (after,) = oracle.apply(f"{step.action}Step", before, *step.arguments.values())
        assert {name: value for name, value in after.values.items() if name != "event"} == step.state
        before = after


def _told(run: Run, inp: pbft.Input, *effects: pbft.Effect, after: pbft.Node | None = None) -> None:
    """An honest replica took this step, as the harness tells the recorder."""
    name = run.size.honest[0]
    before: Hosted = run.view[name]
    later = before if after is None else attrs.evolve(before, node=after)
    run.recorder.on_step(
        StepRecord(
            at_ms=0,
            node=name,
            input=inp,
            sender=None,
            before=before,
            after=later,
            commands=(),
            effects=effects,
        )
    )


def _learned(run: Run) -> None:
    recorder: Any = run.recorder
    recorder._recorder._projection.learn_batch(())  # noqa: SLF001 - as if it had been proposed


def test_a_message_that_no_step_of_the_spec_sends_is_noticed() -> None:
    """A replica that signs something on the side, while its durable state is as it was."""
    for inp, said in (
        (None, "the spec allows no CollectPrepares"),
        (pbft.Retransmit(), "messages: the spec has {}"),
    ):
        run, _ = _begun(0)
        name = run.size.honest[0]
        vote = pbft.Commit(view=0, seq=1, digest=pbft.digest(()), source=name)
        _learned(run)
        signed = pbft.Send(pbft.signed(vote, pbft.SymbolicKeys(name)))
        with pytest.raises(Diverged, match=said):
            _told(run, inp or pbft.Receive(vote), signed)


def test_what_stands_behind_a_digest_must_be_known() -> None:
    run, _ = _begun(0)
    vote = pbft.Commit(view=0, seq=1, digest="f" * 64, source=run.size.honest[0])
    with pytest.raises(Diverged, match="nobody has what is behind the digest ffffffffffff"):
        _told(run, pbft.Retransmit(), pbft.Send(vote))


@pytest.mark.parametrize("value", [("wrong", "r0"), 7, ((1, 2),)])
def test_a_state_that_no_ledger_has_leaves_the_spec(value: pbft.Value) -> None:
    """As a Byzantine replica makes it for one that takes over any state."""
    run, _ = _begun(0)
    node: pbft.Node = run.view[run.size.honest[0]].node
    state = attrs.evolve(node.durable.state, value=value)
    response = pbft.StateResponse(checkpoint=node.durable.stable, state=state, source="r0")
    after = attrs.evolve(node, durable=attrs.evolve(node.durable, state=state))
    with pytest.raises(Diverged, match="is no ledger"):
        _told(run, pbft.Receive(response), after=after)


class _Disagreeing(Judge):
    """Finds something wrong with the first step."""

    def on_step(self, record: StepRecord) -> Any:
        del record
        yield Broken("Agreement", "they disagree")


def test_a_property_that_breaks_ends_the_run_with_its_trace() -> None:
    protocol = attrs.evolve(PBFT, judges=[lambda _: _Disagreeing()])
    run = Run(protocol, PBFT.sizes[0], seed=1, oracle=_oracle())
    with pytest.raises(Diverged, match="they disagree") as caught:
        Schedule(run, protocol, seed=1).round(100)
    assert caught.value.trace.violation is not None
    assert caught.value.trace.violation.property == "Agreement"


def test_the_invariants_are_judged_at_the_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(SpecOracle, "violated_invariants", lambda *_: ("VotesOnce",))
    run = play(SoakPlan(target=TARGET, steps=100, out=tmp_path), 1)
    assert run.property == "VotesOnce"
    assert run.explanation[0] == "it does not hold at the end of the run"


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
        found = _oracle().apply("EnterNewViewStep", step.before, step.node, step.message, step.proof)
        return bool(found)


@pytest.fixture(scope="module")
def entered() -> Entered:
    """One with certificates, of which one is a Byzantine replica's."""
    for seed in itertools.count():
        run, schedule = _begun(seed)
        recorder: Any = run.recorder
        while run.steps < 6_000:
            count = _steps(run)
            schedule.happen()
            fresh = _steps(run) - count
            for step, before, _ in recorder._spec.last[-fresh:] if fresh else ():  # noqa: SLF001 - for states
                match step.arguments:
                    case {"node": node, "message": message, "viewChanges": proof} if _is_telling(proof):
                        return Entered(before, node, message, proof)
    raise AssertionError


def _is_telling(proof: Any) -> bool:
    """Return whether the Byzantine replica and a correct one report prepared batches."""
    telling = {change["source"] == _BYZANTINE for change in proof if change["certificates"]}
    return telling == {True, False}


_BYZANTINE = ModelValue("r0")


def _changed(record: Any, **fields: Any) -> Any:
    return immutabledict({**record, **fields})


def _with_byzantine(proof: frozenset[Any], **fields: Any) -> frozenset[Any]:
    """The proof, in which the Byzantine replica says something else."""
    return frozenset(
        _changed(change, **fields) if change["source"] == _BYZANTINE else change for change in proof
    )


def _certificates(step: Entered) -> frozenset[Any]:
    (own,) = (change for change in step.proof if change["source"] == _BYZANTINE)
    return frozenset(own["certificates"])


def test_a_byzantine_new_view_is_allowed_with_what_justifies_it(entered: Entered) -> None:
    """It is also allowed if its view change hides prepared batches, and the proposals fit the rest."""
    assert entered.allowed()
    silent = _with_byzantine(entered.proof, certificates=frozenset())
    (proposals,) = _oracle().evaluate("Reproposals", entered.before, silent)
    assert entered.allowed(message=_changed(entered.message, proposals=proposals), proof=silent)


def _without_one(step: Entered) -> frozenset[Any]:
    return step.proof - {min(step.proof, key=str)}


def _of_one_twice(step: Entered) -> frozenset[Any]:
    (one, *_) = (change for change in step.proof if change["source"] != _BYZANTINE)
    (own,) = (change for change in step.proof if change["source"] == _BYZANTINE)
    silent = _changed(own, certificates=frozenset())
    return (step.proof - {one}) | {silent}


def _of_somebody_else_changed(step: Entered) -> frozenset[Any]:
    one = next(c for c in step.proof if c["source"] != _BYZANTINE and c["certificates"])
    return (step.proof - {one}) | {_changed(one, certificates=frozenset())}


def _with_certificate(step: Entered, **fields: Any) -> frozenset[Any]:
    told = _certificates(step)
    certificate = min(told, key=str)
    return _with_byzantine(
        step.proof, certificates=(told - {certificate}) | {_changed(certificate, **fields)}
    )


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
        lambda step: _with_byzantine(step.proof, view=step.message["view"] + 1),
        lambda step: _with_byzantine(step.proof, checkpoint=immutabledict(seq=4, state=())),
        lambda step: _with_byzantine(step.proof, more=0),
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
    """The most plausible message for such a proof: what follows from it, or the actual proposals."""
    proof = forged(entered)
    assert proof != entered.proof
    assert not entered.allowed(proof=proof)
    if proof:
        oracle = _oracle()
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
