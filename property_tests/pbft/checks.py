"""The checks of the PBFT implementation, as `tlacheck verify` calls them.

| check      | what drives the implementation            | what judges it             |
|------------|-------------------------------------------|----------------------------|
| replay     | recorded traces of TLC                    | the states of the trace    |
| weakened   | TLC's counterexamples of weakened specs   | that it leaves each of them |
| every edge | the state graphs of small models          | the states of the graph    |
| walks      | random walks of the spec without bounds   | the states of the walk     |
| mutants    | wrong implementations, against `LAYERS`   | that some layer notices     |
"""

import functools
import re
from pathlib import Path
from typing import Any, Final

from immutabledict import immutabledict

from property_tests.pbft.adapter import PbftSystem, spec_for
from property_tests.pbft.layers import LAYERS
from tlacheck.conform.checks import follows, leaves, recorded_in, takes_every_edge, walks_with
from tlacheck.errors import TraceError
from tlacheck.mutants.check import all_caught
from tlacheck.tlc.configuration import configuration_text
from tlacheck.tlc.oracle import SpecOracle
from tlacheck.tlc.spec import Spec
from tlacheck.trace import Trace
from tlacheck.verify import Context, Outcome

__all__ = [
    "LAYERS",
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
_TRACES: Final = _ROOT / "traces" / "golden" / "pbft"
_SIZES: Final = immutabledict(FourReplicas=4, FiveReplicas=5, SixReplicas=6, SevenReplicas=7)

#: Walks choose votes more often than timeouts, or they would change views for ever.
_WEIGHTS: Final = immutabledict(
    Propose=2.0,
    AcceptPrePrepare=2.0,
    CollectPrepares=4.0,
    CollectCommits=4.0,
    CollectCheckpoints=2.0,
    TransferState=2.0,
    Timeout=0.2,
    JoinViewChange=1.0,
    NewView=4.0,
    EnterNewView=3.0,
)


# --- systems --------------------------------------------------------------------------------------


def system_for(config: Path) -> PbftSystem:
    """A cluster with the constants of a configuration of `specs/pbft`.

    Raises:
        TraceError: the configuration does not say how many replicas there are.
    """
    text = configuration_text(config)

    def constant(name: str) -> int:
        found = re.search(rf"^ *{name} = (\d+)", text, re.MULTILINE)
        return int(found[1]) if found else 1

    rotation = re.search(r"^ *Rotation <- (\w+)", text, re.MULTILINE)
    size = _SIZES.get(rotation[1]) if rotation else None
    if size is None:
        raise TraceError("the configuration does not say how many replicas there are", config)
    byzantine = re.search(r"^ *Byzantine = \{([^}]*)\}", text, re.MULTILINE)
    return PbftSystem(
        tuple(f"r{number}" for number in range(size)),
        byzantine=frozenset(re.findall(r"\w+", byzantine[1])) if byzantine else frozenset(),
        f=constant("MaxFaulty"),
        window=constant("Window"),
        interval=constant("Interval"),
    )


def system_of(trace: Trace) -> PbftSystem:
    """A cluster with the constants of the configuration that a recorded trace comes from.

    Raises:
        TraceError: as `system_for`.
    """
    return system_for(_ROOT / trace.origin.config)


def edges_spec(config: str = "edges.cfg") -> Spec:
    """The model whose edges are taken: no symmetry, and a view that hides `event` alone."""
    folder = spec_for(4).path.parent
    return Spec.load(folder / "MCPbft.tla", folder / config)


@functools.cache
def oracle_for(replicas: int) -> SpecOracle:
    """The oracle for clusters of so many replicas; loaded once a process."""
    return SpecOracle(spec_for(replicas))


# --- checks ---------------------------------------------------------------------------------------


def replay_witnesses(context: Context) -> Outcome:
    """Replay every recorded witness, and what too many traitors lead to: the implementation follows them all."""
    return follows(context, recorded_in(_TRACES / "witness", _TRACES / "misconfigured"), system_of)


def replay_weakened(context: Context) -> Outcome:
    """Replay TLC's counterexample of every weakened spec: the implementation must leave each of them."""
    return leaves(context, recorded_in(_TRACES / "weakened"), system_of)


def every_edge(context: Context) -> Outcome:
    """Take every edge of a model with a Byzantine backup and a view change."""
    spec = edges_spec()
    return takes_every_edge(context, spec, functools.partial(system_for, spec.config), edges_min=50_000)


def walks(context: Context, *, walks: int = 40, steps: int = 80, replicas: int = 4) -> Outcome:
    """Follow seeded random walks of the spec without bounds."""
    oracle = oracle_for(replicas)

    def counted(run: Trace) -> dict[str, int]:
        last: Any = run.states[-1]
        return {"views": max(last["view"].values()), "decided": len(last["decided"])}

    return walks_with(
        context,
        oracle,
        functools.partial(system_for, oracle.spec.config),
        walks=walks,
        steps=steps,
        weights=_WEIGHTS,
        counted=counted,
    )


def mutants(context: Context, *, which: str = "MUTANTS") -> Outcome:
    """Every wrong implementation is noticed by some layer. `make mutants` also tries the equivalent ones.

    Args:
        context: what `verify` gives.
        which: `MUTANTS`, or `SAMPLE` for some of them.
    """
    return all_caught(context, f"property_tests.pbft.mutants:{which}", LAYERS)
