"""The checks of the voting implementation, as `tlacheck verify` calls them.

| check      | what drives the implementation            | what judges it             |
|------------|-------------------------------------------|----------------------------|
| replay     | recorded traces of TLC                    | the states of the trace    |
| weakened   | TLC's counterexamples of weakened specs   | that it leaves each of them |
| every edge | the state graph of a small model          | the states of the graph    |
| walks      | random walks of the spec without bounds   | the states of the walk     |
| soak, stateful | a workload, faults and liars (`protocol.py`), drawn from a seed or by Hypothesis | the spec, invariants, progress |
| mutants    | wrong implementations, against `LAYERS`   | that some layer notices    |
"""

import functools
import re
from pathlib import Path
from typing import Any, Final

from immutabledict import immutabledict

from property_tests.vote.adapter import VoteSystem, spec_for
from property_tests.vote.layers import LAYERS
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
_TRACES: Final = _ROOT / "traces" / "golden" / "vote"
_SIZES: Final = immutabledict(FourVoters=4, FiveVoters=5, SevenVoters=7)

#: Walks vote and confirm more often than they give up, or nothing would ever be decided.
_WEIGHTS: Final = immutabledict(
    Vote=4.0, Confirm=4.0, GiveUp=0.3, Enter=4.0, Convict=0.2, Report=0.5, Decide=2.0
)


def system_for(config: Path) -> VoteSystem:
    """A ballot with the constants of a configuration of `specs/vote`.

    Raises:
        TraceError: the configuration does not say who votes.
    """
    text = configuration_text(config)

    def names(constant: str) -> list[str]:
        found = re.search(rf"^ *{constant} = \{{([^}}]*)\}}", text, re.MULTILINE)
        return re.findall(r"\w+", found[1]) if found else []

    voters = re.search(r"^ *Voter <- (\w+)", text, re.MULTILINE)
    liars = re.search(r"^ *MaxFaulty = (\d+)", text, re.MULTILINE)
    if voters is None or liars is None or voters[1] not in _SIZES:
        raise TraceError("the configuration does not say who votes", config)
    return VoteSystem(
        tuple(f"v{number + 1}" for number in range(_SIZES[voters[1]])),
        byzantine=frozenset(names("Byzantine")),
        f=int(liars[1]),
        counters=tuple(names("Counter")),
    )


def system_of(trace: Trace) -> VoteSystem:
    """A ballot with the constants of the configuration that a recorded trace comes from.

    Raises:
        TraceError: as `system_for`.
    """
    return system_for(_ROOT / trace.origin.config)


def edges_spec() -> Spec:
    """The model whose edges are taken: no symmetry, and a view that hides `event` alone."""
    folder = spec_for(4).path.parent
    return Spec.load(folder / "MCVote.tla", folder / "edges.cfg")


@functools.cache
def oracle_for(voters: int) -> SpecOracle:
    """The oracle for so many voters; loaded once a process."""
    return SpecOracle(spec_for(voters))


def replay_witnesses(context: Context) -> Outcome:
    """Replay every recorded witness, and what too many liars lead to: the implementation follows them all."""
    return follows(context, recorded_in(_TRACES / "witness", _TRACES / "misconfigured"), system_of)


def replay_weakened(context: Context) -> Outcome:
    """Replay TLC's counterexample of every weakened spec: the implementation must leave each of them."""
    return leaves(context, recorded_in(_TRACES / "weakened"), system_of)


def every_edge(context: Context) -> Outcome:
    """Take every edge of a model with two rounds, a liar, and a counter that may convict it."""
    spec = edges_spec()
    return takes_every_edge(context, spec, functools.partial(system_for, spec.config), edges_min=5_000)


def walks(context: Context, *, walks: int = 40, steps: int = 60) -> Outcome:
    """Follow seeded random walks of the spec without bounds."""
    oracle = oracle_for(4)

    def counted(run: Trace) -> dict[str, int]:
        last: Any = run.states[-1]
        verdicts = sum(judged["choice"].name != "none" for judged in last["judged"].values())
        return {"rounds": max(last["round"].values()), "verdicts": verdicts}

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
    """Every wrong implementation is noticed by some layer.

    Args:
        context: what `verify` gives.
        which: `MUTANTS`, or `SAMPLE` for some of them.
    """
    return all_caught(context, f"property_tests.vote.mutants:{which}", LAYERS)
