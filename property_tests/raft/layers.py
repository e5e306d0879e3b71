"""The layers that `tlacheck mutants` asks of Raft, the quickest first.

| layer     | what drives the implementation                     | what judges it                     |
|-----------|----------------------------------------------------|------------------------------------|
| replay    | recorded traces of TLC                             | the states of the trace            |
| weakened  | TLC's counterexamples of weakened specs            | that it leaves each of them        |
| scenarios | scenario files, without and with all parts         | what each file says                |
| repeated  | runs of a cluster that the spec has judged         | each step of the recorded run      |
| oracle    | random walks of the spec                           | the states of the walk             |
| stateful  | Hypothesis with faults                             | the spec, `Safety`, progress       |
| invariant | the same                                           | `Safety` and progress alone        |
| all parts | a soak test of all parts of Raft                   | the spec, `Safety`, progress       |
"""

from typing import Any, Final

from immutabledict import immutabledict

from tlacheck.mutants import Layer

__all__ = ["LAYERS"]

_REPLAYS: Final = immutabledict[str, Any](of="property_tests.raft.replays:REPLAYS")
_PLAIN: Final = immutabledict[str, Any](protocol="property_tests.raft.protocol:RAFT")
_FULL: Final = immutabledict[str, Any](protocol="property_tests.raft.protocol:RAFT_FULL")


def _in(folder: str) -> dict[str, Any]:
    return {"folder": f"property_tests/raft/{folder}", "judged": False}


#: The layers that `tlacheck mutants` asks, the quickest first.
LAYERS: Final = (
    Layer("replay", "tlacheck.conform.replays:replay_witnesses", _REPLAYS),
    Layer("weakened", "tlacheck.conform.replays:replay_weakened", _REPLAYS),
    Layer("scenarios", "tlacheck.harness.checks:scenarios", {**_PLAIN, **_in("scenarios")}),
    Layer("scenarios of all parts", "tlacheck.harness.checks:scenarios", {**_FULL, **_in("scenarios_full")}),
    Layer("repeated", "tlacheck.harness.repeated:repeats", {**_FULL, "seeds": 16, "steps": 500}),
    Layer("oracle", "tlacheck.conform.replays:walks", {**_REPLAYS, "walks": 200, "steps": 80}),
    Layer("stateful", "tlacheck.harness.checks:stateful", {**_PLAIN, "examples": 200, "every_size": True}),
    Layer(
        "invariant",
        "tlacheck.harness.checks:stateful",
        {**_PLAIN, "examples": 400, "every_size": True, "judged": False},
    ),
    Layer("all parts", "tlacheck.harness.checks:soaked", {**_FULL, "seeds": 20, "steps": 600}),
)
