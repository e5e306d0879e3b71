"""A simulator for clusters of protocol cores: one seed, one run, to the byte.

| part                             | is                                                                |
|----------------------------------|-------------------------------------------------------------------|
| `World`                          | virtual time, timers, clocks, and messages in flight              |
| `Network`, `Delay`               | what the network does by itself                                   |
| `Disk`                           | writes that a crash loses or tears unless they were synced        |
| `Fault`, `FaultPlan`, `SpecFaults` | one vocabulary of faults; a plan of them; what they are in a spec |
| `Simulation`, `Host`             | the loop of events and faults; who owns the nodes                 |
| `Cluster`, `Core`                | a host for any pure core `step(state, input) -> (state, effects)` |
| `Behaviour`                      | a node that does not follow its protocol                          |
| `Scenario`, `Run`                | a cluster, its faults and its clients as one value; what came of it |

It knows no protocol, reads no clock and starts no thread. docs/simulator.md goes through it.
"""

from tlacheck.sim.byzantine import (
    Behaviour,
    Deed,
    Equivocate,
    Lie,
    Mask,
    Moment,
    Replay,
    Send,
    Silent,
    Tamper,
    TwoCopies,
)
from tlacheck.sim.clocks import Clock
from tlacheck.sim.cluster import (
    Cluster,
    Command,
    Core,
    Observer,
    SetTimer,
    StepRecord,
    StopTimer,
    Sync,
    Tell,
)
from tlacheck.sim.delays import Delay, Exponential, Fixed, HeavyTailed, Uniform
from tlacheck.sim.disk import Disk, Write, torn
from tlacheck.sim.faults import FAULTS, Fault, FaultPlan, SpecFaults, TimedFault
from tlacheck.sim.scenario import Run, Scenario
from tlacheck.sim.simulation import Entry, Host, Request, Simulation
from tlacheck.sim.world import Due, Flight, Network, Timer, World

__all__ = [
    "FAULTS",
    "Behaviour",
    "Clock",
    "Cluster",
    "Command",
    "Core",
    "Deed",
    "Delay",
    "Disk",
    "Due",
    "Entry",
    "Equivocate",
    "Exponential",
    "Fault",
    "FaultPlan",
    "Fixed",
    "Flight",
    "HeavyTailed",
    "Host",
    "Lie",
    "Mask",
    "Moment",
    "Network",
    "Observer",
    "Replay",
    "Request",
    "Run",
    "Scenario",
    "Send",
    "SetTimer",
    "Silent",
    "Simulation",
    "SpecFaults",
    "StepRecord",
    "StopTimer",
    "Sync",
    "Tamper",
    "Tell",
    "TimedFault",
    "Timer",
    "TwoCopies",
    "Uniform",
    "World",
    "Write",
    "torn",
]
