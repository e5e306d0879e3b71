"""One harness for every protocol: a declaration gives cluster, recorder, soak test, state machine and checks.

**The code drives, the toolkit records, the spec judges.** A workload and a fault schedule, drawn from a seed
or by Hypothesis, decide what happens; the pure core steps; the recorder says which steps of the spec that
was; the oracle says whether they are allowed; invariants, coverage goals and progress are judged on the way.
Replay, walks and every-edge go the other way (`tlacheck.conform`) and share nothing with this.

| noun                                  | is                                                                 |
|---------------------------------------|--------------------------------------------------------------------|
| `Protocol`                            | the declaration: core, spec, sizes, steps, workload, faults,       |
|                                       | judges, goals, progress, mutants                                   |
| `View`                                | node -> its state, as the recorder has it                          |
| `Run`                                 | one simulated cluster, every step of which is judged               |
| `Recorder`                            | follows a run in the spec, by `Protocol.steps`, with all states of |
|                                       | it that fit                                                        |
| `SpecRecorder`, `SpecRun`             | a recorder with a memory that a protocol brings, and the run of    |
|                                       | the spec that it moves                                             |
| `Judge`                               | looks at each step without the spec, with a memory of the run      |
| `Schedule`                            | draws what happens next                                            |
| `SoakPlan`, `RunResult`, `SoakResult` | a campaign, and what came of one run and of all                    |
| `SoakWork`                            | the same as the work of a campaign on many machines,               |
|                                       | `tlacheck.campaign`                                                |
| `machine_of`                          | the Hypothesis state machine of a protocol                         |
| `scenarios_of`                        | the tests of a folder of scenario files (docs/scenarios.md)        |

`tlacheck soak MODULE:PROTOCOL` is the command, `tlacheck.harness.checks` has the checks for `verify.toml`,
and docs/own-protocol.md goes through an example.
"""

from tlacheck.harness.campaign import SoakWork
from tlacheck.harness.judges import (
    Broken,
    Demand,
    Eventually,
    Expectation,
    Finding,
    Goal,
    Invariant,
    Judge,
    Met,
    Running,
    counted,
    sometimes,
    sometimes_in_step,
)
from tlacheck.harness.machine import machine_of
from tlacheck.harness.protocol import USUAL_FAULTS, Byzantine, Op, Pace, Protocol
from tlacheck.harness.recorder import Recorder, Violated
from tlacheck.harness.run import Run
from tlacheck.harness.scenario import ScenarioResult, run_scenario, scenarios_of
from tlacheck.harness.scene import Scene
from tlacheck.harness.size import Size, View
from tlacheck.harness.soak import RunResult, SoakPlan, SoakResult, soak
from tlacheck.harness.spec_run import SpecRecorder, SpecRun
from tlacheck.harness.steps import SpecStep, any_order, spec_step
from tlacheck.harness.syntax import Directive, Line, ScenarioSyntax
from tlacheck.harness.workload import Schedule, demand

__all__ = [
    "USUAL_FAULTS",
    "Broken",
    "Byzantine",
    "Demand",
    "Directive",
    "Eventually",
    "Expectation",
    "Finding",
    "Goal",
    "Invariant",
    "Judge",
    "Line",
    "Met",
    "Op",
    "Pace",
    "Protocol",
    "Recorder",
    "Run",
    "RunResult",
    "Running",
    "ScenarioResult",
    "ScenarioSyntax",
    "Scene",
    "Schedule",
    "Size",
    "SoakPlan",
    "SoakResult",
    "SoakWork",
    "SpecRecorder",
    "SpecRun",
    "SpecStep",
    "View",
    "Violated",
    "any_order",
    "counted",
    "demand",
    "machine_of",
    "run_scenario",
    "scenarios_of",
    "soak",
    "sometimes",
    "sometimes_in_step",
    "spec_step",
]
