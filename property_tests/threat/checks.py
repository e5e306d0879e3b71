"""The checks of the threat level's implementation, as `tlacheck verify` calls them.

| check      | what drives the implementation            | what judges it             |
|------------|-------------------------------------------|----------------------------|
| replay     | recorded traces of TLC                    | the states of the trace    |
| weakened   | TLC's counterexamples of weakened specs   | that it leaves each of them |
| every edge | the state graph of a small model          | the states of the graph    |
| walks      | random walks of the spec without bounds   | the states of the walk     |
| mutants    | wrong implementations, against `LAYERS`   | that some layer notices    |
"""

import functools
import itertools
import re
from pathlib import Path
from typing import Any, Final

from immutabledict import immutabledict

from property_tests.threat.adapter import Setting, ThreatSystem, spec_for
from property_tests.threat.layers import LAYERS
from tlacheck.conform.checks import follows, leaves, recorded_in, takes_every_edge, walks_with
from tlacheck.errors import TraceError
from tlacheck.mutants.check import all_caught
from tlacheck.tlc.configuration import configuration_text
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.tlc.spec import Spec
from tlacheck.trace import Trace
from tlacheck.verify import Context, Outcome

__all__ = [
    "edges_spec",
    "every_edge",
    "mutants",
    "oracle_for",
    "replay_weakened",
    "replay_witnesses",
    "system_for",
    "system_of",
    "walks",
]

_ROOT: Final = Path(__file__).resolve().parents[2]
_TRACES: Final = _ROOT / "traces" / "golden" / "threat"

#: Walks tick, see and hear; crashes and proofs are rare, or the level would never fall.
_WEIGHTS: Final = immutabledict(Observe=1.0, Hear=3.0, Prove=0.15, Tick=6.0, Restart=0.1)


def system_for(config: Path) -> ThreatSystem:
    """A machine with the constants of a configuration of `specs/threat`.

    Raises:
        TraceError: the configuration does not name the replicas.
    """
    text = configuration_text(config)

    def constant(name: str) -> int:
        found = re.search(rf"^ *{name} = (\d+)", text, re.MULTILINE)
        if found is None:
            raise TraceError(f"the configuration does not say what {name} is", config)
        return int(found[1])

    replicas = re.search(r"^ *Replica = \{([^}]*)\}", text, re.MULTILINE)
    if replicas is None:
        raise TraceError("the configuration does not name the replicas", config)
    return ThreatSystem(
        Setting(
            replicas=tuple(re.findall(r"\w+", replicas[1])),
            f=constant("MaxFaulty"),
            decay=constant("Decay"),
            dwell=constant("Dwell"),
            calm=constant("Calm"),
            restate=constant("Restate"),
        )
    )


def system_of(trace: Trace) -> ThreatSystem:
    """A machine with the constants of the configuration that a recorded trace comes from.

    Raises:
        TraceError: as `system_for`.
    """
    return system_for(_ROOT / trace.origin.config)


def edges_spec() -> Spec:
    """The model whose edges are taken: numbers are bounded, and its view hides `event` alone."""
    folder = spec_for(4).path.parent
    return Spec.load(folder / "MCThreat.tla", folder / "edges.cfg")


@functools.cache
def oracle_for(replicas: int) -> SpecOracle:
    """The oracle for one of so many replicas; loaded once a process."""
    return SpecOracle(spec_for(replicas))


def replay_witnesses(context: Context) -> Outcome:
    """Replay every recorded witness: the implementation follows them all."""
    return follows(context, recorded_in(_TRACES / "witness"), system_of)


def replay_weakened(context: Context) -> Outcome:
    """Replay TLC's counterexample of every weakened spec: the implementation must leave each of them."""
    return leaves(context, recorded_in(_TRACES / "weakened"), system_of)


def every_edge(context: Context) -> Outcome:
    """Take every edge of a model with all kinds of inputs."""
    spec = edges_spec()
    return takes_every_edge(context, spec, functools.partial(system_for, spec.config), edges_min=10_000)


def walks(context: Context, *, walks: int = 20, steps: int = 60, replicas: int = 4) -> Outcome:
    """Follow seeded random walks of the spec without bounds; the level must rise and fall in them."""
    oracle = oracle_for(replicas)

    def counted(run: Trace) -> dict[str, int]:
        levels: list[Any] = [state["level"] for state in run.states]
        pairs = list(itertools.pairwise(levels))
        return {
            "raised": sum(old < new for old, new in pairs),
            "lowered": sum(old > new for old, new in pairs),
        }

    return walks_with(
        context,
        oracle,
        functools.partial(system_for, oracle.spec.config),
        walks=walks,
        steps=steps,
        weights=_WEIGHTS,
        counted=counted,
        needed=("raised", "lowered"),
    )


def mutants(context: Context, *, which: str = "MUTANTS") -> Outcome:
    """Every wrong implementation is noticed by some layer.

    Args:
        context: what `verify` gives.
        which: `MUTANTS`, or `SAMPLE` for some of them.
    """
    return all_caught(context, f"property_tests.threat.mutants:{which}", LAYERS)
