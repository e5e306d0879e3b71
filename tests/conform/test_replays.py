"""A declaration of replays gives the checks of `verify`, and each of them can fail."""

from pathlib import Path

import attrs
import pytest

from tests.conform.toys import CALLS, Shows, Tally, run
from tlacheck import itf
from tlacheck.conform import replays
from tlacheck.conform.replays import Edges, Replays, Walks
from tlacheck.errors import ConfigError, TraceError
from tlacheck.trace import Violation
from tlacheck.verdict import Kind
from tlacheck.verify import Context

_SPECS = Path(__file__).parents[1] / "specs"


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(folder=tmp_path, budget="ci", seed=0, command="repeat it", progress=lambda _: None)


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    """Recorded traces: a witness, and a counterexample of a weakened spec."""
    trace = run(*CALLS)
    for kind in ("witness", "weakened"):
        (tmp_path / kind).mkdir()
        violated = attrs.evolve(trace, violation=Violation(property="NeverThis", step=len(trace)))
        itf.write(violated, tmp_path / kind / "one.itf.json")
    return tmp_path


@pytest.fixture
def declared(traces: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a declaration with a right system; the others are made from it."""
    right = Replays(
        system_for=lambda _: Tally(),
        specs=_SPECS,
        traces=traces,
        root=_SPECS,
        edges=Edges(module="Tally.tla", config="Tally.cfg", at_least=1),
        walks=Walks(module="Tally.tla", config="Tally.cfg", weights={"Raise": 2.0}),
    )
    wrong = attrs.evolve(right, system_for=lambda _: Shows("total", total=3))
    few = attrs.evolve(right, edges=Edges(module="Tally.tla", config="Tally.cfg", at_least=10_000))
    bare = attrs.evolve(right, edges=None, traces=_SPECS)
    for name, value in {"RIGHT": right, "WRONG": wrong, "FEW": few, "BARE": bare}.items():
        monkeypatch.setattr(replays, name, value, raising=False)
    return "tlacheck.conform.replays"


def test_a_right_system_passes_what_it_must_follow(context: Context, declared: str) -> None:
    assert replays.replay_witnesses(context, of=f"{declared}:RIGHT").verdict.kind is Kind.SAMPLED
    assert replays.every_edge(context, of=f"{declared}:RIGHT").verdict.kind is Kind.EXHAUSTED
    assert replays.walks(context, of=f"{declared}:RIGHT", walks=2, steps=5).verdict.kind is Kind.SAMPLED
    guided = replays.guided(context, of=f"{declared}:RIGHT", steps=60, watch=["tests.conform.toys"])
    assert guided.verdict.kind is Kind.SAMPLED
    assert int(guided.figures["branches"]) > 0


def test_a_right_system_that_follows_a_weakened_spec_fails(context: Context, declared: str) -> None:
    assert replays.replay_weakened(context, of=f"{declared}:RIGHT").verdict.is_violated


def test_a_wrong_system_fails_what_it_must_follow(context: Context, declared: str) -> None:
    assert replays.replay_witnesses(context, of=f"{declared}:WRONG").verdict.is_violated
    assert replays.every_edge(context, of=f"{declared}:WRONG").verdict.is_violated
    assert replays.walks(context, of=f"{declared}:WRONG", walks=5, steps=9).verdict.is_violated
    assert replays.guided(context, of=f"{declared}:WRONG", steps=60).verdict.is_violated


def test_a_model_that_has_shrunk_establishes_nothing(context: Context, declared: str) -> None:
    assert replays.every_edge(context, of=f"{declared}:FEW").verdict.is_unknown


def test_what_is_not_declared_is_told(context: Context, declared: str) -> None:
    with pytest.raises(ConfigError, match="declares no model whose every edge is taken"):
        replays.every_edge(context, of=f"{declared}:BARE")
    with pytest.raises(TraceError, match="no recorded trace here"):
        replays.replay_witnesses(context, of=f"{declared}:BARE")
    with pytest.raises(ConfigError, match="is a type, and no"):
        replays.every_edge(context, of=f"{declared}:Edges")
