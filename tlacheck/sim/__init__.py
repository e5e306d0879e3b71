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
| `Scenario`, `ScenarioRun`        | a cluster, its faults and its clients as one value; what came of it |

It knows no protocol, reads no clock and starts no thread. docs/simulator.md goes through it.
"""

from tlacheck.sim._text import text_of
from tlacheck.sim.byzantine import (
    ActiveBehaviour,
    Behaviour,
    ByzantineAction,
    ByzantineContext,
    Equivocate,
    Lie,
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
    Notify,
    Observer,
    SetTimer,
    StepRecord,
    StopTimer,
    Sync,
)
from tlacheck.sim.delays import Delay, Exponential, Fixed, HeavyTailed, Uniform
from tlacheck.sim.disk import Disk, Write, torn
from tlacheck.sim.faults import FAULTS, Fault, FaultPlan, SpecFaults, TimedFault
from tlacheck.sim.scenario import Scenario, ScenarioRun
from tlacheck.sim.simulation import Entry, Host, Request, Simulation
from tlacheck.sim.world import Event, Flight, Network, Timer, World

__all__ = [
    "FAULTS",
    "ActiveBehaviour",
    "Behaviour",
    "ByzantineAction",
    "ByzantineContext",
    "Clock",
    "Cluster",
    "Command",
    "Core",
    "Delay",
    "Disk",
    "Entry",
    "Equivocate",
    "Event",
    "Exponential",
    "Fault",
    "FaultPlan",
    "Fixed",
    "Flight",
    "HeavyTailed",
    "Host",
    "Lie",
    "Network",
    "Notify",
    "Observer",
    "Replay",
    "Request",
    "Scenario",
    "ScenarioRun",
    "Send",
    "SetTimer",
    "Silent",
    "Simulation",
    "SpecFaults",
    "StepRecord",
    "StopTimer",
    "Sync",
    "Tamper",
    "TimedFault",
    "Timer",
    "TwoCopies",
    "Uniform",
    "World",
    "Write",
    "text_of",
    "torn",
]
