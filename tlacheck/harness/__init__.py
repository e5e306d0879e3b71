"""One harness for every protocol: declare it once, and get cluster, recorder, soak test, state machine and checks.

**The code drives, the toolkit records, the spec judges.** A workload and a fault schedule, drawn from a seed or by
Hypothesis, decide what happens; the pure core steps; the recorder says which steps of the spec that was; the oracle says
whether they are allowed; invariants, coverage goals and progress are judged on the way. Replay, walks and every-edge go
the other way (`tlacheck.conform`) and share nothing with this.

| noun        | is                                                                                         |
|-------------|--------------------------------------------------------------------------------------------|
| `Protocol`  | the declaration: core, spec, sizes, steps, workload, faults, invariants, goals, progress, mutants |
| `View`      | node -> its state, as the recorder has it                                                  |
| `Run`       | one simulated cluster, every step of which is judged                                       |
| `Recorder`  | follows a run in the spec, with all states of it that fit                                  |
| `Schedule`  | draws what happens next                                                                    |
| `SoakPlan`, `RunResult`, `SoakResult` | a campaign, and what came of one run and of all                  |
| `machine_of`| the Hypothesis state machine of a protocol                                                 |

`tlacheck soak MODULE:PROTOCOL` is the command, `tlacheck.harness.checks` has the checks for `verify.toml`, and
docs/own-protocol.md goes through an example.
"""

from tlacheck.harness.machine import machine_of
from tlacheck.harness.protocol import (
    USUAL_FAULTS,
    Byzantine,
    Eventually,
    Goal,
    Invariant,
    Op,
    Protocol,
    Size,
    SpecStep,
    View,
    sometimes,
    spec_step,
)
from tlacheck.harness.recorder import Recorder, Violated
from tlacheck.harness.run import Run
from tlacheck.harness.soak import RunResult, SoakPlan, SoakResult, soak

__all__ = [
    "USUAL_FAULTS",
    "Byzantine",
    "Eventually",
    "Goal",
    "Invariant",
    "Op",
    "Protocol",
    "Recorder",
    "Run",
    "RunResult",
    "Size",
    "SoakPlan",
    "SoakResult",
    "SpecStep",
    "View",
    "Violated",
    "machine_of",
    "soak",
    "sometimes",
    "spec_step",
]
