"""The hybrid runs on HotStuff as it does on PBFT, and wrong engines are noticed."""

from pathlib import Path

import pytest

from property_tests.hybrid.adversary import STRATEGIES_ON_HOTSTUFF, Adversary, behaviours
from property_tests.hybrid.engine_mutants import MUTANTS
from property_tests.hybrid.host import configs_of
from property_tests.hybrid.invariants import THERE_AND_BACK
from property_tests.hybrid.on_hotstuff import ON_HOTSTUFF
from property_tests.hybrid.runs import played
from tlacheck.harness import Size
from tlacheck.mutants import try_mutants


@pytest.mark.parametrize(
    "size", ON_HOTSTUFF.sizes, ids=lambda size: f"{len(size.nodes)}-{len(size.byzantine)}"
)
def test_nothing_breaks_on_hotstuff_either(size: Size) -> None:
    """Under all faults, judged by the spec where it speaks of the cluster; each run switches both ways."""
    steps = 2_500 if len(size.nodes) < 16 else 6_000
    run = played(3, steps=steps, size=size, protocol=ON_HOTSTUFF, judged=bool(size.config))
    assert run.broken == "", run.why
    assert run.goals[THERE_AND_BACK]
    assert run.goals["progress: Return"]
    assert run.goals["a history is linearizable"]


def test_each_behaviour_is_a_strategy_on_hotstuff() -> None:
    size = ON_HOTSTUFF.sizes[0]
    made = behaviours(Adversary(configs_of(size, bft_protocol="hotstuff"), size.byzantine))
    assert made.keys() == set(STRATEGIES_ON_HOTSTUFF)


@pytest.mark.sweep
@pytest.mark.parametrize("name", [mutant.name for mutant in MUTANTS])
def test_a_wrong_engine_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    (result,) = try_mutants(
        "property_tests.hybrid.engine_mutants:MUTANTS", ON_HOTSTUFF.layers, folder=tmp_path, only=name
    )
    assert result.is_as_expected, result.attempts
